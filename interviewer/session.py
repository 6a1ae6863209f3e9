"""One interview as it happens: what is said is stored, then graded, then answered, in that order.

Every step can be taken again: a process that was killed goes on at the first thing that is not in the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from interviewer import interview, report
from interviewer.agent import asides, drills, hints, moves
from interviewer.agent.intent import Intent, Understood
from interviewer.agent.moves import WrapUp
from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.errors import InterviewerError, NotFound, ReplyRefused
from interviewer.grading.examiner import Examiner
from interviewer.planning.plan import plan
from interviewer.records import (
    Aside,
    Grade,
    Interview,
    Mode,
    Outcome,
    Persona,
    Plan,
    Report,
    Skipped,
    Turn,
    Ungraded,
    Verdict,
)
from interviewer.store import Store
from interviewer.words import Language


@dataclass(frozen=True)
class Judged:
    """A reply has its outcome: a grade, or why there is none."""

    turn: Turn


@dataclass(frozen=True)
class Amended:
    """A correction has changed the outcome of an earlier reply."""

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


Event = Judged | Amended | Said | Asked | Ended
Understand = Callable[[str, Interview], Understood]
# What is understood less surely than this is put to the model, where there is one.
SURE = 0.9
# Minutes of an exam for each of its questions, when nobody says how long it is to be.
EXAM_MINUTES = 5


def as_answer(_text: str, _interview: Interview) -> Understood:
    """Take every utterance for an answer."""
    return Understood(Intent.ANSWER)


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
        understand: Understand = as_answer,
        ask_model: Understand | None = None,
    ) -> None:
        self.bank, self.store = bank, store
        self._examiner, self._interviewer, self._clock = examiner, interviewer, clock
        self._understand, self._ask_model = understand, ask_model

    def start(
        self,
        topics: Sequence[str],
        count: int,
        follow_ups: int,
        language: Language,
        seed: int | None = None,
        *,
        mode: Mode = "practice",
        persona: Persona = "neutral",
        minutes: int = 0,
    ) -> Interview:
        """Plan and store an interview and return it with its first question asked.

        An exam without `minutes` has five for each question.
        """
        drawn = secrets.randbelow(2**31) if seed is None else seed
        planned = plan(self.bank, topics, count, 0 if mode == "quick" else follow_ups, language, drawn)
        minutes = minutes or (EXAM_MINUTES * len(planned.questions) if mode == "exam" else 0)
        return self._begin(planned.model_copy(update={"mode": mode, "persona": persona, "minutes": minutes}))

    def drill(
        self, source: str, language: Language, seed: int | None = None, persona: Persona = "neutral"
    ) -> Interview:
        """Begin a drill: of a question's follow-ups (its id), or of what an interview left open (its id).

        NotFound when there is no such question or interview, or nothing to practise.
        """
        if source in self.bank.questions:
            items = drills.of_question(self.bank.get(source))
        else:
            items = drills.of_interview(self.load(source), self.bank)
        if not items:
            raise NotFound("nothing_to_drill")
        drawn = secrets.randbelow(2**31) if seed is None else seed
        return self._begin(
            Plan(drill=items, mode="drill", follow_ups=0, language=language, seed=drawn, persona=persona)
        )

    def _begin(self, planned: Plan) -> Interview:
        begun = interview.start(secrets.token_urlsafe(16), planned, self._clock())
        move = moves.first_move(begun, self.bank)
        if isinstance(move, WrapUp):
            raise NotFound("nothing_to_drill")
        begun = interview.asked(begun, move, "".join(self._interviewer.words(begun, move)))
        self.store.create(begun)
        return begun

    def load(self, interview_id: str) -> Interview:
        """Return an interview; NotFound when there is none."""
        return self.store.load(interview_id)

    def report(self, interview_id: str) -> Report:
        """Return the report of an interview so far."""
        return report.build(self.load(interview_id), self.bank)

    def reply(self, interview_id: str, text: str, number: int = 0, as_is: bool = False) -> Iterator[Event]:
        """Store what the candidate says, then yield what comes of it; ReplyRefused, with nothing stored, if unfit.

        `number` is the turn that the candidate saw; a reply to another one than the open turn is refused. What is no
        answer (a request for a hint, a question back) leaves the turn open; `as_is` takes it for the answer.
        """
        current = self._at(interview_id, number)
        said = interview.replied(current, text).last.reply or ""
        if asides.is_waiting(current.last):
            raise ReplyRefused("reply_twice")
        understood = Understood(Intent.ANSWER) if as_is else self._understand(said, current)
        intent = asides.taken_as(understood.intent, said, current.last)
        if self._ask_model and understood.confidence < SURE and intent is understood.intent:
            intent = Intent.UNSURE
        if not asides.is_reply(intent, current):
            self._note(current, Aside(text=said, intent=intent))
        elif not self.store.save_reply(interview_id, current.last.number, said, intent):
            raise ReplyRefused("reply_twice")
        return self.go_on(interview_id)

    def skip(self, interview_id: str, number: int = 0) -> Iterator[Event]:
        """Pass over the open turn (the one with this number, if one is given) and yield what comes next."""
        current = interview.skipped(self._at(interview_id, number))
        if not self.store.save_skip(interview_id, current.last.number, Skipped()):
            raise ReplyRefused("reply_twice")
        return self.go_on(interview_id)

    def hint(self, interview_id: str) -> Turn:
        """Give a hint on the open turn and return the turn; its last aside says so when there is none to give."""
        current = self.load(interview_id)
        interview.open_turn(current)
        given = asides.hint(current, self.bank, self._interviewer)
        last = current.last.asides[-1] if current.last.asides else None
        if not given.rung and last and last.intent == Intent.HINT and not last.rung:
            return current.last  # it has just been said that there is none
        return self._note(current, given).last

    def _note(self, current: Interview, aside: Aside) -> Interview:
        changed = interview.noted(current, aside)
        if not self.store.save_asides(current.id, changed.last, current.last):
            raise ReplyRefused("reply_twice")
        return changed

    def end(self, interview_id: str) -> Report:
        """End an interview now and return its report; one that has ended stays as it is."""
        self.load(interview_id)
        self.store.end(interview_id, self._clock())
        return self.report(interview_id)

    def go_on(self, interview_id: str) -> Iterator[Event]:
        """Yield the steps from where the interview stands to the next open turn or its end; nothing when it waits."""
        current = self.load(interview_id)
        if not current.ended and current.last.is_open and asides.is_waiting(current.last):
            yield from self._react(current)
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
            move = moves.next_move(current, self.bank, self._clock())
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

    def _react(self, current: Interview) -> Iterator[Event]:
        """Yield what comes of the last aside of the open turn; it may turn out to be the reply."""
        turn = current.last
        text, intent = turn.asides[-1].text, Intent(turn.asides[-1].intent)
        rest = turn.model_copy(update={"asides": turn.asides[:-1]})
        fallback = ""
        if intent is Intent.UNSURE:
            understood = (self._ask_model or self._understand)(text, current)
            intent, fallback = asides.taken_as(understood.intent, text, rest), understood.fallback
        if asides.is_reply(intent, current):
            self.store.save_reply(current.id, turn.number, text, intent, rest.asides)
        elif intent is Intent.SKIP:
            self.store.save_skip(current.id, turn.number, Skipped())
        elif intent is Intent.CORRECTION:
            yield from self._correct(current)
        else:
            before = current.model_copy(update={"turns": (*current.turns[:-1], rest)})
            answered = asides.aside(before, self.bank, self._interviewer, intent, text)
            yield from self._say(current, answered.model_copy(update={"fallback": fallback}))

    def _say(self, current: Interview, answered: Aside) -> Iterator[Event]:
        turn = current.last
        after = turn.model_copy(update={"asides": (*turn.asides[:-1], answered)})
        if self.store.save_asides(current.id, after, turn):
            yield from (Said(answered.said), Asked(after))

    def _correct(self, current: Interview) -> Iterator[Event]:
        """Amend what the last aside corrects; one that speaks to the open question, or to nothing, is its reply."""
        turn, text = current.last, current.last.asides[-1].text
        changed = []
        for earlier in asides.correctable(current):
            amended = self._amended(current, earlier, text)
            if amended and self.store.save_outcome(current.id, earlier.number, amended, earlier.outcome):
                changed.append(earlier.number)
        own = self._outcome(current, turn.model_copy(update={"reply": text}))
        spoken_to = isinstance(own, Grade) and any(point.verdict is not Verdict.MISSING for point in own.points)
        if spoken_to or not changed:
            self.store.save_reply(current.id, turn.number, text, Intent.CORRECTION, turn.asides[:-1])
        now_stored = self.load(current.id)
        yield from (Amended(now_stored.turns[number - 1]) for number in changed)
        if changed and not spoken_to:
            yield from self._say(current, asides.corrected(current, self._interviewer, text))

    def _amended(self, current: Interview, turn: Turn, correction: str) -> Grade | None:
        try:
            rubric = moves.rubric(turn, self.bank, current.plan.mode)
        except NotFound:
            return None
        assert isinstance(turn.outcome, Grade)
        return self._examiner().amend(rubric, turn.outcome, turn.reply or "", correction, current.plan.language)

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
            rubric = moves.rubric(turn, self.bank, current.plan.mode)
            text = moves.graded_text(turn, current)
            return self._examiner().grade(rubric, text, language, hints.costs(current, turn))
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
