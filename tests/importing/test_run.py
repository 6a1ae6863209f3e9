"""A user's questions become files of a bank that loads, is searched and asked; what is there stays as it is."""

from __future__ import annotations

import pytest
from builders import ScriptedLlm, question, small_bank

from interviewer import bank as banks
from interviewer.bank import KeyPoint
from interviewer.errors import DataFolderError, FileRefused, LlmTimedOut
from interviewer.grading.reference import MAX_POINTS
from interviewer.importing.files import slug_of
from interviewer.importing.run import as_json, run

ANSWER = "剪枝去掉分支。目的是防止过拟合。分为预剪枝与后剪枝。"
DRAFT = {
    "brief": "剪枝就是去掉多余的分支，防止过拟合。",
    "answer": "剪枝去掉决策树里没有用的分支，使模型更简单，从而减轻过拟合。",
    "points": [
        {
            "text": "剪枝去掉分支",
            "weight": 3,
            "terms": ["剪枝", "pruning"],
            "says": ["把枝条剪掉", "删去子树", "cut branches"],
            "denies": ["剪枝增加分支", "剪枝让树更深"],
        },
        {
            "text": "目的是减轻过拟合",
            "weight": 3,
            "terms": ["过拟合"],
            "says": ["别学太死"],
            "denies": ["为了减轻欠拟合"],
        },
    ],
}


@pytest.fixture
def existing():
    return small_bank(question("one"))


@pytest.fixture
def source(tmp_path):
    def source(text: str, name: str = "mine.jsonl"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return source


def loaded(knowledge, folder):
    return [q for q in banks.load(knowledge, folder) if q.origin == "user"]


def outcomes(report):
    return [(entry.row.place, entry.outcome, entry.fault.name if entry.fault else "") for entry in report.entries]


def test_an_import_writes_files_that_load_beside_the_bank(source, tmp_path, bank, knowledge):
    text = f"# 我的题\n## 什么是树的剪枝呀？\n{ANSWER}\n## 空着的题？\n## {next(iter(bank)).question}\n答案在这里。"
    report = run(source(text, "mine.md"), tmp_path / "own", bank)
    assert outcomes(report) == [(2, "written", ""), (4, "unanswered", "row_no_answer"), (5, "exists", "")]
    (written,) = loaded(knowledge, tmp_path / "own")
    assert written.id == "wo_de_ti/shen-me-shi-shu-de-jian-zhi-ya" == report.entries[0].id
    assert [point.text for point in written.points] == ["剪枝去掉分支", "目的是防止过拟合", "分为预剪枝与后剪枝"]
    assert not written.reviewed
    assert {"says", "terms", "follow_ups", "aliases"} <= set(report.entries[0].look)
    assert report.entries[2].id == next(iter(bank)).id


def test_a_row_goes_to_the_topic_that_it_names_by_title_or_id(source, tmp_path, bank, knowledge):
    title = bank.topics[0].zh
    rows = f'{{"question":"甲乙？","answer":"{ANSWER}","topic":"{title}"}}\n{{"question":"丙丁？","answer":"{ANSWER}"}}'
    run(source(rows), tmp_path / "own", bank)
    assert {q.topic for q in loaded(knowledge, tmp_path / "own")} == {bank.topics[0].id, "imported"}
    run(source('{"question":"戊己？","answer":"甲。"}'), tmp_path / "own", bank, topic=bank.topics[1].id)
    assert bank.topics[1].id in {q.topic for q in loaded(knowledge, tmp_path / "own")}


def test_importing_again_changes_nothing(source, tmp_path, bank, knowledge):
    path, own = source(f'{{"question":"甲乙？","answer":"{ANSWER}"}}'), tmp_path / "own"
    run(path, own, bank)
    before = {file: file.read_bytes() for file in own.rglob("*.toml")}
    again = run(path, own, banks.load(knowledge, own))
    assert outcomes(again) == [(1, "exists", "")]
    assert {file: file.read_bytes() for file in own.rglob("*.toml")} == before


def test_two_rows_with_one_wording_and_two_wordings_with_one_slug(source, tmp_path, existing):
    rows = "\n".join(
        f'{{"question":"{q}","answer":"{ANSWER}"}}' for q in ("是 A？", "是 a!", "是-A-吗 x", "是 A 吗 x y")
    )
    report = run(source(rows), tmp_path / "own", existing)
    assert [entry.outcome for entry in report.entries] == ["written", "exists", "written", "written"]
    assert len({entry.id for entry in report.entries if entry.outcome == "written"}) == 3


@pytest.mark.parametrize("bad", ["../../etc/passwd", "/etc/passwd", "imported/../x", "编号", "A B", "first/one"])
def test_an_id_that_is_no_slug_of_the_bank_is_named_and_nothing_written(source, tmp_path, existing, bad):
    report = run(source(f'{{"question":"甲？","answer":"{ANSWER}","id":"{bad}"}}'), tmp_path / "own", existing)
    assert outcomes(report) == [(1, "refused", "import_bad_id")]
    assert list((tmp_path / "own").rglob("*.toml")) == []


def test_an_id_that_is_taken_is_named(source, tmp_path, existing):
    rows = f'{{"question":"甲？","answer":"{ANSWER}","id":"one","topic":"first"}}'
    assert outcomes(run(source(rows), tmp_path / "own", existing)) == [(1, "refused", "import_taken_id")]


def test_a_file_in_the_way_is_not_overwritten(source, tmp_path, existing):
    there = tmp_path / "own" / "questions" / "imported" / f"{slug_of('甲？')}.toml"
    there.parent.mkdir(parents=True)
    there.write_text("# 别人的", encoding="utf-8")
    report = run(source(f'{{"question":"甲？","answer":"{ANSWER}"}}'), tmp_path / "own", existing)
    assert report.entries[0].id == f"imported/{slug_of('甲？')}-2"
    assert there.read_text(encoding="utf-8") == "# 别人的"


def test_a_dry_run_reports_and_writes_no_question(source, tmp_path, existing):
    rows = f'{{"question":"甲？","answer":"{ANSWER}"}}\n{{"question":"甲!","answer":"{ANSWER}"}}\n{{"question":"乙？"}}'
    report = run(source(rows), tmp_path / "own", existing, ScriptedLlm(), dry=True)
    assert [entry.outcome for entry in report.entries] == ["written", "exists", "unanswered"]
    assert list((tmp_path / "own").rglob("*.toml")) == []


def test_answers_that_hold_no_claim_or_far_too_many_are_named(source, tmp_path, existing):
    many = "".join(f"第{n}件事情是这样的。" for n in range(MAX_POINTS + 1))
    rows = f'{{"question":"甲？","answer":"```x```"}}\n{{"question":"乙？","answer":"{many}"}}'
    faults = [fault for _, _, fault in outcomes(run(source(rows), tmp_path / "own", existing))]
    assert faults == ["reference_empty", "import_many_points"]


def test_a_question_without_an_answer_is_drafted_and_marked(source, tmp_path, bank, knowledge):
    llm = ScriptedLlm(DRAFT, LlmTimedOut(seconds=1))
    report = run(source("什么是树的剪枝呀？\n另一题呀？\n", "a.txt"), tmp_path / "own", bank, llm)
    assert outcomes(report) == [(1, "written", ""), (2, "unanswered", "llm_timed_out")]
    (drafted,) = loaded(knowledge, tmp_path / "own")
    assert drafted.points[0] == KeyPoint(
        id="p1",
        text="剪枝去掉分支",
        weight=3,
        terms=(("剪枝", "pruning"),),
        says=("把枝条剪掉", "删去子树", "cut branches"),
        denies=("剪枝增加分支", "剪枝让树更深"),
    )
    assert not drafted.reviewed and "drafted" in report.entries[0].look
    shown = llm.prompts[0].user
    assert shown.index("<<<") < shown.index("什么是树的剪枝呀？") < shown.index(">>>")


def test_a_file_that_is_refused_leaves_nothing_behind(source, tmp_path, existing):
    with pytest.raises(FileRefused):
        run(source("没有标题", "a.md"), tmp_path / "own", existing)
    assert not (tmp_path / "own").exists()


def test_a_folder_that_cannot_be_written_is_named(source, tmp_path, existing):
    (tmp_path / "own").write_text("a file", encoding="utf-8")
    with pytest.raises(DataFolderError):
        run(source(f'{{"question":"甲？","answer":"{ANSWER}"}}'), tmp_path / "own", existing)


def test_the_report_speaks_both_languages(source, tmp_path, existing):
    report = run(source(f'{{"question":"甲？","answer":"{ANSWER}"}}\n[]'), tmp_path / "own", existing)
    for language, said in (("zh", "不是 JSON 对象"), ("en", "not a JSON object")):
        rows = as_json(report, language)["rows"]
        assert rows[1]["look"] == [said] and rows[0]["look"]


@pytest.mark.parametrize(("text", "slug"), [("说说 C++？", "shuo-shuo-c"), ("？？", None), ("长" * 200, None)])
def test_slugs_are_ascii_and_short(text, slug):
    made = slug_of(text)
    assert made.isascii() and 0 < len(made) <= 60
    assert slug is None or made == slug
