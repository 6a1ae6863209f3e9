"""Hints as a ladder: a direction, a neighbouring concept, a sentence to fill in; each costs more than the last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from interviewer.agent.moves import rubric
from interviewer.bank import Bank, KeyPoint
from interviewer.check import leaks
from interviewer.records import Aside, Grade, Interview, Turn, Verdict
from interviewer.text import containment
from interviewer.words import say

# What the highest rung given on a point costs of its credit.
COST = {1: 0.1, 2: 0.25, 3: 0.5}
MAX_HINTS = 6
_BLANK = "＿＿"
# A sentence to fill in keeps less than this of the point's character pairs.
_KEPT = 0.65
_ASPECTS = (
    ("number", re.compile(r"\d|公式|[=≈∝]|\$")),
    ("stages", re.compile(r"训练|推理|测试|前向|反向|先.*再|阶段|步骤")),
    ("compare", re.compile(r"相比|区别|不同|前者|后者|优于|而不是")),
    ("cost", re.compile(r"代价|缺点|局限|开销|复杂度|显存|计算量")),
    ("cause", re.compile(r"因为|由于|原因|导致|所以|因此")),
    ("purpose", re.compile(r"避免|防止|缓解|为了|提高|降低|减小|加快")),
)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9\-]+|\d+(?:\.\d+)?")


def next_hint(interview: Interview, bank: Bank) -> Aside | None:
    """Return the next hint on the open turn: the next rung for its weightiest point not yet met; None if none is left.

    A hint never gives away the text of a point of the question.
    """
    turn, language = interview.last, interview.plan.language
    given = [hint.said for hint in turn.hints]
    if len(given) >= MAX_HINTS:
        return None
    points = _open_points(interview, bank)
    secret = [point.text for point in points]
    for point in points:
        reached = max((hint.rung for hint in turn.hints if hint.point == point.id), default=0)
        for rung in range(reached + 1, len(COST) + 1):
            core = _rung(point, rung, bank.get(turn.question).question + turn.said, secret, language)
            left = round(100 * (1 - COST[rung]))
            words = say(language, f"agent.hint_{rung}", words=core, left=left)
            if core and words not in given and not any(leaks(words, text) for text in secret):
                return Aside(said=words, point=point.id, rung=rung)
    return None


def costs(interview: Interview, turn: Turn) -> Mapping[str, float]:
    """Return what the hints cost each point of a turn's rubric, as a share of its credit.

    A probe is after a point of the question itself, so that the hints on both count for both.
    """
    same = [
        other
        for other in interview.turns[: turn.number]
        if other.question == turn.question and other.follow_up == turn.follow_up
    ]
    found: dict[str, float] = {}
    for hint in (hint for other in same for hint in other.hints):
        found[hint.point] = max(found.get(hint.point, 0.0), COST.get(hint.rung, 0.0))
    found.pop("", None)
    return found


def near_word(point: KeyPoint, known: str, texts: Sequence[str]) -> str:
    """Return a term of the point that is not known yet and is none of these texts whole; an empty string if none."""
    for group in point.terms:
        if group[0].casefold() not in known.casefold() and not any(leaks(group[0], text) for text in texts):
            return group[0]
    return ""


def _open_points(interview: Interview, bank: Bank) -> list[KeyPoint]:
    turn = interview.last
    points = sorted(rubric(turn, bank, interview.plan.mode).points, key=lambda p: -p.weight)
    grades = [t.outcome for t in interview.turns if t.question == turn.question and t.follow_up == turn.follow_up]
    met = {p.id for grade in grades if isinstance(grade, Grade) for p in grade.points if p.verdict is Verdict.MET}
    return [point for point in points if point.id not in met] or points


def _rung(point: KeyPoint, rung: int, known: str, secret: Sequence[str], language: str) -> str:
    if rung == 1:
        aspect = next((name for name, pattern in _ASPECTS if pattern.search(point.text)), "how")
        return say(language, f"agent.aspect_{aspect}")
    return near_word(point, known, secret) if rung == 2 else blanked(point)


def blanked(point: KeyPoint) -> str:
    """Return the point's text with its terms left out, an empty string when too much of it would stay."""
    text = point.text
    wordings = {wording for group in point.terms for wording in group if len(wording) > 1}
    for wording in sorted(wordings, key=lambda w: (-len(w), w)):
        text = re.sub(re.escape(wording), _BLANK, text, flags=re.IGNORECASE)
    text = re.sub(rf"(?:{_BLANK})+", _BLANK, text)
    if containment(point.text, text) >= _KEPT:
        text = re.sub(rf"(?:{_BLANK})+", _BLANK, _WORD.sub(_BLANK, text))
    while containment(point.text, text) >= _KEPT:  # from the end on, since a sentence begins with what it is about
        cut = len(text.rstrip(_BLANK)) - 2
        if cut < 4:
            return ""
        text = text[:cut] + _BLANK
    return text
