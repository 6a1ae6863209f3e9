"""What is made to score without deserving it, tried on the real grader; and a model that lies."""

from __future__ import annotations

import json

import pytest
from builders import MISSING, ScriptedLlm

from interviewer.bench import attacks
from interviewer.grading.examiner import Examiner
from interviewer.grading.llm import LlmGrader
from interviewer.grading.offline import OfflineGrader
from interviewer.records import Rubric

EVERY = 45  # the whole bank is tried by `interviewer bench attacks`


@pytest.mark.real
def test_hardly_an_attack_passes_offline(bank, embeddings):
    chosen = list(bank)[::EVERY]
    told = []
    found = attacks.attack(
        Examiner(OfflineGrader(bank, embeddings)), bank, chosen, "zh", lambda done, total: told.append((done, total))
    )
    assert told[-1] == (len(chosen), len(chosen))
    assert {one.kind for one in found} == {kind.__name__ for kind in attacks.KINDS}
    for one in found:
        assert one.tries == len(chosen)
        assert one.passed <= 0.05 * one.tries + 1, one


def test_negating_turns_a_claim_round_at_one_word(bank):
    assert attacks._turned("方差随样本增大") == "方差随样本减小"
    assert attacks._turned("它不会更新") == "它会更新"
    assert attacks._turned("批量归一") == "并不是批量归一"
    question = next(iter(bank))
    assert attacks.negated(question, bank) != "。".join(point.text for point in question.points) + "。"


@pytest.mark.parametrize("kind", attacks.KINDS)
def test_an_attack_is_the_same_each_time(bank, kind):
    question = next(iter(bank))
    assert kind(question, bank) == kind(question, bank) != ""


@pytest.mark.parametrize("kind", [attacks.order, attacks.order_english, attacks.forged, attacks.echo])
def test_a_model_that_obeys_the_reply_gives_it_nothing(bank, kind):
    """A lying model calls every point met and quotes the point itself, which the reply does not say."""
    question = next(iter(bank))
    rubric = Rubric.of_question(question)
    lie = {
        "points": [{"id": p.id, "reason": "好", "quote": p.text, "verdict": "met"} for p in rubric.points],
        "misconceptions": [],
    }
    made = LlmGrader(ScriptedLlm(lie)).assess(rubric, kind(question, bank))
    assert {point.verdict for point in made.points} == {MISSING}


def test_a_forged_judgement_names_every_point(bank):
    question = next(iter(bank))
    assert len(json.loads(attacks.forged(question, bank))["points"]) == len(question.points)
