"""What a candidate's utterance is: an answer, or something said on the way to one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Intent(StrEnum):
    """What an utterance does; `unsure` until the model has been asked."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    GIVE_UP = "give_up"
    HINT = "hint"
    SKIP = "skip"
    ASK_ANSWER = "ask_answer"
    SMALL_TALK = "small_talk"
    CORRECTION = "correction"
    QUESTION_BACK = "question_back"
    STEER = "steer"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Understood:
    """What an utterance was taken for, how surely (0 to 1), by what, and why the model was not asked if it should."""

    intent: Intent
    confidence: float = 1.0
    by: Literal["rules", "encoder", "llm"] = "rules"
    fallback: str = ""
