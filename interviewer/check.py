"""What keeps the bank good: the rules that every question file must satisfy beyond its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from interviewer.bank import DEEPER, Bank, FollowUp, KeyPoint, Question
from interviewer.errors import Fault
from interviewer.text import bigrams, containment, normalise

LEAK = 0.8
# The share of common character pairs (Jaccard) from which two answers are one answer told twice.
ALIKE = 0.45
ASKED = "questions.txt"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_MATH = re.compile(r"\$\$.+?\$\$|\$[^$\n]+?\$", re.S)


def has_term(text: str, wordings: tuple[str, ...]) -> bool:
    """Return whether the text names a concept in one of its wordings, width, case and punctuation ignored."""
    flat = normalise(text)
    return any(normalise(wording) in flat for wording in wordings if normalise(wording))


def leaks(said: str, point_text: str) -> bool:
    """Return whether what is said gives a key point away: nearly all of its character pairs occur in it."""
    return normalise(point_text) in normalise(said) or containment(point_text, said) >= LEAK


def check(bank: Bank, asked: Sequence[str] = ()) -> list[Fault]:
    """Return every fault of the shipped questions against the rules of a good bank.

    `asked` are the wordings that the bank must answer, each by one file and no other; none means that any will do.
    What users bring is theirs.
    """
    shipped = [question for question in bank if question.origin == "shipped"]
    faults = [fault for question in shipped for fault in check_question(question)]
    return faults + _coverage(shipped, asked) + _alike(shipped)


def _coverage(questions: Sequence[Question], asked: Sequence[str]) -> list[Fault]:
    if not asked:
        return []
    wanted = {line.strip(): number for number, line in enumerate(asked, start=1) if line.strip()}
    there = {question.question for question in questions}
    missing = [Fault(ASKED, f"line {n}", f"no file asks {line}") for line, n in wanted.items() if line not in there]
    other = [Fault(_shown(q), "question", f"is no line of {ASKED}") for q in questions if q.question not in wanted]
    return missing + other


def _alike(questions: Sequence[Question]) -> list[Fault]:
    """Return the pairs of answers that say nearly the same in nearly the same words."""
    columns: dict[str, int] = {}
    places = [sorted(columns.setdefault(pair, len(columns)) for pair in bigrams(q.answer)) for q in questions]
    table = np.zeros((len(questions), len(columns)), dtype=np.float32)
    for row, found in enumerate(places):
        table[row, found] = 1
    shared, sizes = table @ table.T, table.sum(axis=1)
    likeness = shared / np.maximum(sizes[:, None] + sizes[None, :] - shared, 1)
    close = np.argwhere(np.triu(likeness >= ALIKE, 1)).tolist()
    said = "nearly the same as {other} ({likeness:.2f})"
    return [
        Fault(_shown(questions[a]), "answer", said.format(other=questions[b].id, likeness=likeness[a, b]))
        for a, b in close
    ]


def _shown(question: Question) -> str:
    return f"questions/{question.id}.toml"


def check_question(question: Question) -> list[Fault]:
    """Return the faults of one question."""
    return [Fault(_shown(question), field, message) for field, message in _faults(question)]


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
