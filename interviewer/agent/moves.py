"""What the interviewer does next. Pure: the same interview gives the same move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interviewer.bank import DEEPER, Bank, Question
from interviewer.errors import NotFound
from interviewer.grading.scoring import MUST
from interviewer.records import Grade, Interview, Rubric, Turn, Verdict


@dataclass(frozen=True)
class AskQuestion:
    """Go on to a question of the plan."""

    question: str


@dataclass(frozen=True)
class AskFollowUp:
    """Ask the authored follow-up with this number; `target` is the point it is after, or `deeper`."""

    number: int
    target: str


@dataclass(frozen=True)
class AskProbe:
    """Ask after a point of the question that has no authored follow-up."""

    point: str


@dataclass(frozen=True)
class WrapUp:
    """End the interview: the plan is done."""


Move = AskQuestion | AskFollowUp | AskProbe | WrapUp


def next_move(interview: Interview, bank: Bank) -> Move:
    """Return what comes after the last turn, which has its outcome.

    A contradicted must-point first, then a missing or half-met one, then (with all must-points met) a deeper question;
    never after the same point twice nor with the same words, never more follow-ups than planned, and only one after a
    reply that met nothing.
    """
    asked = [turn for turn in interview.turns if turn.question == interview.last.question]
    main, later = asked[0], asked[1:]
    grade = main.outcome
    if isinstance(grade, Grade) and isinstance(interview.last.outcome, Grade) and main.question in bank.questions:
        allowed = min(interview.plan.follow_ups, 1 if grade.score.value == 0 else interview.plan.follow_ups)
        if len(later) < allowed:
            move = _follow_up(bank.get(main.question), grade, later)
            if move is not None:
                return move
    return _next_question(interview, bank)


def _next_question(interview: Interview, bank: Bank) -> Move:
    done = {turn.question for turn in interview.turns}
    for question in interview.plan.questions:
        if question not in done and question in bank.questions:  # the bank may have lost it since the plan
            return AskQuestion(question)
    return WrapUp()


def _follow_up(question: Question, grade: Grade, later: Sequence[Turn]) -> Move | None:
    used = {turn.follow_up for turn in later if turn.follow_up is not None}
    targets = {f.when for n, f in enumerate(question.follow_ups) if n in used} | {turn.point for turn in later}
    authored = {f.when: n for n, f in reversed(list(enumerate(question.follow_ups))) if n not in used}
    known = {point.id for point in question.points}  # the question may have been edited since it was graded
    wanted = [point for point in _open_points(grade) if point in known - targets]
    # Of two points worth the same, the one with an authored follow-up.
    for point in sorted(wanted, key=lambda p: (_urgency(grade, p), p not in authored)):
        return AskFollowUp(authored[point], point) if point in authored else AskProbe(point)
    if not _open_points(grade) and DEEPER in authored:
        return AskFollowUp(authored[DEEPER], DEEPER)
    return None


def _open_points(grade: Grade) -> list[str]:
    return [p.id for p in grade.points if p.weight == MUST and p.verdict is not Verdict.MET]


def _urgency(grade: Grade, point: str) -> int:
    return (Verdict.CONTRADICTED, Verdict.MISSING, Verdict.PARTIAL).index(grade.verdict(point))


def rubric(turn: Turn, bank: Bank) -> Rubric:
    """Return what the reply of a turn is graded against; NotFound when it has left the bank since it was asked."""
    question = bank.get(turn.question)
    if turn.is_main:
        return Rubric.of_question(question)
    if turn.follow_up is not None and turn.follow_up < len(question.follow_ups):
        return Rubric.of_follow_up(question.follow_ups[turn.follow_up])
    if any(point.id == turn.point for point in question.points):
        return Rubric.of_point(question, turn.point)
    raise NotFound("unknown_question", question=turn.said[:80])
