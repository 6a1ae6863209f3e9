"""Whole interviews with simulated candidates, and the rules that every one of them must keep."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from interviewer.agent.asides import MAX_ASIDES
from interviewer.agent.understanding import by_rules
from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.bench.candidates import CANDIDATES
from interviewer.check import leaks
from interviewer.errors import ReplyRefused
from interviewer.grading.base import Grader
from interviewer.grading.examiner import Examiner
from interviewer.records import PERSONAS, Grade, Interview, Rubric, Ungraded, Verdict
from interviewer.session import Sessions
from interviewer.store import Store
from interviewer.words import Language

_START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
# Questions and follow-ups a question, in turn.
_SHAPES = ((2, 2), (3, 1), (2, 3))


@dataclass
class Tally:
    """What the interviews of one kind of candidate came to; `broken` names every rule that one of them broke."""

    scores: list[int] = field(default_factory=list)
    turns: int = 0
    asides: int = 0
    refused: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """The mean total of the interviews, 0 to 100; 0 when there are none."""
        return sum(self.scores) / len(self.scores) if self.scores else 0.0


class _Remembering(Examiner):
    """Grades the same reply to the same rubric once: the offline grade is the same each time."""

    def __init__(self, grader: Grader) -> None:
        super().__init__(grader)
        self._known: dict[object, Grade | Ungraded] = {}

    def grade(
        self, rubric: Rubric, reply: str, language: str = "zh", hinted: Mapping[str, float] | None = None
    ) -> Grade | Ungraded:
        key = (rubric.digest, reply, language, tuple(sorted((hinted or {}).items())))
        if key not in self._known:
            self._known[key] = super().grade(rubric, reply, language, hinted)
        return self._known[key]


def simulate(
    bank: Bank, grader: Grader, interviews: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> dict[str, Tally]:
    """Take this many interviews, each kind of candidate in turn, and return what they came to.

    Every interview lives in a real SQLite file; the seed decides questions, replies and words.
    """
    tallies = {name: Tally() for name in CANDIDATES}
    examiner = _Remembering(grader)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'interviews.db'}")
        sessions = Sessions(bank, store, lambda: examiner, Interviewer(bank), lambda: _START, by_rules)
        for number in range(interviews):
            name = list(CANDIDATES)[number % len(CANDIDATES)]
            # The candidates of one round have the same questions, so that their scores compare.
            drawn = seed * 1_000_003 + number // len(CANDIDATES)
            _count(tallies[name], take(sessions, bank, name, drawn), bank)
            if progress:
                progress(number + 1, interviews)
        store.close()
    return tallies


def take(sessions: Sessions, bank: Bank, name: str, seed: int, language: Language = "zh") -> tuple[Interview, int, int]:
    """Take one interview with a candidate; return it, how often he was refused, and its total (−1: none)."""
    chance = random.Random(f"{seed}-{name}")
    count, follow_ups = _SHAPES[seed % len(_SHAPES)]
    begun = sessions.start([], count, follow_ups, language, seed, persona=PERSONAS[seed % len(PERSONAS)])
    taken = refused = 0
    # More steps than any rule allows: an interview that reaches this does not end by itself.
    most = count * (follow_ups + 1) * (MAX_ASIDES + 2)
    while taken <= most and refused <= 10 * most:
        current = sessions.load(begun.id)
        if current.ended:
            break
        text = CANDIDATES[name](current, bank, chance)
        try:
            list(sessions.reply(begun.id, text) if text else sessions.skip(begun.id))
            taken += 1
        except ReplyRefused:
            refused += 1
    total = sessions.report(begun.id).total
    return sessions.load(begun.id), refused, -1 if total is None else total


def _count(tally: Tally, taken: tuple[Interview, int, int], bank: Bank) -> None:
    interview, refused, total = taken
    if total >= 0:
        tally.scores.append(total)
    tally.turns += len(interview.turns)
    tally.asides += sum(len(turn.asides) for turn in interview.turns)
    tally.refused += refused
    tally.broken += [f"{interview.id}: {fault}" for fault in broken_rules(interview, bank)]


def broken_rules(interview: Interview, bank: Bank) -> Iterator[str]:
    """Yield every rule that an interview broke: its end, its depth, repeats, leaks, asides without bound."""
    plan = interview.plan
    if not interview.ended:
        yield "did not end"
    mains = [turn.question for turn in interview.turns if turn.is_main]
    if mains != list(plan.questions):
        yield "questions left out or repeated"
    for question in set(mains):
        later = [turn for turn in interview.turns if turn.question == question and not turn.is_main]
        if len(later) > plan.follow_ups:
            yield "more follow-ups than planned"
        if len({(turn.follow_up, turn.point) for turn in later}) != len(later):
            yield "a follow-up twice"
    if any(sum(bool(aside.text) for aside in turn.asides) > MAX_ASIDES for turn in interview.turns):
        yield "asides without bound"
    asked = "\n".join(turn.said for turn in interview.turns)
    # A question that is put again when the words for an aside have run out is no repeated phrase.
    new = [aside.said for turn in interview.turns for aside in turn.asides if aside.said not in asked]
    spoken = [text for text in (*(turn.said for turn in interview.turns), *new) if len(text) > 12]
    if len(spoken) != len(set(spoken)):
        yield "the same words twice"
    yield from _leaks(interview, bank)


def _leaks(interview: Interview, bank: Bank) -> Iterator[str]:
    met: set[str] = set()
    for turn in interview.turns:
        question = bank.get(turn.question)
        own = question.follow_ups[turn.follow_up].points if turn.follow_up is not None else ()
        for text in (turn.said, *(aside.said for aside in turn.asides)):
            secret = [p.text for p in (*question.points, *own) if p.text not in met]
            quoted = turn.point and any(leaks(t.reply or "", s) for t in interview.turns for s in secret)
            if not quoted and any(leaks(text, point) for point in secret):
                yield f"gave a point away: {text[:60]}"
        if isinstance(turn.outcome, Grade):
            met |= {p.text for p in turn.outcome.points if p.verdict is Verdict.MET}


def table(tallies: Mapping[str, Tally]) -> str:
    """Return the tallies as a Markdown table."""
    rows = [
        "| candidate | interviews | mean score | turns | asides | refused | rules broken |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {name} | {len(t.scores)} | {t.mean:.0f} | {t.turns} | {t.asides} | {t.refused} | {len(t.broken)} |"
        for name, t in tallies.items()
    ]
    return "\n".join(rows)
