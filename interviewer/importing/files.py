"""Rows to question files in a user's bank folder, and what about each of them needs a human eye."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomli_w

from interviewer.bank import Bank, KeyPoint, Question
from interviewer.check import check_question
from interviewer.errors import DataFolderError, FileRefused, InterviewerError
from interviewer.grading.reference import MAX_POINTS, claims
from interviewer.importing.draft import Draft
from interviewer.importing.rows import Row
from interviewer.text import normalise, sentences

Outcome = Literal["written", "exists", "unanswered", "refused"]
IMPORTED = "imported"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LINES = ("terms", "says", "denies")
_LONGEST_SLUG = 60
_LONGEST_LINE = 400
_BRIEF = 120
_POINTS = range(3, 8)


@dataclass(frozen=True)
class Entry:
    """What became of one row: `id` is its question's, or that of the question with the same wording.

    `look` names what a person should mend, `fault` says why nothing was written.
    """

    row: Row
    outcome: Outcome
    id: str = ""
    look: tuple[str, ...] = ()
    fault: InterviewerError | None = None


@dataclass
class Folder:
    """A user's bank folder that question files are written into, one whole file at a time, none ever overwritten."""

    path: Path
    bank: Bank
    _topics: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = {normalise(q.question): q.id for q in self.bank}
        self._taken = {q.id for q in self.bank}

    def existing(self, row: Row) -> str:
        """Return the id of the question with the same wording, an empty string when there is none."""
        return self._known.get(normalise(row.question), "")

    def place(self, row: Row) -> str:
        """Return the id that a row would get; FileRefused when its own id is no slug, or is taken."""
        topic = self._topic(row.topic)
        if row.id:
            slug = row.id.rpartition("/")[2]
            if not _SLUG.fullmatch(slug) or row.id not in (slug, f"{topic}/{slug}"):
                raise FileRefused("import_bad_id", id=row.id[:80])
            if f"{topic}/{slug}" in self._taken:
                raise FileRefused("import_taken_id", id=f"{topic}/{slug}")
            return f"{topic}/{slug}"
        base = f"{topic}/{slug_of(row.question)}"
        numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, len(self._taken) + 3))
        return next(i for i in numbered if i not in self._taken and not self._file(i).exists())

    def write(self, question: Question) -> Path:
        """Write a question as a file; DataFolderError when it cannot be written."""
        path = self._file(question.id)
        try:
            self._write_topics(question.topic)
            _write_whole(path, tomli_w.dumps(_plain(question), multiline_strings=True))
        except OSError as error:
            raise DataFolderError("data_folder", path=self.path, reason=error.strerror) from error
        self.keep(question)
        return path

    def keep(self, question: Question) -> None:
        """Count a question as there, so that a later row cannot take its wording or its id."""
        self._known[normalise(question.question)] = question.id
        self._taken.add(question.id)

    def _file(self, question_id: str) -> Path:
        return self.path / "questions" / f"{question_id}.toml"

    def _topic(self, named: str) -> str:
        """Return the id of the topic that a row names by id or title; a new one where the bank has none such."""
        wanted = normalise(named)
        for topic in self.bank.topics:
            if wanted and wanted in (normalise(topic.id), normalise(topic.zh), normalise(topic.en)):
                return topic.id
        if not wanted:
            return IMPORTED
        made = slug_of(named).replace("-", "_")
        self._topics[made] = named[:80]
        return made

    def _write_topics(self, used: str) -> None:
        """Add the topic of a question to the folder's topics.toml, unless the bank has it already."""
        own = {topic.id: topic for topic in self.bank.topics}
        path = self.path / "topics.toml"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if used in own or f'id = "{used}"' in text:
            return
        title = self._topics.get(used, "")
        zh, en = (title, title) if title else ("导入的题目", "Imported questions")
        added = "[[topics]]\n" + tomli_w.dumps({"id": used, "zh": zh, "en": en})
        _write_whole(path, f"{text.rstrip()}\n\n{added}".lstrip(), replace=True)


def slug_of(text: str) -> str:
    """Return an ASCII slug of a wording: its Latin words, the pinyin of its Chinese ones, or a hash of it."""
    from pypinyin import lazy_pinyin  # 0.3 s, only when something is imported

    words = re.findall(r"[a-z0-9]+", " ".join(lazy_pinyin(text)).lower())
    slug = "-".join(words)[:_LONGEST_SLUG].strip("-")
    return slug or f"q-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def question_of(row: Row, question_id: str, draft: Draft | None = None) -> Question:
    """Return an unreviewed question from a row's own answer, split into points, or from a draft.

    FileRefused when the answer holds no claim, or too many to be one answer.
    """
    topic = question_id.partition("/")[0]
    common: dict[str, Any] = {"id": question_id, "topic": topic, "question": row.question, "level": row.level}
    common |= {"kind": "concept", "reviewed": False}
    if draft is not None:
        points = tuple(_drafted(draft))
        return Question(**common, brief=draft.brief, answer=draft.answer, points=points)
    found = claims(row.answer)
    if not found:
        raise FileRefused("reference_empty")
    if len(found) > MAX_POINTS:
        raise FileRefused("import_many_points", points=len(found), most=MAX_POINTS)
    points = tuple(KeyPoint(id=f"p{n}", text=text, weight=3) for n, text in enumerate(found, start=1))
    return Question(**common, brief=_brief(row.answer), answer=row.answer, points=points)


def to_mend(question: Question, drafted: bool) -> tuple[str, ...]:
    """Return the names of what a person should look at in an imported question."""
    found = ["drafted"] if drafted else []
    if len(question.points) not in _POINTS:
        found.append("points")
    fields = {fault.field.split(".")[0].split("[")[0] for fault in check_question(question)}
    found += [name for name in ("answer", "aliases", "misconceptions", "follow_ups") if name in fields]
    if any(not point.says or not point.denies for point in question.points):
        found.append("says")
    if any(not point.terms for point in question.points):
        found.append("terms")
    return tuple(found)


def _drafted(draft: Draft) -> Iterable[KeyPoint]:
    for number, point in enumerate(draft.points, start=1):
        lines = {name: tuple(_line(text) for text in getattr(point, name) if normalise(text)) for name in _LINES}
        yield KeyPoint(
            id=f"p{number}",
            text=_line(point.text),
            weight=point.weight,
            terms=(lines["terms"],) if lines["terms"] else (),
            says=lines["says"],
            denies=lines["denies"],
        )


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_LINE]


def _brief(answer: str) -> str:
    brief = ""
    for sentence in claims(answer) or sentences(answer):
        if brief and len(brief) + len(sentence) > _BRIEF:
            break
        brief += f"{sentence}。"
    return brief[:_LONGEST_LINE]


def _plain(question: Question) -> dict[str, Any]:
    """Return the fields of a question file, without those that the path gives and those that are empty."""
    fields = question.model_dump(mode="json", exclude={"id", "topic", "origin"})
    kept = {name: value for name, value in fields.items() if value not in ("", [])}
    kept["points"] = [{k: v for k, v in point.items() if v != []} for point in fields["points"]]
    return kept


def _write_whole(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a file whole or not at all; FileExistsError when it is there, unless it may be replaced."""
    if path.exists() and not replace:
        raise FileExistsError(errno.EEXIST, "exists", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
