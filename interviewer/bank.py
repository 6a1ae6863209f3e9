"""The bank: questions with their reference answers, key points, misconceptions and follow-ups, from TOML files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import tomli  # the standard library's parser, compiled: the files load in half the time
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interviewer.errors import BankError, Fault, NotFound
from interviewer.text import normalise

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Line = Annotated[str, Field(min_length=1, max_length=400)]
Terms = Annotated[tuple[Line, ...], Field(min_length=1)]
DEEPER = "deeper"
MAX_FILE = 1_000_000


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class KeyPoint(_Entry):
    """One claim of the reference answer, gradable alone.

    `weight` is 3 (must), 2 (should) or 1 (bonus); each group of `terms` is one concept with its wordings; `says` are
    right wordings of candidates, `denies` fluent wrong ones.
    """

    id: Slug
    text: Line
    weight: Literal[1, 2, 3]
    terms: tuple[Terms, ...] = ()
    says: tuple[Line, ...] = ()
    denies: tuple[Line, ...] = ()


class Misconception(_Entry):
    """A wrong belief that candidates state with confidence, and its correction; `point` is the point it contradicts."""

    claim: Line
    correction: Line
    point: Slug


class FollowUp(_Entry):
    """A question after the reply: aimed at the point `when`, or `deeper` once all must-points are met."""

    ask: Line
    when: Slug
    answer: str = Field(min_length=1)
    points: tuple[KeyPoint, ...] = Field(min_length=1)


class Question(_Entry):
    """One question of the bank with all that is needed to ask and to grade it.

    `origin` tells a file that a user brought, whose text is never shown as markup, from one of the program's own;
    `reviewed` is false until a person has read the answer.
    """

    id: str
    topic: str
    origin: Literal["shipped", "user"] = "shipped"
    question: Line
    aliases: tuple[Line, ...] = ()
    level: Literal[1, 2, 3]
    kind: Literal["concept", "compare", "derive", "code"]
    sources: tuple[str, ...] = ()
    brief: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    code: str = ""
    reviewed: bool = True
    points: tuple[KeyPoint, ...] = Field(min_length=1)
    misconceptions: tuple[Misconception, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()

    @property
    def digest(self) -> str:
        """Hash of everything that grading reads; a grade keeps it to know later whether the question was edited."""
        return hashlib.sha256(self.model_dump_json(exclude={"origin"}).encode()).hexdigest()[:16]


class Topic(_Entry):
    """One topic of the taxonomy."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    zh: Line
    en: Line

    def title(self, language: str) -> str:
        """Return the topic's title in `zh` or `en`."""
        return self.en if language == "en" else self.zh


class _Topics(_Entry):
    topics: tuple[Topic, ...] = Field(min_length=1)


class Bank:
    """All topics in their order and all questions, sorted by topic and id."""

    def __init__(self, topics: Iterable[Topic], questions: Iterable[Question]) -> None:
        self.topics = tuple(topics)
        rank = {topic.id: number for number, topic in enumerate(self.topics)}
        ordered = sorted(questions, key=lambda q: (rank[q.topic], q.id))
        self.questions: Mapping[str, Question] = MappingProxyType({q.id: q for q in ordered})
        aliases = {normalise(alias): q for q in reversed(ordered) for alias in q.aliases}
        self._by_text = aliases | {normalise(q.question): q for q in reversed(ordered)}

    def __len__(self) -> int:
        return len(self.questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions.values())

    def get(self, question_id: str) -> Question:
        """Return the question with this id; NotFound names it."""
        found = self.questions.get(question_id)
        if found is None:
            raise NotFound("unknown_question", question=question_id[:80])
        return found

    def find(self, id_or_text: str) -> Question | None:
        """Return the question with this id, or with this wording (width, case and punctuation ignored), or None."""
        return self.questions.get(id_or_text.strip()) or self._by_text.get(normalise(id_or_text))

    def topic(self, topic_id: str) -> Topic:
        """Return the topic with this id; NotFound lists the topics that exist."""
        for topic in self.topics:
            if topic.id == topic_id:
                return topic
        raise NotFound("unknown_topic", topic=topic_id[:80], known=", ".join(t.id for t in self.topics))

    def of_topics(self, topic_ids: Iterable[str]) -> tuple[Question, ...]:
        """Return the questions of these topics, of all topics when none is named; NotFound for an unknown topic."""
        wanted = {self.topic(topic_id).id for topic_id in topic_ids}
        return tuple(q for q in self if not wanted or q.topic in wanted)

    @property
    def digest(self) -> str:
        """Hash of all questions."""
        return hashlib.sha256("".join(q.digest for q in self).encode()).hexdigest()[:16]


def load(folder: Path, *user_folders: Path) -> Bank:
    """Read `topics.toml` and `questions/<topic>/<slug>.toml` below `folder`; BankError carries every fault at once.

    The folders of users have the same form; their topics.toml names only topics that the bank does not have. Files
    whose name begins with an underscore or a dot are no questions and are left out.
    """
    faults: list[Fault] = []
    topics = _read_topics(folder / "topics.toml", faults)
    questions = _read_questions(folder, {topic.id for topic in topics}, faults)
    for own in user_folders:
        if not own.is_dir():
            faults.append(Fault(str(own), "folder", "is no folder"))
            continue
        listed = _read_topics(own / "topics.toml", faults) if (own / "topics.toml").exists() else []
        topics += [topic for topic in listed if topic.id not in {t.id for t in topics}]
        added = _read_questions(own, {topic.id for topic in topics}, faults, own)
        taken = {question.id for question in questions}
        faults += [Fault(f"{own}/questions/{q.id}.toml", "file", "duplicate id") for q in added if q.id in taken]
        questions += [q.model_copy(update={"origin": "user"}) for q in added]
    faults += _duplicates(questions)
    if not questions and not faults:
        faults.append(Fault(str(folder), "questions", "no question files"))
    if faults:
        raise BankError(faults)
    return Bank(topics, questions)


def _read_questions(folder: Path, known: set[str], faults: list[Fault], within: Path | None = None) -> list[Question]:
    """Read the files of one folder; with `within`, a link that leads out of that folder is a fault."""
    questions = []
    for path in sorted((folder / "questions").rglob("*.toml")):
        if path.name.startswith(("_", ".")):
            continue
        if within and not path.resolve().is_relative_to(within.resolve()):
            faults.append(Fault(_shown(path, folder), "file", "leads out of the bank's folder"))
            continue
        question = read_question(path, folder, faults)
        if question is not None:
            if known and question.topic not in known:
                faults.append(Fault(_shown(path, folder), "topic", f"{question.topic!r} is not in topics.toml"))
            questions.append(question)
    return questions


def read_question(path: Path, folder: Path, faults: list[Fault]) -> Question | None:
    """Read one question file; what is wrong with it is appended to `faults`, and None returned."""
    shown = _shown(path, folder)
    raw = _read_toml(path, shown, faults)
    if raw is None:
        return None
    taken = [
        Fault(shown, name, "comes from the file's path; leave it out")
        for name in ("id", "topic", "origin")
        if name in raw
    ]
    parts = path.relative_to(folder / "questions").with_suffix("").parts
    if len(parts) != 2 or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", parts[-1]):
        faults.append(Fault(shown, "file", "must be questions/<topic>/<slug>.toml, the slug in a-z, 0-9 and hyphens"))
        return None
    try:
        question = Question.model_validate({**raw, "topic": parts[0], "id": "/".join(parts)})
    except ValidationError as error:
        faults += taken + _invalid(error, shown)
        return None
    found = taken + _references(question, shown)
    faults += found
    return None if found else question


def _read_topics(path: Path, faults: list[Fault]) -> list[Topic]:
    raw = _read_toml(path, path.name, faults)
    if raw is None:
        return []
    try:
        topics = _Topics.model_validate(raw).topics
    except ValidationError as error:
        faults += _invalid(error, path.name)
        return []
    ids = [topic.id for topic in topics]
    faults += [Fault(path.name, f"topics.{i}", "duplicate topic id") for i in _repeated(ids)]
    return list(topics)


def _read_toml(path: Path, shown: str, faults: list[Fault]) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAX_FILE:
            faults.append(Fault(shown, "file", f"larger than {MAX_FILE} bytes"))
            return None
        return tomli.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        faults.append(Fault(shown, "file", f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        faults.append(Fault(shown, "encoding", f"not UTF-8 (byte {error.start}); save the file as UTF-8"))
    except (ValueError, RecursionError) as error:  # the parser lets through what int() says of 5,000 digits
        faults.append(Fault(shown, "TOML", str(error)))
    return None


def _references(question: Question, shown: str) -> list[Fault]:
    faults = []
    ids = [point.id for point in question.points]
    faults += [Fault(shown, f"points.{i}", "duplicate point id") for i in _repeated(ids)]
    if DEEPER in ids:
        faults.append(Fault(shown, f"points.{DEEPER}", "this id is kept for follow-ups"))
    for number, misconception in enumerate(question.misconceptions):
        if misconception.point not in ids:
            faults.append(Fault(shown, f"misconceptions[{number}].point", f"no point {misconception.point!r}"))
    for number, follow_up in enumerate(question.follow_ups):
        if follow_up.when not in (*ids, DEEPER):
            faults.append(
                Fault(shown, f"follow_ups[{number}].when", f"neither a point nor 'deeper': {follow_up.when!r}")
            )
        if _repeated([point.id for point in follow_up.points]):
            faults.append(Fault(shown, f"follow_ups[{number}].points", "duplicate point id"))
    return faults


def _duplicates(questions: list[Question]) -> list[Fault]:
    seen: dict[str, str] = {}
    faults = []
    for question in questions:
        text = normalise(question.question)
        if text in seen:
            faults.append(Fault(f"questions/{question.id}.toml", "question", f"same wording as {seen[text]}"))
        seen[text] = question.id
    return faults


def _repeated(ids: list[str]) -> list[str]:
    return sorted({i for i in ids if ids.count(i) > 1})


def _invalid(error: ValidationError, shown: str) -> list[Fault]:
    errors = error.errors()
    places = {e["loc"] for e in errors}
    # pydantic calls a list too short when the entries in it are faulty; their own faults are enough.
    followed = {place[:end] for place in places for end in range(len(place))}
    own = [e for e in errors if e["type"] != "too_short" or e["loc"] not in followed]
    return [Fault(shown, _field(e["loc"]), e["msg"]) for e in own]


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _field(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".") or "file"
