"""Replies with marks that people gave: our own, labelled twice, or any JSONL file of the same shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from interviewer.bank import Bank
from interviewer.batch import read_text
from interviewer.errors import FileRefused
from interviewer.grading.reference import rubric_of_reference
from interviewer.records import Rubric, Verdict
from interviewer.text import clean_reply

FOLDER = "replies"
MAX_ROWS = 50_000
Part = Literal["train", "test"]


@dataclass(frozen=True)
class Labelled:
    """A reply, what it was a reply to, and its labels: a mark of 0 to 100, and verdicts by point id if there are any.

    `group` names the question; `marks` and `readings` are what each of the first two readers said before they agreed.
    """

    group: str
    rubric: Rubric
    reply: str
    mark: float
    kind: str = "reply"
    part: Part = "test"
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    marks: tuple[float, ...] = ()
    readings: tuple[Mapping[str, Verdict], ...] = ()


def own(folder: Path, bank: Bank, part: Part | None = None) -> list[Labelled]:
    """Return the labelled replies that come with the bank, of one part or of both."""
    found = [row for path in sorted((folder / FOLDER).glob("*.jsonl")) for row in read(path, bank)]
    return [row for row in found if part is None or row.part == part]


def read(path: Path, bank: Bank) -> list[Labelled]:
    """Return the rows of a JSONL file: `question` (id or wording) or with `reference` any question, `reply`, `mark` or
    `score`, perhaps `kind` and `verdicts`.

    Marks are 0 to 100; where none of the file is over 1 they are taken as shares. FileRefused names the first bad line.
    """
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            rows.append((number, _object(path, number, line)))
    if not 0 < len(rows) <= MAX_ROWS:
        raise FileRefused("bad_labelled", path=path, line=len(rows), detail=f"1–{MAX_ROWS}")
    found = list(_labelled(path, rows, bank))
    shares = all(row.mark <= 1 for row in found)
    return [_scaled(row) for row in found] if shares else found


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise FileRefused("bad_labelled", path=path, line=number, detail="JSON")
    return row


def _labelled(path: Path, rows: list[tuple[int, dict[str, Any]]], bank: Bank) -> Iterator[Labelled]:
    for number, row in rows:
        try:
            asked, reply = str(row["question"]).strip(), clean_reply(str(row["reply"]))
            mark = float(row["mark"] if "mark" in row else row["score"])
            reference = row.get("reference")
            question = None if reference else bank.find(asked)
            rubric = rubric_of_reference(asked, str(reference)) if reference else Rubric.of_question(question)  # type: ignore[arg-type]
            readings = tuple(_verdicts(one, rubric) for one in row.get("readings", ()))
            yield Labelled(
                group=question.id if question else asked,
                rubric=rubric,
                reply=reply,
                mark=mark,
                kind=str(row.get("kind") or "reply"),
                part="train" if row.get("part") == "train" else "test",
                verdicts=_verdicts(row.get("verdicts", {}), rubric),
                marks=tuple(float(one) for one in row.get("marks", ())),
                readings=readings,
            )
        except (KeyError, TypeError, ValueError, AttributeError, FileRefused) as error:
            raise FileRefused("bad_labelled", path=path, line=number, detail=_why(error)) from None


def _verdicts(given: Mapping[str, str], rubric: Rubric) -> dict[str, Verdict]:
    verdicts = {name: Verdict(value) for name, value in given.items()}
    unknown = set(verdicts) - {point.id for point in rubric.points}
    if unknown:
        raise ValueError(f"unknown point: {', '.join(sorted(unknown))}")
    return verdicts


def _why(error: Exception) -> str:
    if isinstance(error, AttributeError):  # bank.find found nothing
        return "question"
    return str(error)[:120]


def _scaled(row: Labelled) -> Labelled:
    return Labelled(row.group, row.rubric, row.reply, 100 * row.mark, row.kind, row.part, row.verdicts)
