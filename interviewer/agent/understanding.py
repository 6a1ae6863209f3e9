"""What a model takes an utterance for, where the rules are not sure."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from interviewer.agent.intent import Intent, Understood
from interviewer.agent.rules import read
from interviewer.errors import InterviewerError
from interviewer.llm import Llm
from interviewer.prompts import fence, render
from interviewer.records import Interview

_Kind = Literal[
    "answer",
    "clarify",
    "give_up",
    "hint",
    "skip",
    "ask_answer",
    "small_talk",
    "correction",
    "question_back",
    "steer",
]


class _Reading(BaseModel):
    """What an utterance is."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=300)]
    kind: _Kind


def by_rules(text: str, _interview: Interview) -> Understood:
    """Return what the rules take an utterance on the open turn for."""
    return read(text)


def by_model(llm: Llm, text: str, interview: Interview) -> Understood:
    """Return what the model takes an utterance for; what the rules do, with the reason, when it fails."""
    prompt = render("understand", asked=interview.last.said, said=fence(text, secrets.token_hex(8)))
    try:
        return Understood(Intent(llm.ask(prompt, _Reading).kind), 1.0, "llm")
    except InterviewerError as error:
        known = read(text)
        return Understood(known.intent, known.confidence, known.by, error.say(interview.plan.language))
