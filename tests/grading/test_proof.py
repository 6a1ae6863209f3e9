"""The bank tried by grading itself, and the trial tried on files that are weak on purpose."""

from __future__ import annotations

import pytest
from builders import key_point, question, small_bank

from interviewer.bank import Misconception
from interviewer.grading import proof
from interviewer.grading.offline import OfflineGrader
from interviewer.records import Verdict

pytestmark = pytest.mark.real

# What share of the lines is judged rightly with themselves left out; docs/benchmarks.md has the figures.
SAYS_LEAST, DENIES_LEAST = 0.65, 0.62
EVERY = 25
SAMPLE, WEAK_MOST = 14, 0.6


@pytest.fixture(scope="module")
def grader(bank, embeddings):
    return OfflineGrader(bank, embeddings)


def test_lines_said_alone_and_hidden_from_the_grader_are_judged(bank, embeddings):
    tried = proof.lines(bank, list(bank)[::EVERY], embeddings)
    share = {}
    for kind in ("says", "denies"):
        of_kind = [line for line in tried if line.kind == kind]
        assert len(of_kind) > 10 * len(bank) / EVERY
        share[kind] = sum(line.right for line in of_kind) / len(of_kind)
    assert share["says"] >= SAYS_LEAST and share["denies"] >= DENIES_LEAST, share


def test_the_code_of_every_question_runs(bank):
    coded = [q for q in bank if q.code]
    assert len(coded) > 20
    assert [str(fault) for q in coded for fault in proof.run_code(q)] == []


def test_a_sample_of_answers_earns_what_it_should(bank, grader):
    sample = list(bank)[:: max(1, len(bank) // SAMPLE)]
    faults = [fault for q in sample for fault in proof.answers(q, proof.stranger_to(q, bank), grader)]
    assert not [str(fault) for fault in faults if fault.field.startswith("misconceptions")]
    assert len({fault.file for fault in faults}) <= WEAK_MOST * len(sample), [str(fault) for fault in faults]


def test_code_that_does_not_end_well_is_a_fault():
    (fault,) = proof.run_code(question().model_copy(update={"code": "assert 1 == 2, '不等'"}))
    assert (fault.field, fault.message) == ("code", "AssertionError: 不等")
    assert proof.run_code(question()) == []


def test_a_question_whose_answer_misses_its_points_is_named(bank, grader):
    good = bank.get("norm_regularisation/bn-train-vs-test")
    weak = good.model_copy(update={"answer": bank.get("python/closure").answer, "brief": good.answer})
    fields = {fault.field for fault in proof.answers(weak, good.model_copy(update={"id": "x/y"}), grader)}
    assert {"answer", "brief", "points"} <= fields


def test_a_line_is_right_by_its_kind():
    for kind, verdict, right in (
        ("says", Verdict.MET, True),
        ("says", Verdict.PARTIAL, False),
        ("denies", Verdict.MET, False),
        ("denies", Verdict.CONTRADICTED, True),
        ("denies", Verdict.MISSING, True),
    ):
        assert proof.Tried("q", "p", kind, "话", verdict).right is right


def test_a_misconception_that_states_its_point_is_credited_and_named(grader):
    point = key_point("a", "训练时用当前小批量的均值方差做归一化", terms=(("小批量",),))
    wrong = Misconception(claim="训练时用当前小批量的均值方差做归一化", correction="正是如此", point="a")
    weak = question(points=(point,)).model_copy(update={"misconceptions": (wrong,)})
    faults = proof.answers(weak, question("two"), grader)
    assert any(fault.field == "misconceptions[0]" for fault in faults)


def test_the_stranger_is_of_another_topic_and_always_the_same(bank):
    first = next(iter(bank))
    assert proof.stranger_to(first, bank).topic != first.topic
    assert proof.stranger_to(first, bank) == proof.stranger_to(first, bank)
    assert small_bank(question()).digest
