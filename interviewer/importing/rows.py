"""The rows of a user's file: CSV, TSV, JSON Lines, Markdown with a heading a question, or a plain list of questions."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interviewer.errors import FileRefused
from interviewer.files import read_bytes
from interviewer.text import clean, normalise

MAX_FILE = 20_000_000
MAX_ROWS = 2_000
MAX_QUESTION, MAX_ANSWER = 400, 20_000
_ENCODINGS = ("utf-8-sig", "gb18030")
# The names that people give to the columns of such files, normalised.
_COLUMNS = {
    "question": ("question", "q", "title", "题目", "问题", "题干", "面试题", "front"),
    "answer": ("answer", "a", "reference", "答案", "参考答案", "回答", "解析", "back"),
    "topic": ("topic", "category", "tag", "主题", "分类", "类别", "知识点", "标签"),
    "id": ("id", "slug", "编号"),
    "level": ("level", "difficulty", "难度"),
}
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_LIST_MARK = re.compile(r"^\s*(?:[-*+•]\s+|\(?（?\d{1,5}[.．、)）:：]\s*|Q\d*[.．:：]\s*)", re.I)


@dataclass(frozen=True)
class Row:
    """One question of a user's file as it stands there; `place` is its line, record or heading, counted from 1."""

    place: int
    question: str
    answer: str = ""
    topic: str = ""
    id: str = ""
    level: int = 2


# A place that holds no usable row, and what is wrong there.
Fault = tuple[int, FileRefused]


@dataclass(frozen=True)
class Sheet:
    """The rows of a file, the encoding that it was read in, and the places that hold no usable row, with the reason."""

    rows: tuple[Row, ...]
    encoding: str
    faults: tuple[Fault, ...]


def read(path: Path) -> Sheet:
    """Return the rows of a file by its suffix; FileRefused when it is no such file, empty, or has too many rows."""
    text, encoding = _decoded(path)
    if not normalise(text):
        raise FileRefused("import_empty", path=path)
    readers: dict[str, Callable[[str, Path], Iterator[Row | Fault]]] = {
        ".csv": _table,
        ".tsv": _table,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".md": _markdown,
        ".markdown": _markdown,
        ".txt": _plain_list,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FileRefused("import_kind", path=path, kinds=" ".join(readers))
    rows: list[Row] = []
    faults: list[Fault] = []
    for found in reader(text, path):
        if isinstance(found, Row):
            rows.append(found)
        else:
            faults.append(found)
        if len(rows) + len(faults) > MAX_ROWS:
            raise FileRefused("import_too_many", path=path, limit=MAX_ROWS)
    if not rows and not faults:
        raise FileRefused("import_empty", path=path)
    return Sheet(tuple(rows), encoding, tuple(faults))


def _decoded(path: Path) -> tuple[str, str]:
    data = read_bytes(path, MAX_FILE)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # what Excel calls "Unicode text"
    for encoding in ("utf-16",) if wide else _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n"), encoding.removesuffix("-sig")
    raise FileRefused("import_not_text", path=path)


def _row(place: int, fields: Mapping[str, Any]) -> Row | Fault:
    """Return the row, or what is wrong with it."""
    named = {name: clean(str(fields.get(name) or "")) for name in _COLUMNS}
    question = " ".join(named["question"].split())
    if not normalise(question):
        return place, FileRefused("row_no_question")
    if len(question) > MAX_QUESTION or len(named["answer"]) > MAX_ANSWER:
        return place, FileRefused("row_too_long", question=MAX_QUESTION, answer=MAX_ANSWER)
    level = named["level"]
    return Row(
        place, question, named["answer"], named["topic"], named["id"], int(level) if level in ("1", "2", "3") else 2
    )


def _by_column(record: Mapping[Any, Any]) -> dict[str, Any]:
    names = {normalise(str(name)): value for name, value in record.items() if name is not None}
    found = {}
    for column, wordings in _COLUMNS.items():
        value = next((names[w] for w in wordings if w in names), None)
        if value is not None:
            found[column] = value
    return found


def _table(text: str, path: Path) -> Iterator[Row | Fault]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" or "\t" in text.split("\n", 1)[0] else ","
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise FileRefused("import_bad_table", path=path, reason=str(error)) from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    known = {wording for wordings in _COLUMNS.values() for wording in wordings}
    headed = bool(lines) and any(normalise(cell) in known for cell in lines[0])
    header = lines[0] if headed else ["question", "answer"]
    if headed and "question" not in _by_column(dict.fromkeys(header, "")):
        raise FileRefused("import_no_column", path=path, columns=", ".join(header)[:200])
    for place, line in enumerate(lines[1:] if headed else lines, start=2 if headed else 1):
        yield _row(place, _by_column(dict(zip(header, line, strict=False))))


def _json_lines(text: str, path: Path) -> Iterator[Row | Fault]:
    for place, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            yield place, FileRefused("row_not_json")
            continue
        yield _row(place, _by_column(record)) if isinstance(record, dict) else (place, FileRefused("row_not_json"))


def _markdown(text: str, path: Path) -> Iterator[Row | Fault]:
    """Yield a row for each heading of the level that holds the questions; a shallower heading names their topic."""
    headings: list[tuple[int, int, str]] = []
    lines = text.split("\n")
    fenced = False
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        found = None if fenced else _HEADING.match(line)
        if found and normalise(found[2]):
            headings.append((number, len(found[1]), found[2]))
    if not headings:
        raise FileRefused("import_no_heading", path=path)
    asked = _level_of_questions([level for _, level, _ in headings])
    topic = ""
    for at, (number, level, title) in enumerate(headings):
        if level < asked:
            topic = title
        elif level == asked:
            end = next((line for line, other, _ in headings[at + 1 :] if other <= asked), len(lines))
            fields = {"question": _LIST_MARK.sub("", title), "answer": "\n".join(lines[number + 1 : end])}
            yield _row(number + 1, {**fields, "topic": topic})


def _level_of_questions(levels: list[int]) -> int:
    if 2 in levels:
        return 2
    return max(set(levels), key=lambda level: (levels.count(level), -level))


def _plain_list(text: str, path: Path) -> Iterator[Row | Fault]:
    for place, line in enumerate(text.split("\n"), start=1):
        if normalise(line):
            yield _row(place, {"question": _LIST_MARK.sub("", line)})
