"""`interviewer bench grading` and `bench attacks` in the terminal, the model behind a real server on this machine."""

from __future__ import annotations

import json

import pytest
from servers import completion, scripted

from interviewer import cli

pytestmark = pytest.mark.real

ROWS = [
    {
        "question": "事务有什么特性？",
        "reference": "要么全部成功要么全部回滚。提交后不会丢失。",
        "reply": reply,
        "score": score,
    }
    for reply, score in (("要么全部成功，要么全部回滚，提交以后不会丢失。", 95), ("不知道怎么说这个问题。", 0))
]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    def call(*arguments: str, **environ: str) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        for name, value in {"INTERVIEWER_DATA_DIR": str(tmp_path / "data"), **environ}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            cli.main(["bench", *arguments])
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    (tmp_path / "marked.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    return call


def test_a_user_s_own_marked_replies_are_measured_offline(call):
    code, out, err = call("grading", "--data", "marked.jsonl", "--json")
    made = json.loads(out)
    assert (code, made["replies"], made["ungraded"], made["identical"]) == (0, 2, 0, 1.0)
    assert {"qwk", "spearman", "pearson", "error"} <= {figure["name"] for figure in made["figures"]}
    code, out, err = call("grading", "--data", "marked.jsonl")
    assert code == 0 and "| qwk |" in out and "2 replies to 1 questions" in out


def test_a_model_is_measured_its_cost_told_and_nothing_asked_twice(call):
    verdicts = json.dumps({"points": [], "misconceptions": []})
    with scripted([completion(verdicts)] * 3) as server:
        where = {"INTERVIEWER_BASE_URL": server.url, "INTERVIEWER_MODEL": "scripted-model"}
        arguments = ("grading", "--data", "marked.jsonl", "--grader", "llm", "--yes")
        code, out, err = call(*arguments, **where)
        assert code == 0 and "2 replies" in out
        assert "3000" in err and "800" in err, "the cost before"
        assert len(server.requests) == 3, "what the offline grader finds met is asked once more"
        code, again, err = call(*arguments, **where)
        assert (code, len(server.requests)) == (0, 3)
        assert again == out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grading", "--grader", "gpt"), "offline | llm"),
        (("grading", "--part", "none"), "test | train | all"),
        (("grading", "--data", "nothing.jsonl"), "nothing.jsonl"),
        (("grading", "--grader", "llm", "--yes"), "INTERVIEWER_BASE_URL"),
        (("attacks", "--topics", "nothing"), "nothing"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(call, arguments, said):
    code, out, err = call(*arguments)
    assert code != 0 and said in out + err and "Traceback" not in out + err


def test_attacks_are_counted_by_kind(call):
    code, out, err = call("attacks", "--topics", "knn", "--json")
    made = json.loads(out)
    assert code == 0
    assert {row["kind"] for row in made} >= {"negated", "keywords", "echo", "stranger", "padding", "order", "forged"}
    assert all(0 <= row["passed"] <= row["tries"] for row in made)
