"""The transitions of one interview. Pure: each takes an interview and returns a new one; none reads a clock."""

from __future__ import annotations

from datetime import datetime

from interviewer.agent.moves import AskFollowUp, AskProbe, AskQuestion
from interviewer.errors import ReplyRefused
from interviewer.records import Aside, Interview, Outcome, Plan, Skipped, Turn
from interviewer.text import clean_reply


def start(interview_id: str, plan: Plan, now: datetime) -> Interview:
    """Return an interview in which nothing was asked yet."""
    return Interview(id=interview_id, plan=plan, started=now)


def asked(interview: Interview, move: AskQuestion | AskFollowUp | AskProbe, said: str, fallback: str = "") -> Interview:
    """Return the interview with one more open turn."""
    turn = Turn(
        number=len(interview.turns) + 1,
        question=move.question or interview.last.question,
        follow_up=move.number if isinstance(move, AskFollowUp) else None,
        point=move.point if isinstance(move, AskProbe) else "",
        form="" if isinstance(move, AskQuestion) else move.form,
        said=said,
        fallback=fallback,
    )
    return interview.model_copy(update={"turns": (*interview.turns, turn)})


def replied(interview: Interview, text: str, intent: str = "answer") -> Interview:
    """Return the interview with the open turn replied to; ReplyRefused for an unfit text or when none is open."""
    turn = open_turn(interview)
    return _with_last(interview, turn.model_copy(update={"reply": clean_reply(text), "intent": intent}))


def judged(interview: Interview, outcome: Outcome) -> Interview:
    """Return the interview with the outcome of its last reply."""
    return _with_last(interview, interview.last.model_copy(update={"outcome": outcome}))


def noted(interview: Interview, aside: Aside) -> Interview:
    """Return the interview with one more aside on the open turn."""
    turn = open_turn(interview)
    return _with_last(interview, turn.model_copy(update={"asides": (*turn.asides, aside)}))


def skipped(interview: Interview) -> Interview:
    """Return the interview with the open turn passed over."""
    return _with_last(interview, open_turn(interview).model_copy(update={"outcome": Skipped()}))


def ended(interview: Interview, now: datetime) -> Interview:
    """Return the interview ended; one that has ended keeps its time."""
    return interview if interview.ended else interview.model_copy(update={"ended": now})


def open_turn(interview: Interview) -> Turn:
    """Return the turn that waits for a reply; ReplyRefused when none does."""
    if interview.ended:
        raise ReplyRefused("interview_over")
    if not interview.turns or not interview.last.is_open:
        raise ReplyRefused("reply_twice")
    return interview.last


def _with_last(interview: Interview, turn: Turn) -> Interview:
    return interview.model_copy(update={"turns": (*interview.turns[:-1], turn)})
