"""What a user's own bank brings is shown letter for letter, and as not reviewed."""

from __future__ import annotations

import pytest
from builders import CONTRADICTED, MET, grade, judged, key_point, question, small_bank, turn

from interviewer.records import FoundMisconception
from interviewer.ui.render import answers, card
from interviewer.words import LANGUAGES, say

HOSTILE = "<img src=x onerror=alert(1)> ![p](http://evil/p.png) [链接](javascript:alert(1)) $x^2$"
WRONG = FoundMisconception(claim=HOSTILE, correction=HOSTILE, point="a", quote="错话")


def shown(origin: str, reviewed: bool, language: str = "zh") -> str:
    made = question(points=(key_point("a", HOSTILE),)).model_copy(
        update={"answer": HOSTILE, "origin": origin, "reviewed": reviewed}
    )
    outcome = grade(judged(MET, text=HOSTILE), judged(CONTRADICTED, text=HOSTILE), misconceptions=(WRONG,))
    judged_turn = turn(1, made.id, outcome, "回答")
    return card(judged_turn, language) + answers(judged_turn, small_bank(made), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reviewed", [True, False])
def test_an_answer_that_nobody_reviewed_says_so(language, reviewed):
    said = say(language, "page.unreviewed") in shown("shipped", reviewed, language)
    assert said is not reviewed


def test_a_user_s_bank_brings_no_markup_but_formulas():
    text = shown("user", False)
    for mark in ("<img", "![", "](", "http://"):
        assert mark not in text, mark
    assert "$x^2$" in text


def test_the_bank_s_own_answers_keep_their_markdown():
    assert "![p]" in shown("shipped", True)
