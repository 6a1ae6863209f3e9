"""Verdicts to scores: golden values, and what must hold whatever the verdicts."""

from __future__ import annotations

import pytest
from builders import CONTRADICTED, MET, MISSING, PARTIAL, judged
from hypothesis import given, settings
from hypothesis import strategies as st

from interviewer.grading.scoring import CREDIT, band, question_score, score
from interviewer.records import Dimensions, Verdict

# (verdict, weight) of each point, whether it is a keyword list → value, band, cap
GOLDEN = [
    ([(MET, 3), (MET, 3), (MET, 2)], False, 100, "excellent", ""),
    ([(MET, 3), (MET, 3), (MISSING, 1)], False, 100, "excellent", ""),
    ([(MET, 3), (PARTIAL, 3), (MET, 1)], False, 92, "excellent", ""),
    ([(MET, 3), (MET, 3), (MET, 1), (MET, 1)], False, 100, "excellent", ""),
    ([(MET, 3), (MISSING, 3), (PARTIAL, 2), (MET, 1)], False, 62, "fair", ""),
    ([(MET, 3), (PARTIAL, 3), (MISSING, 2)], False, 56, "fair", ""),
    ([(PARTIAL, 3), (MISSING, 3), (MISSING, 2)], False, 19, "poor", ""),
    ([(MISSING, 3), (MISSING, 2), (MISSING, 1)], False, 0, "poor", ""),
    ([(MET, 3), (MET, 3), (MET, 3), (MET, 2), (CONTRADICTED, 3)], False, 60, "fair", "contradicted"),
    ([(MET, 3), (MET, 3), (MET, 2), (CONTRADICTED, 3), (CONTRADICTED, 3)], False, 30, "weak", "contradicted"),
    ([(MET, 3), (CONTRADICTED, 3)], False, 50, "fair", ""),
    ([(MET, 3), (MET, 3), (CONTRADICTED, 2)], False, 75, "good", ""),
    ([(MET, 3), (MET, 3), (CONTRADICTED, 1)], False, 100, "excellent", ""),
    ([(MET, 3), (MET, 2)], True, 30, "weak", "keyword_list"),
    ([(PARTIAL, 3), (MISSING, 3)], True, 25, "weak", ""),
    ([(MET, 1), (MISSING, 1)], False, 50, "fair", ""),
]


def points(pairs):
    return [judged(verdict, weight, f"p{number}") for number, (verdict, weight) in enumerate(pairs)]


@pytest.mark.parametrize(("pairs", "listed", "value", "name", "cap"), GOLDEN)
def test_golden_scores(pairs, listed, value, name, cap):
    made = score(points(pairs), clarity=70, keyword_list=listed)
    assert (made.value, made.band, made.cap) == (value, name, cap)


def test_golden_dimensions():
    pairs = [(MET, 3), (PARTIAL, 3), (CONTRADICTED, 2), (MISSING, 2), (MET, 1)]
    assert score(points(pairs), clarity=66).dimensions == Dimensions(correctness=78, coverage=45, depth=33, clarity=66)


def test_a_reply_that_addresses_nothing_is_not_called_clear_or_correct():
    assert score(points([(MISSING, 3), (MISSING, 2)]), clarity=95).dimensions == Dimensions(
        correctness=0, coverage=0, depth=0, clarity=0
    )


def test_a_contradicted_must_point_caps_the_score_however_much_else_is_right():
    rest = [(MET, 3)] * 20
    assert score(points([*rest, (CONTRADICTED, 3)]), clarity=100).value == 60
    assert score(points([*rest, (CONTRADICTED, 3), (CONTRADICTED, 3)]), clarity=100).value == 30
    assert score(points([*rest, *[(CONTRADICTED, 3)] * 3]), clarity=100).value == 30


def test_clarity_never_enters_the_score():
    pairs = points([(MET, 3), (PARTIAL, 3)])
    assert score(pairs, clarity=0).value == score(pairs, clarity=100).value == 75


@pytest.mark.parametrize(
    ("value", "name"),
    [(100, "excellent"), (85, "excellent"), (84, "good"), (70, "good"), (69, "fair"), (50, "fair")]
    + [(49, "weak"), (25, "weak"), (24, "poor"), (0, "poor")],
)
def test_bands(value, name):
    assert band(value) == name


def test_a_question_is_three_quarters_its_reply_and_one_quarter_its_follow_ups():
    assert question_score(63, []) == 63
    assert question_score(80, [40]) == 70
    assert question_score(80, [100, 0]) == 72  # 60 + 12.5, halves to the even number
    assert question_score(0, [100, 100]) == 25


_PAIRS = st.lists(st.tuples(st.sampled_from(list(Verdict)), st.sampled_from([1, 2, 3])), min_size=1, max_size=8)


@settings(deadline=None, max_examples=100)
@given(_PAIRS, st.data())
def test_a_better_verdict_never_lowers_the_score_and_order_never_matters(pairs, data):
    value = score(points(pairs), clarity=50).value
    assert score(points(data.draw(st.permutations(pairs))), clarity=50).value == value
    at = data.draw(st.integers(0, len(pairs) - 1))
    verdict, weight = pairs[at]
    ladder = [CONTRADICTED, MISSING, PARTIAL, MET]
    better = data.draw(st.sampled_from(ladder[ladder.index(verdict) :]))
    assert CREDIT[better] >= CREDIT[verdict]
    assert score(points([*pairs[:at], (better, weight), *pairs[at + 1 :]]), clarity=50).value >= value
