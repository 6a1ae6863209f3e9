"""What the interviewer does next. Pure: the same interview gives the same move."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from interviewer.bank import DEEPER, Bank, Question
from interviewer.errors import NotFound
from interviewer.grading.scoring import BONUS, MUST
from interviewer.records import Grade, Interview, Mode, PointVerdict, Rubric, Turn, Verdict
from interviewer.text import find_quote, normalise, sentences

GIVEN_UP = "give_up"
# A must-point said in fewer characters than this, and without a reason, is worth a "why".
_BRIEF = 36
_REASON = re.compile(r"因为|由于|所以|因此|导致|使|从而|为了|原因|避免|防止|because|since|therefore|so that", re.I)
_EFFECT = re.compile(r"因为|由于|所以|因此|导致|使|从而|避免|防止|为了|缓解|抑制|减小|降低|提高|加快")
_CONTRAST = re.compile(r"相比|而|区别|不同|分别|前者|后者|优于|大于|小于")
_NUMBER = re.compile(r"\d|[一二三四五六七八九十百千万]+(?:个|次|层|倍|步|类|种)")


class Form(StrEnum):
    """How a follow-up asks."""

    CHALLENGE = "challenge"
    PROBE = "probe"
    REASON = "reason"
    EXAMPLE = "example"
    COMPARE = "compare"
    DEEPER = "deeper"


@dataclass(frozen=True)
class AskQuestion:
    """Go on to a question of the plan."""

    question: str


@dataclass(frozen=True)
class AskFollowUp:
    """Ask the authored follow-up with this number; `target` is the point it is after, or `deeper`.

    `question` is whose follow-up it is, empty for that of the last turn.
    """

    number: int
    target: str
    form: Form = Form.PROBE
    question: str = ""


@dataclass(frozen=True)
class AskProbe:
    """Ask after a point that has no authored follow-up; `question` is whose point it is, empty for the last turn's."""

    point: str
    form: Form = Form.PROBE
    question: str = ""


@dataclass(frozen=True)
class WrapUp:
    """End the interview: the plan is done, or its time is up."""

    time_up: bool = False


Move = AskQuestion | AskFollowUp | AskProbe | WrapUp


def next_move(interview: Interview, bank: Bank, now: datetime | None = None) -> Move:
    """Return what comes after the last turn, which has its outcome.

    After a graded reply the worst point is asked after: a contradicted must-point, then a missing one, then one half
    said, then a should-point said wrongly or by half, then what was named without a reason; with all must-points met a
    deeper question. Never after the same point twice nor with the same words, never more follow-ups than planned, only
    one after a reply that met nothing, and none after a follow-up that the candidate gave up. `now` ends an interview
    whose time is up.
    """
    if is_over(interview, now):
        return WrapUp(time_up=True)
    if interview.plan.mode == "drill":
        return _next_item(interview, bank)
    asked = [turn for turn in interview.turns if turn.question == interview.last.question]
    main, later = asked[0], asked[1:]
    grade = main.outcome
    if isinstance(grade, Grade) and isinstance(interview.last.outcome, Grade) and main.question in bank.questions:
        allowed = min(interview.plan.follow_ups, 1 if grade.score.value == 0 else interview.plan.follow_ups)
        given_up = bool(later) and later[-1].intent == GIVEN_UP
        if len(later) < allowed and interview.plan.mode != "quick" and not given_up:
            move = _follow_up(bank.get(main.question), main, grade, later)
            if move is not None:
                return move
    return _next_question(interview, bank)


def is_over(interview: Interview, now: datetime | None) -> bool:
    """Return whether the time of an interview with a clock is up."""
    minutes = interview.plan.minutes
    return bool(minutes and now and now - interview.started >= timedelta(minutes=minutes))


def _next_question(interview: Interview, bank: Bank) -> Move:
    done = {turn.question for turn in interview.turns}
    for question in interview.plan.questions:
        if question not in done and question in bank.questions:  # the bank may have lost it since the plan
            return AskQuestion(question)
    return WrapUp()


def first_move(interview: Interview, bank: Bank) -> Move:
    """Return what an interview begins with."""
    return _next_item(interview, bank) if interview.plan.mode == "drill" else _next_question(interview, bank)


def _next_item(interview: Interview, bank: Bank) -> Move:
    done = {(turn.question, turn.follow_up, turn.point) for turn in interview.turns}
    for item in interview.plan.drill:
        question = bank.questions.get(item.question)
        if question is None or (item.question, item.follow_up, item.point) in done:
            continue
        if item.follow_up is not None and item.follow_up < len(question.follow_ups):
            target = question.follow_ups[item.follow_up].when
            return AskFollowUp(item.follow_up, target, question=item.question)
        if any(point.id == item.point for point in question.points):
            return AskProbe(item.point, question=item.question)
    return WrapUp()


def _follow_up(question: Question, main: Turn, grade: Grade, later: Sequence[Turn]) -> Move | None:
    used = {turn.follow_up for turn in later if turn.follow_up is not None}
    targets = {f.when for n, f in enumerate(question.follow_ups) if n in used} | {turn.point for turn in later}
    authored = {f.when: n for n, f in reversed(list(enumerate(question.follow_ups))) if n not in used}
    known = {point.id for point in question.points}  # the question may have been edited since it was graded
    wanted = [point for point in grade.points if _urgency(point) is not None and point.id in known - targets]
    # Of two points worth the same, the one with an authored follow-up.
    for point in sorted(wanted, key=lambda p: (_urgency(p), p.id not in authored)):
        form = _form(point)
        return AskFollowUp(authored[point.id], point.id, form) if point.id in authored else AskProbe(point.id, form)
    if any(p.weight == MUST and p.verdict is not Verdict.MET for p in grade.points):
        return None
    for point in grade.points:
        if point.id in known - targets - set(authored) and _is_vague(point, main.reply or ""):
            return AskProbe(point.id, Form.REASON)
    if DEEPER in authored:
        return AskFollowUp(authored[DEEPER], DEEPER, Form.DEEPER)
    missed = (p.id for p in grade.points if p.verdict is Verdict.MISSING and p.id in authored and p.id not in targets)
    return next((AskFollowUp(authored[point], point) for point in missed), None)


def _urgency(point: PointVerdict) -> int | None:
    """Return the rank of a point among the targets, 0 for the first to ask after; None for one that is none."""
    order = (Verdict.CONTRADICTED, Verdict.MISSING, Verdict.PARTIAL)
    if point.verdict is Verdict.MET or point.weight <= BONUS:
        return None
    if point.weight == MUST:
        return order.index(point.verdict)
    return None if point.verdict is Verdict.MISSING else len(order) + order.index(point.verdict)


def _form(point: PointVerdict) -> Form:
    if point.verdict is Verdict.CONTRADICTED:
        return Form.CHALLENGE
    if point.verdict is not Verdict.PARTIAL:
        return Form.PROBE
    if _NUMBER.search(point.text):
        return Form.EXAMPLE
    if _EFFECT.search(point.text):
        return Form.REASON
    return Form.COMPARE if _CONTRAST.search(point.text) else Form.PROBE


def _is_vague(point: PointVerdict, reply: str) -> bool:
    """Return whether a must-point that says why was met by naming it alone."""
    if point.weight != MUST or point.verdict is not Verdict.MET or not _EFFECT.search(point.text):
        return False
    around = [s for s in sentences(reply) if find_quote(point.quote, s) or find_quote(s, point.quote)]
    said = "".join(around) or point.quote
    return 0 < len(normalise(said)) <= _BRIEF and not _REASON.search(said)


def rubric(turn: Turn, bank: Bank, mode: Mode = "practice") -> Rubric:
    """Return what the reply of a turn is graded against; NotFound when it has left the bank since it was asked."""
    question = bank.get(turn.question)
    if turn.is_main:
        return Rubric.of_musts(question) if mode == "quick" else Rubric.of_question(question)
    if turn.follow_up is not None and turn.follow_up < len(question.follow_ups):
        return Rubric.of_follow_up(question.follow_ups[turn.follow_up])
    if any(point.id == turn.point for point in question.points):
        return Rubric.of_point(question, turn.point)
    raise NotFound("unknown_question", question=turn.said[:80])


def graded_text(turn: Turn, interview: Interview) -> str:
    """Return the words that a turn's grade rests on: its reply, after what it gives the reason for."""
    reply = turn.reply or ""
    if turn.form != Form.REASON or not turn.point:
        return reply
    main = next((t for t in interview.turns if t.question == turn.question and t.is_main), None)
    grade = main.outcome if main else None
    if not isinstance(grade, Grade) or turn.point not in {point.id for point in grade.points}:
        return reply
    named = next(point.quote for point in grade.points if point.id == turn.point)
    return f"{named}。{reply}" if named else reply
