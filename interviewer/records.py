"""The values of one interview: what was asked, replied, judged and scored. All frozen; a change is a new value."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from interviewer.bank import FollowUp, KeyPoint, Misconception, Question
from interviewer.words import Language


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(StrEnum):
    """What a reply says about one key point."""

    MET = "met"
    PARTIAL = "partial"
    MISSING = "missing"
    CONTRADICTED = "contradicted"


class Rubric(_Record):
    """What a reply is graded against: a question, its reference answer and its key points."""

    question: str
    answer: str
    points: tuple[KeyPoint, ...]
    misconceptions: tuple[Misconception, ...] = ()

    @property
    def digest(self) -> str:
        """Hash of everything that grading reads; a grade keeps it, so that an edited question is noticed."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @classmethod
    def of_question(cls, question: Question) -> Rubric:
        """Make the rubric of a question of the bank."""
        return cls(
            question=question.question,
            answer=question.answer,
            points=question.points,
            misconceptions=question.misconceptions,
        )

    @classmethod
    def of_musts(cls, question: Question) -> Rubric:
        """Make the rubric of a reply in one sentence: the must-points of a question of the bank."""
        whole = cls.of_question(question)
        musts = tuple(point for point in question.points if point.weight == max(p.weight for p in question.points))
        return whole.model_copy(update={"points": musts})

    @classmethod
    def of_follow_up(cls, follow_up: FollowUp) -> Rubric:
        """Make the rubric of an authored follow-up: its own points."""
        return cls(question=follow_up.ask, answer=follow_up.answer, points=follow_up.points)

    @classmethod
    def of_point(cls, question: Question, point_id: str) -> Rubric:
        """Make the rubric of a probe: the one point of the question that was asked after."""
        points = tuple(point for point in question.points if point.id == point_id)
        wrong = tuple(m for m in question.misconceptions if m.point == point_id)
        return cls(question=question.question, answer=question.answer, points=points, misconceptions=wrong)


class PointVerdict(_Record):
    """The verdict on one key point; `quote` occurs in the reply word for word, empty when the point is missing.

    `confidence` is the grader's own, 0 to 1: a fitted probability, or the share of votes. `hinted` is the share of the
    point's credit that the hints on it cost, 0 to 1.
    """

    id: str
    text: str
    weight: int
    verdict: Verdict
    quote: str = ""
    reason: str = ""
    confidence: float = 1.0
    hinted: float = 0.0


class FoundMisconception(_Record):
    """A wrong belief that the reply states."""

    claim: str
    correction: str
    point: str
    quote: str


class Dimensions(_Record):
    """Four views of the same verdicts, each 0 to 100; they explain the score and do not enter it."""

    correctness: int
    coverage: int
    depth: int
    clarity: int


Band = Literal["excellent", "good", "fair", "weak", "poor"]
Cap = Literal["", "contradicted", "keyword_list"]


class Score(_Record):
    """A score of 0 to 100, its band, and whether a contradicted must-point or the reply's form capped it.

    `hints` is what the hints cost of it, in marks.
    """

    value: Annotated[int, Field(ge=0, le=100)]
    band: Band
    dimensions: Dimensions
    cap: Cap = ""
    hints: int = 0


class Grade(_Record):
    """A graded reply: the verdicts, the score computed from them, and how it came about.

    `fallback` is the reason why the offline grader stood in for the endpoint, empty when it did not; `seconds` is the
    time that grading took; `prompt` and `rubric` are digests; `verbatim` marks a reply that is the reference itself.
    """

    kind: Literal["grade"] = "grade"
    points: tuple[PointVerdict, ...]
    misconceptions: tuple[FoundMisconception, ...] = ()
    score: Score
    feedback: str
    grader: Literal["offline", "llm"]
    model: str = ""
    fallback: str = ""
    prompt: str = ""
    rubric: str
    seconds: float
    verbatim: bool = False

    @property
    def confidence(self) -> float:
        """The mean confidence of the verdicts, each counted by its point's weight; 0 to 1."""
        total = sum(point.weight for point in self.points)
        return sum(point.confidence * point.weight for point in self.points) / total if total else 1.0

    def verdict(self, point_id: str) -> Verdict:
        """Return the verdict on a point; KeyError when the grade has none."""
        return {point.id: point.verdict for point in self.points}[point_id]


class Ungraded(_Record):
    """A reply that no grader could grade, and why; it can be graded again."""

    kind: Literal["ungraded"] = "ungraded"
    reason: str


class Skipped(_Record):
    """A question that the candidate passed over."""

    kind: Literal["skipped"] = "skipped"


Outcome = Annotated[Grade | Ungraded | Skipped, Field(discriminator="kind")]


class Aside(_Record):
    """What was said between a question and its reply: a hint, a question back, a correction of something earlier.

    `text` is the candidate's, empty for a hint that a button asked for; `said` is the interviewer's, empty until it is
    said. A hint names its key point and its rung on the ladder, 1 to 3; with rung 0 the aside is no hint. `fallback`
    is why the rules stood in for the model in understanding it.
    """

    text: str = ""
    intent: str = "hint"
    said: str = ""
    point: str = ""
    rung: int = 0
    fallback: str = ""


class Turn(_Record):
    """One question put to the candidate and what came of it.

    `follow_up` is the number of an authored follow-up of the question; `point` is the key point that a probe is after;
    with neither it is the question itself. `form` is how a follow-up asks (`moves.Form`), empty for a question. `said`
    is what the interviewer said to ask it, `fallback` why the authored words stood in for the model's, empty when they
    did not. `intent` is what the reply was taken for; a correction also changes what it corrects.
    """

    number: int
    question: str
    follow_up: int | None = None
    point: str = ""
    form: str = ""
    said: str
    fallback: str = ""
    asides: tuple[Aside, ...] = ()
    reply: str | None = None
    intent: str = "answer"
    outcome: Outcome | None = None

    @property
    def is_main(self) -> bool:
        """Whether this turn asks the question itself."""
        return self.follow_up is None and not self.point

    @property
    def is_open(self) -> bool:
        """Whether this turn waits for a reply."""
        return self.reply is None and self.outcome is None

    @property
    def hints(self) -> tuple[Aside, ...]:
        """The hints that were given on this turn, in order."""
        return tuple(aside for aside in self.asides if aside.rung)


Mode = Literal["practice", "exam", "drill", "quick"]
MODES: tuple[Mode, ...] = ("practice", "exam", "drill", "quick")
Persona = Literal["friendly", "neutral", "tough"]
PERSONAS: tuple[Persona, ...] = ("neutral", "friendly", "tough")


class DrillItem(_Record):
    """One follow-up to practise by itself: an authored one by its number, or the key point to speak to."""

    question: str
    follow_up: int | None = None
    point: str = ""


class Plan(_Record):
    """What an interview is to be: its questions in order, follow-ups a question, its language and its manner.

    A drill has its items in place of questions. An exam gives no hints and no feedback before its end, and ends after
    `minutes` (0: no clock).
    """

    questions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    follow_ups: int = 2
    language: Language = "zh"
    seed: int
    mode: Mode = "practice"
    persona: Persona = "neutral"
    minutes: int = 0
    drill: tuple[DrillItem, ...] = ()


class Interview(_Record):
    """One interview so far; `id` is unguessable and is all that a client holds."""

    id: str
    plan: Plan
    started: datetime
    turns: tuple[Turn, ...] = ()
    ended: datetime | None = None

    @property
    def last(self) -> Turn:
        """The turn that the interview stands at."""
        return self.turns[-1]

    @property
    def keeps_quiet(self) -> bool:
        """Whether feedback waits for the end: in an exam that is still on."""
        return self.plan.mode == "exam" and self.ended is None


class QuestionReport(_Record):
    """How one question went; `score` is None when no reply to it could be graded."""

    question: str
    text: str
    topic: str
    score: int | None
    main: int | None
    follow_ups: tuple[int, ...] = ()
    hints: int = 0
    skipped: bool = False
    ungraded: str = ""


class Study(_Record):
    """One key point worth studying: missed, half said or contradicted."""

    question: str
    text: str
    point: str
    verdict: Verdict
    correction: str = ""


class Report(_Record):
    """What an interview came to; `total` is the mean of its question scores, None when nothing was graded.

    `graders` names what graded the replies, `fallbacks` every stand-in that happened and why; `summary` is the
    interviewer's own, in two sentences.
    """

    interview: str
    ended: bool
    total: int | None
    band: Band | None
    questions: tuple[QuestionReport, ...]
    study: tuple[Study, ...]
    graders: tuple[str, ...]
    fallbacks: tuple[str, ...]
    summary: str = ""
