"""One interview as it happens: what is said is stored, then graded, then answered, in that order.

Every step can be taken again: a process that was killed goes on at the first thing that is not in the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from interviewer import interview, report
from interviewer.agent import hints, moves
from interviewer.agent.moves import AskQuestion, WrapUp
from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.errors import InterviewerError, ReplyRefused
from interviewer.grading.examiner import Examiner
from interviewer.planning.plan import plan
from interviewer.records import Interview, Outcome, Report, Skipped, Turn, Ungraded
from interviewer.store import Store
from interviewer.words import Language


@dataclass(frozen=True)
class Judged:
    """A reply has its outcome: a grade, or why there is none."""

    turn: Turn


@dataclass(frozen=True)
class Said:
    """A piece of what the interviewer says."""

    text: str


@dataclass(frozen=True)
class Asked:
    """The interviewer has asked; the turn waits for a reply."""

    turn: Turn


@dataclass(frozen=True)
class Ended:
    """The interview is over."""

    report: Report


Event = Judged | Said | Asked | Ended


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


class Sessions:
    """Runs interviews that live in the store; holds no state of any of them itself."""

    def __init__(
        self,
        bank: Bank,
        store: Store,
        examiner: Callable[[], Examiner],
        interviewer: Interviewer,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.bank, self.store = bank, store
        self._examiner, self._interviewer, self._clock = examiner, interviewer, clock

    def start(
        self, topics: Sequence[str], count: int, follow_ups: int, language: Language, seed: int | None = None
    ) -> Interview:
        """Plan and store an interview and return it with its first question asked."""
        drawn = secrets.randbelow(2**31) if seed is None else seed
        planned = plan(self.bank, topics, count, follow_ups, language, drawn)
        begun = interview.start(secrets.token_urlsafe(16), planned, self._clock())
        move = AskQuestion(planned.questions[0])
        begun = interview.asked(begun, move, "".join(self._interviewer.words(begun, move)))
        self.store.create(begun)
        return begun

    def load(self, interview_id: str) -> Interview:
        """Return an interview; NotFound when there is none."""
        return self.store.load(interview_id)

    def report(self, interview_id: str) -> Report:
        """Return the report of an interview so far."""
        return report.build(self.load(interview_id), self.bank)

    def reply(self, interview_id: str, text: str, number: int = 0) -> Iterator[Event]:
        """Store a reply, then yield what comes of it; ReplyRefused, with nothing stored, when it cannot be taken.

        `number` is the turn that the candidate saw; a reply to another one than the open turn is refused.
        """
        current = interview.replied(self._at(interview_id, number), text)
        if not self.store.save_reply(interview_id, current.last.number, current.last.reply or ""):
            raise ReplyRefused("reply_twice")
        return self.go_on(interview_id)

    def skip(self, interview_id: str, number: int = 0) -> Iterator[Event]:
        """Pass over the open turn (the one with this number, if one is given) and yield what comes next."""
        current = interview.skipped(self._at(interview_id, number))
        if not self.store.save_skip(interview_id, current.last.number, Skipped()):
            raise ReplyRefused("reply_twice")
        return self.go_on(interview_id)

    def hint(self, interview_id: str) -> Turn:
        """Give a hint on the open turn and return the turn."""
        current = self.load(interview_id)
        if current.ended:
            raise ReplyRefused("interview_over")
        current = interview.hinted(current, hints.hint(current.last, self.bank, current.plan.language))
        self.store.save_hints(interview_id, current.last)
        return current.last

    def end(self, interview_id: str) -> Report:
        """End an interview now and return its report; one that has ended stays as it is."""
        self.load(interview_id)
        self.store.end(interview_id, self._clock())
        return self.report(interview_id)

    def go_on(self, interview_id: str) -> Iterator[Event]:
        """Yield the steps from where the interview stands to the next open turn or its end; nothing when it waits."""
        current = self.load(interview_id)
        if current.ended or current.last.is_open:
            return
        number = current.last.number
        if current.last.outcome is None:
            # Of two tabs that grade the same reply, the first one's outcome stays.
            self.store.save_outcome(interview_id, number, self._outcome(current, current.last))
            current = self.load(interview_id)
            yield Judged(current.turns[number - 1])
        if current.last.number == number and not current.ended:
            move = moves.next_move(current, self.bank)
            said, fallback = yield from _spoken(self._interviewer.words(current, move))
            if isinstance(move, WrapUp):
                self.end(interview_id)
            elif not self.load(interview_id).ended:  # meanwhile, in another tab
                self.store.add_turn(interview_id, interview.asked(current, move, said, fallback).last)
            current = self.load(interview_id)
        if current.ended:
            yield Ended(self.report(interview_id))
        elif current.last.is_open:
            yield Asked(current.last)

    def _at(self, interview_id: str, number: int) -> Interview:
        current = self.load(interview_id)
        if number and number != current.last.number and not current.ended:
            raise ReplyRefused("reply_stale")
        return current

    def regrade(self, interview_id: str) -> int:
        """Grade again every reply that no grader could grade; return how many have a grade now."""
        current = self.load(interview_id)
        waiting = [turn for turn in current.turns if isinstance(turn.outcome, Ungraded)]
        outcomes = [self._outcome(current, turn) for turn in waiting]
        for turn, outcome in zip(waiting, outcomes, strict=True):
            self.store.save_outcome(interview_id, turn.number, outcome, turn.outcome)
        return sum(not isinstance(outcome, Ungraded) for outcome in outcomes)

    def _outcome(self, current: Interview, turn: Turn) -> Outcome:
        language = current.plan.language
        try:
            return self._examiner().grade(moves.rubric(turn, self.bank), turn.reply or "", language)
        except InterviewerError as error:  # no grader could be made, or the question has left the bank
            return Ungraded(reason=error.say(language))


def _spoken(words: Generator[str, None, str]) -> Generator[Event, None, tuple[str, str]]:
    said = ""
    while True:
        try:
            piece = next(words)
        except StopIteration as stop:
            return said, stop.value
        said += piece
        yield Said(piece)
