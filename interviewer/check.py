"""What keeps the bank good: the rules that every question file must satisfy beyond its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from interviewer.bank import DEEPER, Bank, FollowUp, KeyPoint, Question
from interviewer.errors import Fault
from interviewer.text import containment, normalise

LEAK = 0.8
_HAN = re.compile(r"[\u4e00-\u9fff]")
_MATH = re.compile(r"\$\$.+?\$\$|\$[^$\n]+?\$", re.S)


def has_term(text: str, wordings: tuple[str, ...]) -> bool:
    """Return whether the text names a concept in one of its wordings, width, case and punctuation ignored."""
    flat = normalise(text)
    return any(normalise(wording) in flat for wording in wordings if normalise(wording))


def leaks(said: str, point_text: str) -> bool:
    """Return whether what is said gives a key point away: nearly all of its character pairs occur in it."""
    return normalise(point_text) in normalise(said) or containment(point_text, said) >= LEAK


def check(bank: Bank) -> list[Fault]:
    """Return every fault of the bank against the rules of a good question file."""
    return [fault for question in bank for fault in check_question(question)]


def check_question(question: Question) -> list[Fault]:
    """Return the faults of one question."""
    shown = f"questions/{question.id}.toml"
    return [Fault(shown, field, message) for field, message in _faults(question)]


def _faults(q: Question) -> Iterator[tuple[str, str]]:
    yield from _wording(q)
    yield from _lengths(q)
    musts = [point for point in q.points if point.weight == 3]
    if not 3 <= len(q.points) <= 7:
        yield "points", f"{len(q.points)} points, 3 to 7 wanted"
    if len(musts) < 2:
        yield "points", f"{len(musts)} points of weight 3, at least 2 wanted"
    for point in q.points:
        yield from _point(point, f"points.{point.id}", says=3, denies=2, from_weight=2)
        others = [p for p in q.points if p.id != point.id and p.terms]
        whole = [p.id for p in others if all(has_term(point.text, group) for group in p.terms)]
        if len(whole) >= 2:
            yield f"points.{point.id}", f"not atomic: its text holds all terms of {', '.join(whole)}"
    if not 1 <= len(q.misconceptions) <= 3:
        yield "misconceptions", f"{len(q.misconceptions)}, 1 to 3 wanted"
    if not 2 <= len(q.follow_ups) <= 3:
        yield "follow_ups", f"{len(q.follow_ups)}, 2 or 3 wanted"
    if not any(f.when == DEEPER for f in q.follow_ups):
        yield "follow_ups", "none is for `deeper`"
    if not any(f.when == p.id for f in q.follow_ups for p in musts):
        yield "follow_ups", "none is aimed at a must-point"
    for number, follow_up in enumerate(q.follow_ups):
        yield from _follow_up(follow_up, q, f"follow_ups[{number}]")


def _wording(q: Question) -> Iterator[tuple[str, str]]:
    if len(q.aliases) < 2:
        yield "aliases", f"{len(q.aliases)}, at least 2 wanted"
    texts = [normalise(text) for text in (q.question, *q.aliases)]
    if len(set(texts)) != len(texts):
        yield "aliases", "an alias repeats the question or another alias"


def _lengths(q: Question) -> Iterator[tuple[str, str]]:
    han = len(_HAN.findall(_MATH.sub("", q.answer)))
    if not 150 <= han <= 600:
        yield "answer", f"{han} Chinese characters, 150 to 600 wanted"
    if not 30 <= len(q.brief) <= 180:
        yield "brief", f"{len(q.brief)} characters, 30 to 180 wanted"
    for field, text in (
        ("answer", q.answer),
        *((f"follow_ups[{n}].answer", f.answer) for n, f in enumerate(q.follow_ups)),
    ):
        if fault := latex_fault(text):
            yield field, fault


def latex_fault(text: str) -> str:
    """Return what is wrong with the formulas of a Markdown text, an empty string when nothing is."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S).replace(r"\$", "")
    if "$" in _MATH.sub("", prose):
        return "an odd `$`: a formula is not closed on its line"
    for formula in _MATH.findall(prose):
        body = re.sub(r"\\[{}]", "", formula)
        if body.count("{") != body.count("}"):
            return f"unbalanced braces in {formula[:40]}"
        begun, ended = (sorted(re.findall(rf"\\{word}\{{(\w+\*?)\}}", formula)) for word in ("begin", "end"))
        if begun != ended:
            return f"unbalanced environment in {formula[:40]}"
        left, right = (len(re.findall(rf"\\{word}(?![A-Za-z])", formula)) for word in ("left", "right"))
        if left != right:
            return f"\\left without \\right in {formula[:40]}"
    return ""


def _point(point: KeyPoint, field: str, says: int, denies: int, from_weight: int) -> Iterator[tuple[str, str]]:
    if not point.terms:
        yield f"{field}.terms", "at least one group wanted"
    if point.weight >= from_weight and len(point.says) < says:
        yield f"{field}.says", f"{len(point.says)}, at least {says} wanted"
    if point.weight >= from_weight and len(point.denies) < denies:
        yield f"{field}.denies", f"{len(point.denies)}, at least {denies} wanted"
    lines = [normalise(line) for line in (point.text, *point.says, *point.denies)]
    if len(set(lines)) != len(lines):
        yield field, "a line of says or denies is there twice"


def _follow_up(follow_up: FollowUp, q: Question, field: str) -> Iterator[tuple[str, str]]:
    for point in follow_up.points:
        yield from _point(point, f"{field}.points.{point.id}", says=2, denies=1, from_weight=3)
    for point in (*q.points, *follow_up.points):
        if leaks(follow_up.ask, point.text):
            yield f"{field}.ask", f"gives away point {point.id}"
