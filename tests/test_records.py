"""The records: closed, frozen, and the same after a trip through JSON."""

from __future__ import annotations

import pytest
from builders import CONTRADICTED, MET, grade, interview, judged, key_point, question, turn
from pydantic import ValidationError

from interviewer.bank import FollowUp, Misconception
from interviewer.records import FoundMisconception, Grade, Interview, Rubric, Score, Skipped, Ungraded

FOUND = FoundMisconception(claim="错", correction="对", point="b", quote="原话")


def test_an_interview_is_the_same_after_json_whatever_its_outcomes():
    made = grade(judged(MET, quote="话"), judged(CONTRADICTED, point="b", quote="🙂"), misconceptions=(FOUND,))
    whole = interview(
        turn(1, "first/one", made, hints=("一", "二")),
        turn(2, "first/one", Ungraded(reason="没有"), reply="第二", point="b", fallback="原因"),
        turn(3, "first/one", Skipped(), follow_up=0),
        turn(4, "first/two"),
    )
    again = Interview.model_validate_json(whole.model_dump_json())
    assert again == whole
    assert isinstance(again.turns[0].outcome, Grade) and again.turns[0].outcome.verdict("b") is CONTRADICTED


def test_a_record_cannot_be_changed_and_knows_no_other_field():
    with pytest.raises(ValidationError):
        turn(1, "first/one").reply = "改"
    with pytest.raises(ValidationError):
        Ungraded(reason="没有", score=50)


@pytest.mark.parametrize("value", [-1, 101, float("nan")])
def test_a_score_is_0_to_100_or_none_at_all(value):
    with pytest.raises(ValidationError):
        Score(**{**grade(judged(MET)).score.model_dump(), "value": value})


def test_a_verdict_on_a_point_that_was_not_judged_is_an_error():
    with pytest.raises(KeyError):
        grade(judged(MET, point="a")).verdict("b")


def test_a_turn_is_open_until_it_has_a_reply_or_was_skipped():
    assert turn(1, "q").is_open
    assert not turn(1, "q", reply="话").is_open
    assert not turn(1, "q", Skipped()).is_open


def test_each_rubric_holds_the_points_that_the_turn_asks_for():
    asked = question(points=(key_point("a", "甲"), key_point("b", "乙"))).model_copy(
        update={
            "misconceptions": (
                Misconception(claim="错甲", correction="对甲", point="a"),
                Misconception(claim="错乙", correction="对乙", point="b"),
            )
        }
    )
    probe = Rubric.of_point(asked, "b")
    assert [p.id for p in probe.points] == ["b"] and [m.claim for m in probe.misconceptions] == ["错乙"]
    follow_up = FollowUp(ask="然后呢？", when="a", answer="答", points=(key_point("x", "丙"),))
    assert Rubric.of_follow_up(follow_up).question == "然后呢？"
    assert [p.id for p in Rubric.of_follow_up(follow_up).points] == ["x"]


def test_the_digest_changes_with_anything_that_is_graded_against():
    asked = question(points=(key_point("a", "甲"),))
    digest = Rubric.of_question(asked).digest
    assert Rubric.of_question(asked.model_copy(update={"brief": "另一种说法"})).digest == digest
    for edit in (
        {"answer": "改"},
        {"points": (key_point("a", "甲", 2),)},
        {"points": (key_point("a", "甲", says=("话",)),)},
    ):
        assert Rubric.of_question(asked.model_copy(update=edit)).digest != digest
