"""The report: golden values, what is left out of it, and that it repeats nothing of the candidate's."""

from __future__ import annotations

import pytest
from builders import (
    CONTRADICTED,
    MET,
    MISSING,
    NOON,
    PARTIAL,
    grade,
    interview,
    judged,
    key_point,
    question,
    small_bank,
    turn,
)

from interviewer import interview as transitions
from interviewer.records import FoundMisconception, QuestionReport, Report, Skipped, Study, Ungraded
from interviewer.report import build, markdown
from interviewer.words import LANGUAGES

POINTS = (
    key_point("a", "甲要点"),
    key_point("b", "乙要点"),
    key_point("s", "丙要点", weight=2),
    key_point("x", "丁", weight=1),
)
ONE, TWO, THREE, FOUR = (question(slug, points=POINTS) for slug in ("one", "two", "three", "four"))
BANK = small_bank(ONE, TWO, THREE, FOUR)
SECRET = "候选人的秘密原话"
FOUND = FoundMisconception(claim="错", correction="其实要看情况", point="b", quote=SECRET)


def graded(a=MET, b=MET, s=MET, x=MISSING, **fields):
    given = zip(POINTS, (a, b, s, x), strict=True)
    return grade(
        *(judged(v, p.weight, p.id, p.text, "" if v is MISSING else SECRET) for p, v in given),
        feedback=SECRET,
        **fields,
    )


WHOLE = transitions.ended(
    interview(
        turn(1, ONE.id, graded(b=CONTRADICTED, s=PARTIAL, misconceptions=(FOUND,)), SECRET, hints=("提示一", "提示二")),
        turn(
            2,
            ONE.id,
            grade(judged(MET, text="追问的要点", quote=SECRET)),
            SECRET,
            follow_up=0,
            fallback="模型没有应答。",
        ),
        turn(3, TWO.id, Skipped()),
        turn(4, THREE.id, Ungraded(reason="编码器没有给出向量。"), SECRET),
        turn(5, FOUR.id, graded(grader="llm", model="m:7b", fallback="模型没有应答。"), SECRET),
    ),
    NOON,
)


def test_golden_report():
    missed = {"verdict": MISSING, "question": TWO.question}
    assert build(WHOLE, BANK) == Report(
        interview="test",
        ended=True,
        total=54,
        band="fair",
        questions=(
            QuestionReport(
                question=ONE.id, text=ONE.question, topic="first", score=62, main=50, follow_ups=(100,), hints=2
            ),
            QuestionReport(question=TWO.id, text=TWO.question, topic="first", score=0, main=0, skipped=True),
            QuestionReport(
                question=THREE.id,
                text=THREE.question,
                topic="first",
                score=None,
                main=None,
                ungraded="编码器没有给出向量。",
            ),
            QuestionReport(question=FOUR.id, text=FOUR.question, topic="first", score=100, main=100),
        ),
        study=(
            Study(question=ONE.question, text="乙要点", point="b", verdict=CONTRADICTED, correction="其实要看情况"),
            Study(text="甲要点", point="a", **missed),
            Study(text="乙要点", point="b", **missed),
            Study(text="丙要点", point="s", **missed),
            Study(question=ONE.question, text="丙要点", point="s", verdict=PARTIAL),
        ),
        graders=("offline", "llm:m:7b"),
        fallbacks=("模型没有应答。",),
        summary="相对来说，第一这部分是你的强项。最值得补的是“one是怎么回事”（乙要点）。",
    )


GOLDEN = """# 面试报告

总分 **54** / 100（一般）

相对来说，第一这部分是你的强项。最值得补的是“one是怎么回事”（乙要点）。

| 题目 | 得分 | 首答 | 追问 | 提示 |
|---|---|---|---|---|
| 说说one是怎么回事？ | 62 | 50 | 100 | 2 |
| 说说two是怎么回事？ | 0 | 跳过 | — | 0 |
| 说说three是怎么回事？ | — | 未评分 | — | 0 |
| 说说four是怎么回事？ | 100 | 100 | — | 0 |
"""


def test_golden_markdown():
    made = markdown(build(WHOLE, BANK), "zh")
    assert made.startswith(GOLDEN)
    assert "- **说反了** · 说说one是怎么回事？ — 乙要点 (其实要看情况)" in made
    assert "评分方式：内置离线评分器, 大模型评分 (m:7b)" in made
    assert made.endswith("模型没有应答。\n") and made.count("模型没有应答。") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_markdown_repeats_nothing_that_the_candidate_said(language):
    hostile = "<script>alert(1)</script> | # ![x](http://x) \n- **100**"
    said = [t.model_copy(update={"reply": hostile}) if t.reply else t for t in WHOLE.turns]
    made = markdown(build(WHOLE.model_copy(update={"turns": tuple(said)}), BANK), language)
    assert SECRET not in made and "script" not in made and "alert" not in made


def test_a_report_in_english_is_in_english():
    made = markdown(build(WHOLE, BANK), "en")
    assert "Total **54** / 100 (fair)" in made and "## What to study next" in made and "| skipped |" in made


def test_words_of_a_server_in_a_fallback_are_no_markup():
    hostile = "失败（<img src=x onerror=alert(1)>\n\n# 满分）"
    made = markdown(build(interview(turn(1, ONE.id, graded(fallback=hostile))), BANK), "zh")
    assert "<img" not in made and "\n# 满分" not in made and "onerror" in made


def test_before_the_first_grade_there_is_no_total():
    report = build(interview(turn(1, ONE.id)), BANK)
    assert (report.total, report.band, report.questions, report.study, report.ended) == (None, None, (), (), False)
    assert "还没有可以评分的回答" in markdown(report, "zh")


def test_a_question_that_waits_for_its_grade_is_left_out_of_the_total():
    report = build(interview(turn(1, ONE.id, graded()), turn(2, TWO.id, reply=SECRET)), BANK)
    assert report.total == 100 and [q.question for q in report.questions] == [ONE.id]


def test_nothing_graded_at_all_is_no_zero():
    report = build(interview(turn(1, ONE.id, Ungraded(reason="坏了"), SECRET)), BANK)
    assert report.total is None and "未评分" in markdown(report, "zh")


def test_a_follow_up_that_could_not_be_graded_hides_no_score():
    turns = (turn(1, ONE.id, graded(a=MISSING)), turn(2, ONE.id, Ungraded(reason="坏了"), SECRET, point="a"))
    report = build(interview(*turns), BANK)
    (asked,) = report.questions
    assert (asked.main, asked.score, asked.ungraded) == (62, 62, "坏了")
    assert "| 62 | 62 | 未评分 |" in markdown(report, "zh")


def studied(*outcomes):
    """Return what is to be studied after a main reply and probes after point b."""
    turns = [turn(n, ONE.id, outcome, point="b" if n > 1 else "") for n, outcome in enumerate(outcomes, start=1)]
    return [(s.point, s.verdict, s.correction) for s in build(interview(*turns), BANK).study]


def test_a_point_made_good_in_a_probe_is_not_to_be_studied():
    probe = grade(judged(MET, 3, "b", "乙要点", SECRET))
    assert studied(graded(b=MISSING), probe) == []
    assert studied(graded(a=PARTIAL, b=MISSING), probe) == [("a", PARTIAL, "")]


def test_a_probe_that_says_nothing_of_the_point_leaves_what_was_said_before():
    silent = grade(judged(MISSING, 3, "b", "乙要点"))
    wrong = graded(b=CONTRADICTED, misconceptions=(FOUND,))
    assert studied(wrong, silent) == [("b", CONTRADICTED, "其实要看情况")]
    assert studied(graded(b=PARTIAL), silent) == [("b", PARTIAL, "")]


def test_a_probe_that_gets_it_wrong_is_worse_than_a_point_that_was_missing():
    assert studied(graded(b=MISSING), grade(judged(CONTRADICTED, 3, "b", "乙要点", SECRET))) == [
        ("b", CONTRADICTED, "")
    ]


def test_a_bonus_is_never_to_be_studied_and_a_should_point_is():
    assert studied(graded(s=MISSING, x=MISSING)) == [("s", MISSING, "")]


def test_a_question_that_left_the_bank_keeps_its_score():
    report = build(interview(turn(1, "first/gone", graded())), BANK)
    assert report.total == 100 and report.questions[0].text == "first/gone" and report.study == ()
