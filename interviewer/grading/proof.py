"""The bank tried by grading itself: what its own lines and answers are worth to the offline grader.

A line is tried with itself left out of the grader, an answer against its own points, and what must earn nothing against
the points that it could fool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from interviewer import sandbox
from interviewer.bank import Bank, Question
from interviewer.embeddings import Embeddings, Progress, point_texts
from interviewer.errors import Fault
from interviewer.grading import relation
from interviewer.grading.examiner import Examiner
from interviewer.grading.features import Space, center, left_out, with_claims
from interviewer.grading.judge import Judge, fitted
from interviewer.grading.offline import OfflineGrader
from interviewer.records import Grade, Rubric, Verdict

ANSWER_LEAST, STRANGER_MOST = 90, 20


@dataclass(frozen=True)
class Tried:
    """A line said alone, with itself left out of the grader, and the verdict on its point."""

    question: str
    point: str
    kind: Literal["says", "denies"]
    line: str
    verdict: Verdict

    @property
    def right(self) -> bool:
        """Whether a right line met its point, or a wrong one did not."""
        return (self.verdict is Verdict.MET) == (self.kind == "says")


@dataclass(frozen=True)
class Proof:
    """What was found: files to mend, lines that are judged wrongly, and (right, tries) of each kind of line."""

    faults: tuple[Fault, ...]
    wrong: tuple[Tried, ...]
    lines: dict[str, tuple[int, int]]


def prove(
    bank: Bank,
    topics: Sequence[str],
    grader: OfflineGrader,
    embeddings: Embeddings,
    progress: Progress | None = None,
) -> Proof:
    """Try the shipped questions of these topics, of all when none is named: their code, their lines, their answers."""
    chosen = [question for question in bank.of_topics(topics) if question.origin == "shipped"]
    tried = lines(bank, chosen, embeddings)
    faults: list[Fault] = []
    for done, question in enumerate(chosen, start=1):
        faults += run_code(question) + answers(question, stranger_to(question, bank), grader)
        if progress:
            progress(done, len(chosen))
    counts = {}
    for kind in ("says", "denies"):
        of_kind = [line.right for line in tried if line.kind == kind]
        counts[kind] = (sum(of_kind), len(of_kind))
    return Proof(tuple(faults), tuple(line for line in tried if not line.right), counts)


def run_code(question: Question) -> list[Fault]:
    """Run the code of a question in a process of its own; a fault when it does not end well."""
    ran = sandbox.run(question.code) if question.code else None
    return [_fault(question, "code", ran.fault)] if ran and ran.fault else []


def lines(bank: Bank, questions: Sequence[Question], embeddings: Embeddings, judge: Judge | None = None) -> list[Tried]:
    """Try every `says` and `denies` of these questions and of their follow-ups."""
    judge = judge or fitted()
    middle = center(embeddings, [point.text for question in bank for point in question.points])
    found: list[Tried] = []
    for question in questions:
        for rubric in (with_claims(Rubric.of_question(question)), *map(Rubric.of_follow_up, question.follow_ups)):
            found += _lines(question, rubric, Space(rubric, embeddings, middle, keep=True), embeddings, judge)
    return found


def _lines(question: Question, rubric: Rubric, space: Space, embeddings: Embeddings, judge: Judge) -> Iterator[Tried]:
    kinds: tuple[Literal["says", "denies"], ...] = ("says", "denies")
    claims = {m.claim for m in rubric.misconceptions}
    for point in rubric.points:
        texts = point_texts(point)
        vectors = dict(zip(texts, embeddings.passages(texts), strict=True))
        for kind in kinds:
            own = getattr(point, kind)
            for line in (
                [text for text in own if text not in claims] if len(own) > 1 else ()
            ):  # its only line left out, nothing can be compared
                features = left_out(rubric, space, line, vectors[line], relation.shipped())
                yield Tried(question.id, point.id, kind, line, judge.verdicts([features])[0][0])


def answers(question: Question, stranger: Question, grader: OfflineGrader) -> list[Fault]:
    """Return what is wrong with the marks of a question's own answers, and of an answer to another question."""
    # Without the reference, which would earn its marks by being recited.
    rubric = Rubric.of_question(question).model_copy(update={"answer": ""})
    examiner = Examiner(grader)
    marks = {}
    for name, text in (("answer", question.answer), ("brief", question.brief), ("stranger", stranger.answer)):
        grade = examiner.grade(rubric, text)
        marks[name] = grade.score.value if isinstance(grade, Grade) else -1
    faults = []
    if marks["answer"] < ANSWER_LEAST:
        faults.append(_fault(question, "answer", f"earns {marks['answer']}, at least {ANSWER_LEAST} wanted"))
    if not 0 <= marks["brief"] < max(marks["answer"], 1):
        faults.append(_fault(question, "brief", f"earns {marks['brief']}, the answer {marks['answer']}"))
    if not 0 <= marks["stranger"] <= STRANGER_MOST:
        earned = f"the answer to {stranger.id} earns {marks['stranger']}, at most {STRANGER_MOST} wanted"
        faults.append(_fault(question, "points", earned))
    for number, m in enumerate(question.misconceptions):
        verdicts = {point.id: point.verdict for point in grader.assess(rubric, m.claim).points}
        if verdicts[m.point] is Verdict.MET:
            faults.append(_fault(question, f"misconceptions[{number}]", f"its claim is credited to point {m.point}"))
    return faults


def stranger_to(question: Question, bank: Bank) -> Question:
    """Return a question of another topic, the same one each time."""
    others = [other for other in bank if other.topic != question.topic]
    return others[int(question.digest, 16) % len(others)]


def _fault(question: Question, field: str, message: str) -> Fault:
    return Fault(f"questions/{question.id}.toml", field, message)
