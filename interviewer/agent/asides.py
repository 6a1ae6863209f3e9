"""What is not an answer: the policy of what becomes of it, and what the interviewer says to it.

An utterance never decides by itself that the interview goes on: it is understood, and the policy here decides.
"""

from __future__ import annotations

from interviewer.agent.frames import frame
from interviewer.agent.hints import next_hint
from interviewer.agent.intent import Intent
from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.records import Aside, Grade, Interview, Turn
from interviewer.text import normalise

# After this many asides on one question whatever is said is its reply: nobody talks his way round a question.
MAX_ASIDES = 4


def taken_as(intent: Intent, text: str, turn: Turn) -> Intent:
    """Return what an utterance counts as on an open turn.

    Sent a second time it is the reply, whatever it was taken for at first; and a turn holds only so many asides.
    """
    if intent in (Intent.ANSWER, Intent.GIVE_UP):
        return intent
    own = [aside for aside in turn.asides if aside.text]
    again = any(normalise(aside.text) == normalise(text) for aside in own)
    return Intent.ANSWER if again or len(own) >= MAX_ASIDES else intent


def is_reply(intent: Intent, interview: Interview) -> bool:
    """Return whether an utterance closes the open turn as its reply: a correction does when nothing came before it."""
    if intent is Intent.CORRECTION:
        return not correctable(interview)
    return intent in (Intent.ANSWER, Intent.GIVE_UP)


def correctable(interview: Interview) -> list[Turn]:
    """Return the graded turns that a correction on the open turn can be about: this question's, else the last one's."""
    graded = [turn for turn in interview.turns if isinstance(turn.outcome, Grade) and turn.reply]
    own = [turn for turn in graded if turn.question == interview.last.question]
    return own or [turn for turn in graded if turn.question == graded[-1].question]


def corrected(interview: Interview, interviewer: Interviewer, text: str) -> Aside:
    """Return a correction of something said earlier together with what is said to it."""
    return Aside(text=text, intent=Intent.CORRECTION, said=_words("corrected", interview, interviewer))


def is_waiting(turn: Turn) -> bool:
    """Return whether the candidate has said something on an open turn that has no reaction yet."""
    return bool(turn.asides) and not turn.asides[-1].said


def hint(interview: Interview, bank: Bank, interviewer: Interviewer, text: str = "") -> Aside:
    """Return the next hint on the open turn as an aside; one that says why there is none has rung 0."""
    found = None if interview.plan.mode == "exam" else next_hint(interview, bank)
    if found is not None:
        return found.model_copy(update={"text": text})
    kind = "no_hints_here" if interview.plan.mode == "exam" else "no_more_hints"
    return Aside(text=text, intent=Intent.HINT, said=_words(kind, interview, interviewer))


def aside(interview: Interview, bank: Bank, interviewer: Interviewer, intent: Intent, text: str) -> Aside:
    """Return an utterance that is no answer together with what is said to it."""
    if intent is Intent.HINT:
        return hint(interview, bank, interviewer, text)
    words = interviewer.reworded(interview) if intent is Intent.CLARIFY else ""
    return Aside(text=text, intent=intent, said=words or _words(_KINDS[intent], interview, interviewer))


def _words(kind: str, interview: Interview, interviewer: Interviewer) -> str:
    """Return a frame that is new to the interview; the question again when there is none left."""
    return frame(kind, interview) or interviewer.reworded(interview)


_KINDS = {
    Intent.CLARIFY: "small_talk",
    Intent.ASK_ANSWER: "refuse_answer",
    Intent.SMALL_TALK: "small_talk",
    Intent.QUESTION_BACK: "question_back",
    Intent.STEER: "steer",
}
