"""Grading and searching outside an interview: one question by id or wording, or a JSONL file of many."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interviewer.errors import FileRefused, InterviewerError, NotFound
from interviewer.files import read_bytes
from interviewer.grading.examiner import Examiner
from interviewer.grading.reference import rubric_of_reference
from interviewer.records import Grade, Rubric, Ungraded
from interviewer.text import clean_reply, containment
from interviewer.wiring import Wiring

MAX_FILE = 50_000_000
MAX_TEXT = 4_000
# Free text counts as the nearest question of the bank from this cosine on, or from the lower one when most of the
# question's characters occur in it too; docs/benchmarks.md has what that accepts rightly and wrongly.
SAME_MEANING, NEAR_MEANING, SAME_WORDS = 0.92, 0.89, 0.7

Row = dict[str, Any]
Advance = Callable[[int, int], None]
Work = Callable[[Row], Row]


def read_text(path: Path, limit: int = MAX_FILE) -> str:
    """Return the text of a UTF-8 file; FileRefused says why it cannot be read."""
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused("file_not_text", path=path, byte=error.start) from error


@dataclass(frozen=True)
class Target:
    """What a reply is graded against: the rubric, the bank's id of the question (empty when it has none), and the
    cosine by which free text was taken for that question (1 for an id or an exact wording)."""

    rubric: Rubric
    question_id: str = ""
    similarity: float = 1.0


def find_target(wiring: Wiring, question: str, reference: str | None = None) -> Target:
    """Return what to grade against for an id, an exact wording or free text; NotFound when nothing fits.

    With a reference answer the question need not be in the bank.
    """
    asked = question.strip()[:MAX_TEXT]
    found = wiring.bank.find(asked) if asked else None
    if reference is not None:
        return Target(rubric_of_reference(found.question if found else asked, reference), found.id if found else "")
    if found is not None:
        return Target(Rubric.of_question(found), found.id)
    if asked and not _looks_like_id(asked):
        for hit in wiring.index.nearest(asked, 1):
            nearest = wiring.bank.get(hit.question_id)
            same_words = max(containment(text, asked) for text in (nearest.question, *nearest.aliases)) >= SAME_WORDS
            if hit.similarity >= (NEAR_MEANING if same_words else SAME_MEANING):
                return Target(Rubric.of_question(nearest), nearest.id, round(hit.similarity, 4))
    raise NotFound("unknown_question", question=asked[:80] or "?")


def _looks_like_id(text: str) -> bool:
    return "/" in text and text.isascii() and " " not in text


def grade(wiring: Wiring, examiner: Examiner, question: str, reply: str, reference: str | None = None) -> Row:
    """Return the grade of a reply as a JSON object, or one with `error` when no grader could grade it."""
    target = find_target(wiring, question, reference)
    outcome = examiner.grade(target.rubric, clean_reply(reply), wiring.settings.language)
    if isinstance(outcome, Ungraded):
        return {"error": outcome.reason}
    matched = {"question_id": target.question_id, "asked": target.rubric.question, "similarity": target.similarity}
    return {**matched, **grade_row(outcome)}


def grade_row(outcome: Grade) -> Row:
    """Return a grade as the JSON object that the terminal and the page's API give out."""
    return {
        "score": outcome.score.value,
        "band": outcome.score.band,
        "cap": outcome.score.cap,
        "dimensions": outcome.score.dimensions.model_dump(),
        "points": [
            {
                "id": p.id,
                "text": p.text,
                "weight": p.weight,
                "verdict": p.verdict.value,
                "quote": p.quote,
                "reason": p.reason,
                "confidence": p.confidence,
            }
            for p in outcome.points
        ],
        "misconceptions": [m.model_dump() for m in outcome.misconceptions],
        "feedback": outcome.feedback,
        "grader": outcome.grader,
        "model": outcome.model,
        "fallback": outcome.fallback,
        "confidence": round(outcome.confidence, 2),
        "verbatim": outcome.verbatim,
        "seconds": outcome.seconds,
    }


def search(wiring: Wiring, text: str, k: int) -> list[Row]:
    """Return the k questions nearest to a text as JSON objects; FileRefused for an empty text."""
    if not text.strip():
        raise FileRefused("query_empty")
    rows = []
    for hit in wiring.index.nearest(text.strip()[:MAX_TEXT], k):
        question = wiring.bank.get(hit.question_id)
        rows.append(
            {
                "question": question.question,
                "id": question.id,
                "topic": question.topic,
                "similarity": round(hit.score, 4),
            }
        )
    return rows


def run(source: Path, target: Path, work: Work, language: str, advance: Advance) -> tuple[int, int]:
    """Do the work on every line of a JSONL file and write its fields with the result, line by line as they come.

    A line that cannot be used gets `error` and the rest go on. Returns the number of lines and of faults.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise FileRefused("file_unwritable", path=target, reason="input = output")
    lines = [line for line in read_bytes(source, MAX_FILE).split(b"\n") if line.strip()]
    faults = 0
    try:
        with target.open("w", encoding="utf-8") as out:
            for number, line in enumerate(lines, start=1):
                row = _result(line.removeprefix(b"\xef\xbb\xbf"), work, language)
                faults += "error" in row
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                out.flush()
                advance(number, len(lines))
    except OSError as error:
        raise FileRefused("file_unwritable", path=target, reason=error.strerror) from error
    return len(lines), faults


def _result(line: bytes, work: Work, language: str) -> Row:
    row: Row = {}
    try:
        parsed = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
        if not isinstance(parsed, dict):
            raise TypeError("not a JSON object")
        row = {key: _storable(value) for key, value in parsed.items() if key != "error"}
        json.dumps(row, allow_nan=False)  # a number like 1e999 is no JSON either
        return {**row, **work(row)}
    except InterviewerError as error:
        return {**row, "error": error.say(language)}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        detail = f"no field {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        row = {} if "JSON compliant" in detail else row
        return {**row, "error": FileRefused("bad_line", detail=detail).say(language)}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _storable(value: object) -> object:
    """Return a text without broken characters, any other value as it is."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def text_field(row: Row, name: str) -> str:
    """Return a field of a line that must hold text; KeyError or TypeError names it."""
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"field {name!r} is not text")
    return value


def graded_rows(wiring: Wiring, examiner: Examiner) -> Work:
    """Return the work of `grade --batch`: question, reply and an optional reference to a grade."""

    def work(row: Row) -> Row:
        reference = text_field(row, "reference") if row.get("reference") is not None else None
        return grade(wiring, examiner, text_field(row, "question"), text_field(row, "reply"), reference)

    return work


def found_rows(wiring: Wiring, k: int) -> Work:
    """Return the work of `search --batch`: a query to its results."""
    return lambda row: {"results": search(wiring, text_field(row, "query"), k)}
