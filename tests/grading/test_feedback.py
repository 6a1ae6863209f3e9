"""Feedback says what the verdicts say, and nothing else."""

from __future__ import annotations

import pytest
from builders import CONTRADICTED, MET, MISSING, PARTIAL, judged

from interviewer.grading.base import Assessment
from interviewer.grading.feedback import explained, feedback
from interviewer.grading.scoring import score
from interviewer.records import FoundMisconception


def words(*points, language="zh", listed=False, misconceptions=()):
    return feedback(
        Assessment(points=points, misconceptions=misconceptions),
        score(points, clarity=50, keyword_list=listed),
        language,
    )


A = {"weight": 3, "point": "a", "text": "甲要点"}
B = {"weight": 3, "point": "b", "text": "乙要点"}
S = {"weight": 2, "point": "s", "text": "丙要点"}
BONUS = {"weight": 1, "point": "x", "text": "丁要点"}


def test_golden_feedback():
    right, wrong = judged(MET, quote="对的话", **A), judged(CONTRADICTED, quote="错的话", **B)
    assert words(right, judged(MET, quote="也对", **B)) == "2 个要点中说清了 2 个。主要的要点都到位了。"
    assert words(right, wrong) == "2 个要点中说清了 1 个。先改正这一点：你说“错的话”，而实际上：乙要点。"
    assert words(judged(PARTIAL, quote="一半", **A), judged(MISSING, **S), language="en") == (
        "None of the key points is clear yet. Most worth completing: 甲要点."
    )


def test_the_correction_of_a_found_misconception_is_preferred_to_the_point_s_text():
    found = FoundMisconception(claim="错", correction="其实应该这样", point="b", quote="错的话")
    said = words(judged(CONTRADICTED, quote="错的话", **B), misconceptions=(found,))
    assert "其实应该这样" in said and "乙要点" not in said


def test_the_heaviest_open_point_is_named_first():
    said = words(judged(MISSING, **S), judged(MISSING, **A), judged(MET, quote="话", **B))
    assert said == "3 个要点中说清了 1 个。最值得补上的是：甲要点。"


def test_a_bonus_that_was_not_mentioned_is_not_held_against_the_candidate():
    said = words(judged(MET, quote="话", **A), judged(MISSING, **BONUS))
    assert "丁要点" not in said and "主要的要点都到位了" in said


def test_where_every_point_is_a_bonus_nothing_met_is_not_called_complete():
    assert words(judged(MISSING, **BONUS)) == "还没有说清任何一个要点。最值得补上的是：丁要点。"


def test_a_list_of_terms_is_told_why_its_score_is_capped():
    said = words(judged(MET, quote="话", **A), judged(MISSING, **B), listed=True)
    assert "只罗列了术语" in said


def test_a_long_quote_is_cut():
    said = words(judged(CONTRADICTED, quote="错" * 300, **A))
    assert "错" * 40 + "…" in said and "错" * 41 not in said


@pytest.mark.parametrize("verdict", [PARTIAL, MISSING, CONTRADICTED])
def test_no_praise_without_a_point_that_is_met(verdict):
    said = words(judged(verdict, quote="" if verdict is MISSING else "话", **A))
    assert "还没有说清任何一个要点" in said and "到位" not in said


def test_each_point_gets_one_sentence_from_its_verdict_its_quote_and_the_bank_s_words():
    found = FoundMisconception(claim="错", correction="其实应该这样", point="b", quote="错的话")
    points = (
        judged(MET, quote="对的话", **A),
        judged(CONTRADICTED, quote="错的话", **B),
        judged(PARTIAL, quote="一半", **S),
        judged(MISSING, **BONUS),
    )
    told = [p.reason for p in explained(Assessment(points=points, misconceptions=(found,)), "zh")]
    assert told == [
        "说清了：“对的话”。",
        "“错的话”说反了，应当是：其实应该这样。",
        "“一半”只说到一半，完整的意思是：丙要点。",
        "没有说到：丁要点。",
    ]
    english = [p.reason for p in explained(Assessment(points=points), "en")]
    assert english[1] == "“错的话” is the wrong way round; it should be: 乙要点."


def test_a_reason_that_the_grader_gave_stands():
    given = judged(MET, quote="对的话", **A).model_copy(update={"reason": "模型的理由"})
    assert explained(Assessment(points=(given,)), "zh") == (given,)
