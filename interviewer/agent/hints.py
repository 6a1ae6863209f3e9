"""Hints on an open turn: a direction, never the text of a point."""

from __future__ import annotations

from collections.abc import Sequence

from interviewer.agent.moves import rubric
from interviewer.bank import Bank, KeyPoint
from interviewer.check import leaks
from interviewer.records import Turn
from interviewer.words import say


def hint(turn: Turn, bank: Bank, language: str) -> str:
    """Return the next hint of a turn: a direction, never the text of a point; the last one again when none is left."""
    points = sorted(rubric(turn, bank).points, key=lambda p: -p.weight)
    asked = bank.get(turn.question).question
    words = [near_word(point, asked + turn.said, [p.text for p in points]) for point in points]
    words = list(dict.fromkeys(word for word in words if word))
    if len(turn.hints) >= len(words):
        return turn.hints[-1] if turn.hints else say(language, "agent.hint_general", count=len(points))
    return say(language, "agent.hint", word=words[len(turn.hints)])


def near_word(point: KeyPoint, known: str, texts: Sequence[str]) -> str:
    """Return a term of the point that is not known yet and is none of these texts whole; an empty string if none."""
    for group in point.terms:
        if group[0].casefold() not in known.casefold() and not any(leaks(group[0], text) for text in texts):
            return group[0]
    return ""
