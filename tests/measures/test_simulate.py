"""Whole interviews with simulated candidates on the real bank: every rule kept, the better candidate ahead."""

from __future__ import annotations

import pytest

from interviewer.bench.candidates import CANDIDATES
from interviewer.bench.simulate import broken_rules, simulate, table
from interviewer.bench.transcripts import transcripts
from interviewer.grading.offline import OfflineGrader
from interviewer.records import Interview, Plan, Turn

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def grader(bank, embeddings):
    return OfflineGrader(bank, embeddings)


def test_every_interview_ends_with_its_rules_kept_and_the_better_candidate_is_ahead(bank, grader):
    seen = []
    tallies = simulate(bank, grader, 2 * len(CANDIDATES), 5, lambda done, total: seen.append((done, total)))
    assert {name: tally.broken for name, tally in tallies.items() if tally.broken} == {}
    assert tallies["strong"].mean > tallies["half"].mean > tallies["weak"].mean
    assert tallies["hostile"].mean <= 10 and tallies["silent"].mean <= 10
    assert seen[-1] == (14, 14) and len(table(tallies).splitlines()) == 2 + len(CANDIDATES)


def test_the_transcripts_are_three_and_the_same_each_time(bank, grader):
    written = transcripts(bank, grader, 4)
    assert written == transcripts(bank, grader, 4)
    assert [line for line in written.splitlines() if line.startswith("## ")][0].startswith("## strong")
    assert written.count("\n## ") == 3


def test_a_broken_rule_is_named(bank):
    question = next(iter(bank))
    said = f"提示：{question.points[0].text}"
    turns = tuple(Turn(number=n, question=question.id, said=said) for n in (1, 2))
    interview = Interview(
        id="x", plan=Plan(questions=(question.id,), seed=1), started="2026-01-01T00:00:00Z", turns=turns
    )
    faults = " ".join(broken_rules(interview, bank))
    assert all(fault in faults for fault in ("did not end", "repeated", "same words twice", "gave a point away"))
