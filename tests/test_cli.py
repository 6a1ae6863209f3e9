"""The terminal's verbs as another program calls them: a process, its exit code, its output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interviewer import cli

pytestmark = pytest.mark.real

QUESTION = "norm_regularisation/bn-train-vs-test"
RIGHT = "训练的时候用当前小批量的均值和方差，测试时改用训练中累积的滑动平均，因为测试可能只来一个样本。"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def run(data_dir, tmp_path):
    def run(*arguments: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("INTERVIEWER_", "OPENAI_"))}
        done = subprocess.run(
            [sys.executable, "-m", "interviewer.cli", *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**clean, "INTERVIEWER_DATA_DIR": str(data_dir), **environ},
            timeout=120,
        )
        out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        assert "Traceback" not in out + err
        return subprocess.CompletedProcess(arguments, done.returncode, out, err)

    return run


@pytest.fixture
def call(data_dir, tmp_path, monkeypatch, capsys):
    """Run a verb in this process: what `run` does, without the seconds that a new process takes to start."""

    def call(*arguments: str, stdin: bytes = b"", **environ: str) -> tuple[int, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        for name, value in {"INTERVIEWER_DATA_DIR": str(data_dir), **environ}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            cli.main(list(arguments))
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out + err

    return call


def test_grade_prints_the_contracts_fields(run, tmp_path):
    (tmp_path / "reply.txt").write_text(RIGHT, encoding="utf-8")
    done = run("grade", "--question", QUESTION, "--reply", "reply.txt", "--json")
    row = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"score", "band", "points", "misconceptions", "feedback", "grader", "seconds"} <= row.keys()
    assert {"id", "text", "weight", "verdict", "quote"} <= row["points"][0].keys()
    assert row["grader"] == "offline"
    assert all(point["quote"] in RIGHT for point in row["points"])


def test_a_question_that_is_not_in_the_bank_is_graded_by_the_reference_given(run, tmp_path):
    (tmp_path / "reference.txt").write_text("索引加快查询。索引占用额外空间。索引会拖慢写入。", encoding="utf-8")
    done = run(
        "grade", "--question", "索引有什么利弊？", "--reference", "reference.txt", "--reply", "-", "--json",
        stdin="索引能加快查询，但是会占用额外空间".encode(),
    )  # fmt: skip
    row = json.loads(done.stdout)
    assert [point["verdict"] for point in row["points"]] == ["met", "met", "missing"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (("grade", "--question", QUESTION, "--reply", "-"), b"  \n\t ", "没有文字"),
        (("grade", "--question", QUESTION, "--reply", "-"), "😀🎉".encode(), "没有文字"),
        (("grade", "--question", QUESTION, "--reply", "-"), ("好" * 20000).encode(), "20000"),
        (("grade", "--question", QUESTION, "--reply", "-"), b"\xff\xfe\x00", "UTF-8"),
        (("grade", "--question", QUESTION, "--reply", "nowhere.txt"), b"", "nowhere.txt"),
        (("grade", "--question", "no/such-question", "--reply", "-"), b"x", "no/such-question"),
        (("grade", "--question", "今天天气怎么样", "--reply", "-"), b"x", "今天天气怎么样"),
        (("grade", "--question", QUESTION, "--reply", "-", "--grader", "llm"), b"x", "INTERVIEWER_BASE_URL"),
        (("chat", "--topics", "astrology"), b"", "astrology"),
        (("chat", "--count", "0"), b"", "0"),
        (("chat", "--resume", "nobody"), b"", "nobody"),
        (("search", "  "), b"", "空"),
    ],
)
def test_bad_input_gets_a_sentence_and_an_exit_code(call, arguments, stdin, told):
    code, printed = call(*arguments, stdin=stdin)
    assert code != 0
    assert told in printed


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"INTERVIEWER_PORT": "abc"}, "INTERVIEWER_PORT"),
        ({"INTERVIEWER_ENCODER": "magic"}, "INTERVIEWER_ENCODER"),
        ({"INTERVIEWER_BASE_URL": "not a url"}, "INTERVIEWER_BASE_URL"),
        ({"INTERVIEWER_DATABASE_URL": "nonsense"}, "INTERVIEWER_DATABASE_URL"),
    ],
)
def test_a_bad_setting_is_named(call, environ, told):
    code, printed = call("chat", "--count", "1", **environ)
    assert code == 1
    assert told in printed


def test_a_data_folder_that_cannot_be_written_is_told(run, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    for verb in (("chat", "--count", "1"), ("search", "批归一化"), ("serve", "--port", "7993")):
        done = run(*verb, INTERVIEWER_DATA_DIR=str(blocked / "data"))
        assert done.returncode == 1, verb
        assert "INTERVIEWER_DATA_DIR" in done.stderr


def test_a_batch_goes_on_after_bad_lines(run, tmp_path):
    rows = [
        json.dumps({"question": QUESTION, "reply": RIGHT, "tag": 7}).encode(),
        b"{broken",
        b"[1, 2]",
        json.dumps({"question": QUESTION}).encode(),
        json.dumps({"question": QUESTION, "reply": 5}).encode(),
        json.dumps({"question": QUESTION, "reply": " "}).encode(),
        json.dumps({"question": QUESTION, "reply": "\ud800 坏字符"}).encode(),
        b'{"question": "\xff", "reply": "x"}',
        json.dumps({"question": "自定义题", "reply": "甲是乙", "reference": "甲是乙。丙是丁。"}).encode(),
    ]
    (tmp_path / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\n".join(rows) + b"\n")
    done = run("grade", "--batch", "in.jsonl", "--out", "out.jsonl")
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert done.returncode == 0
    assert len(out) == len(rows)
    assert ["error" in row for row in out] == [False, True, True, True, True, True, False, True, False]
    assert out[0]["tag"] == 7 and out[0]["score"] > 50
    assert out[8]["score"] == 50


def test_search_answers_with_the_contracts_fields(run, tmp_path):
    rows = json.loads(run("search", "推理时 BN 用什么统计量", "-k", "3", "--json").stdout)
    assert len(rows) == 3
    assert rows[0].keys() == {"question", "id", "topic", "similarity"}
    assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), reverse=True)
    (tmp_path / "in.jsonl").write_text('{"query": "L1 为什么稀疏"}\n{"nothing": 1}\n', encoding="utf-8")
    assert run("search", "--batch", "in.jsonl", "--out", "out.jsonl", "-k", "2").returncode == 0
    good, bad = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert len(good["results"]) == 2 and good["query"] == "L1 为什么稀疏"
    assert "error" in bad


def test_a_scripted_interview_runs_to_its_report(run, tmp_path):
    script = tmp_path / "script.txt"
    script.write_text(f"/hint\n{RIGHT}\n/skip\n不太清楚\n/end\n", encoding="utf-8")
    done = run(
        "chat", "--topics", "norm_regularisation", "--count", "3", "--script", "script.txt", "--seed", "3", "--json"
    )
    whole = json.loads(done.stdout)
    assert done.returncode == 0
    assert whole["turns"][0]["hints"] and whole["turns"][0]["reply"] == RIGHT
    assert whole["turns"][0]["grade"]["grader"] == "offline"
    assert any(turn["skipped"] for turn in whole["turns"])
    assert whole["report"]["ended"] is True and whole["report"]["total"] is not None
    again = run(
        "chat", "--topics", "norm_regularisation", "--count", "3", "--script", "script.txt", "--seed", "3", "--json"
    )
    assert _without_times(json.loads(again.stdout)) == _without_times(whole)


def _without_times(whole: dict) -> dict:
    for turn in whole["turns"]:
        if turn["grade"]:
            turn["grade"]["seconds"] = 0
    whole["interview"] = whole["report"]["interview"] = ""
    return whole


def test_a_refused_line_of_a_script_is_told_and_the_interview_goes_on(run, tmp_path):
    (tmp_path / "script.txt").write_text(f"   \n{RIGHT}\n", encoding="utf-8")
    done = run("chat", "--count", "1", "--script", "script.txt", "--json")
    assert done.returncode == 1
    assert "没有文字" in done.stderr
    assert json.loads(done.stdout)["turns"][0]["reply"] == RIGHT


def test_the_bank_passes_its_own_check(run):
    done = run("check")
    assert done.returncode == 0, done.stderr


def test_check_names_every_fault_of_a_broken_file(run, tmp_path, knowledge):
    folder = tmp_path / "knowledge"
    target = folder / "questions" / "norm_regularisation"
    target.mkdir(parents=True)
    (folder / "topics.toml").write_bytes((knowledge / "topics.toml").read_bytes())
    whole = (knowledge / "questions" / f"{QUESTION}.toml").read_bytes()
    (target / "half.toml").write_bytes(whole[: len(whole) // 2])
    (target / "latin.toml").write_bytes("question = '归一化'".encode("gbk"))
    (target / "unknown-key.toml").write_bytes(whole.replace(b"level = ", b"levle = "))
    done = run("check", INTERVIEWER_KNOWLEDGE_DIR=str(folder))
    assert done.returncode == 1
    for name in ("half.toml", "latin.toml: encoding", "unknown-key.toml: levle", "unknown-key.toml: level"):
        assert name in done.stderr


def test_doctor_tells_every_part_and_what_to_do_about_a_dead_endpoint(run):
    fine = json.loads(run("doctor", "--json").stdout)
    assert fine["ok"] is True
    assert {check["name"] for check in fine["checks"]} >= {"encoder", "index", "database", "endpoint", "speech"}
    done = run("doctor", "--json", INTERVIEWER_BASE_URL="http://127.0.0.1:9/v1")
    sick = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert sick["endpoint"]["state"] == "fault" and "INTERVIEWER_BASE_URL" in sick["endpoint"]["detail"]


def test_serve_tells_that_its_port_is_taken(run):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.returncode == 1
    assert str(port) in done.stderr and "--port" in done.stderr


def test_an_import_is_asked_at_once_and_the_report_is_json(call, tmp_path):
    own = {"INTERVIEWER_DATA_DIR": str(tmp_path / "fresh")}
    (tmp_path / "mine.md").write_text("## 什么是金丝雀发布？\n先放一小部分流量。没有问题再扩大。", encoding="utf-8")
    code, said = call("import", "mine.md", "--json", **own)
    assert code == 0 and json.loads(said)["rows"][0]["outcome"] == "written"
    code, said = call(
        "grade", "--question", "什么是金丝雀发布？", "--reply", "-", "--json", stdin="先放一小部分流量".encode(), **own
    )
    assert code == 0 and json.loads(said)["question_id"] == "imported/shen-me-shi-jin-si-que-fa-bu"
    code, said = call("import", "mine.md", **own)
    assert code == 0 and "已有 1 道" in said


def test_an_import_into_a_folder_that_was_named_makes_it(call, tmp_path):
    folder = tmp_path / "甲" / "bank"
    (tmp_path / "mine.txt").write_text("一道没有答案的题？\n", encoding="utf-8")
    code, said = call("import", "mine.txt", INTERVIEWER_BANK_DIRS=str(folder))
    assert code == 1 and "没有答案" in said and folder.is_dir()
    code, said = call("import", "none.csv", INTERVIEWER_BANK_DIRS=str(folder))
    assert code == 1 and "none.csv" in said
