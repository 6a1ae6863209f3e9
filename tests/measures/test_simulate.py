"""Whole interviews with simulated candidates on the real bank: every rule kept, the better candidate ahead."""

from __future__ import annotations

import pytest

from interviewer.bench.candidates import CANDIDATES
from interviewer.bench.simulate import broken_rules, simulate, table
from interviewer.bench.transcripts import transcripts
from interviewer.grading.offline import OfflineGrader
from interviewer.records import Interview, Plan, Turn
from interviewer.settings import packaged

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def grader(bank, embeddings):
    return OfflineGrader(bank, embeddings)


def test_every_interview_ends_with_its_rules_kept_and_the_better_candidate_is_ahead(bank, grader):
    seen = []
    tallies = simulate(bank, grader, len(CANDIDATES), 5, lambda done, total: seen.append((done, total)))
    assert {name: tally.broken for name, tally in tallies.items() if tally.broken} == {}
    assert tallies["strong"].mean > tallies["half"].mean > tallies["weak"].mean
    assert tallies["hostile"].mean <= 10 and tallies["silent"].mean <= 10
    assert seen[-1] == (7, 7) and len(table(tallies).splitlines()) == 2 + len(CANDIDATES)


def test_the_transcripts_in_the_documents_are_those_that_the_command_writes(bank, grader):
    kept = (packaged("docs") / "transcripts.md").read_text(encoding="utf-8")
    assert transcripts(bank, grader, 3).strip() == kept.strip()
    assert [line.split()[1] for line in kept.splitlines() if line.startswith("## ")] == ["strong", "half", "weak"]


def test_a_broken_rule_is_named(bank):
    question = next(iter(bank))
    said = f"提示：{question.points[0].text}"
    turns = tuple(Turn(number=n, question=question.id, said=said) for n in (1, 2))
    interview = Interview(
        id="x", plan=Plan(questions=(question.id,), seed=1), started="2026-01-01T00:00:00Z", turns=turns
    )
    faults = " ".join(broken_rules(interview, bank))
    assert all(fault in faults for fault in ("did not end", "repeated", "same words twice", "gave a point away"))
