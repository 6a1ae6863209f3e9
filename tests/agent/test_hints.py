"""Hints as a ladder, each rung costing more of the point that it opens."""

from __future__ import annotations

from builders import MET, MISSING, grade, interview, judged, key_point, question, small_bank, turn

from interviewer.agent.hints import COST, MAX_HINTS, blanked, costs, next_hint
from interviewer.check import leaks
from interviewer.records import Aside
from interviewer.text import containment
from interviewer.words import say

MEAN = "训练时按通道用当前小批量的均值与方差做标准化"
HINTED = question(
    points=(
        key_point("a", MEAN, terms=(("小批量", "batch"), ("均值", "方差"))),
        key_point("b", "推理时改用训练中累积的滑动平均统计量", terms=(("滑动平均",), ("推理",)), weight=2),
        key_point("c", "没有术语的加分要点在这里", weight=1),
    )
)
BANK = small_bank(HINTED)


def given(*hints, **fields):
    """Return an interview whose open turn was given these hints."""
    return interview(turn(1, HINTED.id, asides=hints), **fields)


def ladder(**fields):
    hints = []
    while found := next_hint(given(*hints, **fields), BANK):
        hints.append(found)
    return hints


def test_the_ladder_goes_from_a_direction_by_a_concept_to_a_gap_for_the_weightiest_point_first():
    first, second, third, fourth = ladder()[:4]
    # The second point lies in the same direction, and a direction is not given twice.
    assert [(h.point, h.rung) for h in (first, second, third, fourth)] == [("a", 1), ("a", 2), ("a", 3), ("b", 2)]
    assert "小批量" not in first.said and "小批量" in second.said
    assert blanked(HINTED.points[0]) in third.said and "＿＿" in third.said


def test_each_hint_says_what_is_left_of_the_point():
    for hint in ladder():
        assert f"{round(100 * (1 - COST[hint.rung]))}%" in hint.said


def test_no_hint_comes_twice_and_they_end():
    hints = ladder()
    assert len({hint.said for hint in hints}) == len(hints) <= MAX_HINTS


def test_what_is_already_met_is_not_hinted_at():
    graded = grade(judged(MET, 3, "a", MEAN), judged(MISSING, 2, "b", HINTED.points[1].text))
    standing = interview(turn(1, HINTED.id, graded), turn(2, HINTED.id, point="b"))
    assert next_hint(standing, BANK).point == "b"


def test_a_gap_keeps_too_little_to_give_the_point_away():
    for point in HINTED.points:
        assert not leaks(blanked(point), point.text) and containment(point.text, blanked(point)) < 0.65


def test_the_words_are_in_the_interview_s_language():
    hint = next_hint(given(language="en"), BANK)
    assert hint.said.startswith("A hint") and say("en", "agent.aspect_stages") in hint.said


def test_a_point_costs_what_its_highest_rung_costs_in_every_turn_that_is_graded_on_it():
    hints = (
        Aside(said="一", point="a", rung=1),
        Aside(said="二", point="a", rung=2),
        Aside(said="三", point="b", rung=1),
    )
    main = turn(1, HINTED.id, grade(judged(MISSING)), asides=hints)
    probe, other = turn(2, HINTED.id, point="a"), turn(3, HINTED.id, follow_up=0)
    standing = interview(main, probe, other)
    assert costs(standing, main) == {"a": 0.25, "b": 0.1}
    assert costs(standing, probe) == {"a": 0.25, "b": 0.1}
    assert costs(standing, other) == {}
