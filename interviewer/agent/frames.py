"""The interviewer's own words by kind, language and persona (frames.toml), none used twice in an interview."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from interviewer.records import Interview, Persona

_PLACE = re.compile(r"\{(\w+)\}")


@cache
def catalogue() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return kind → language → persona → frames with {placeholders}."""
    return tomllib.loads((Path(__file__).parent / "frames.toml").read_text(encoding="utf-8"))


def frame(kind: str, interview: Interview, **values: str) -> str:
    """Return a frame of this kind that the interview has not heard, filled; what it frames alone when none is left.

    The interview's language, persona and seed decide; the same interview gets the same words.
    """
    by_persona = catalogue()[kind].get(interview.plan.language) or catalogue()[kind]["zh"]
    heard = "\n".join(said(interview))
    chance = random.Random(f"{interview.plan.seed}-{len(heard)}-{kind}")
    for persona in _order(interview.plan.persona):
        pool = list(by_persona.get(persona, ()))
        chance.shuffle(pool)
        for text in pool:
            if not _pattern(text).search(heard):
                return text.format(**values)
    bare = values.get("ask") or values.get("quote", "")
    return f"“{bare}”？" if bare and "ask" not in values else bare


def said(interview: Interview) -> list[str]:
    """Return everything that the interviewer has said so far, in order."""
    return [text for turn in interview.turns for text in (turn.said, *(aside.said for aside in turn.asides))]


def _order(persona: Persona) -> Sequence[Persona]:
    return ("neutral",) if persona == "neutral" else (persona, "neutral")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    literal = (re.escape(part) if number % 2 == 0 else ".{1,400}?" for number, part in enumerate(_PLACE.split(text)))
    return re.compile("".join(literal))
