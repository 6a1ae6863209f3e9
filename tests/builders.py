"""Small makers of the values that tests of grading and of interviews are about, and a scripted model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from interviewer.bank import Bank, FollowUp, KeyPoint, Question, Topic
from interviewer.grading.scoring import score
from interviewer.prompts import Prompt
from interviewer.records import Aside, Grade, Interview, Outcome, Plan, PointVerdict, Rubric, Turn, Verdict

MET, PARTIAL, MISSING, CONTRADICTED = Verdict.MET, Verdict.PARTIAL, Verdict.MISSING, Verdict.CONTRADICTED
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def read_replies() -> list[dict[str, str]]:
    """Return the labelled replies: question, kind, reply."""
    lines = (Path(__file__).parent / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def judged(verdict: Verdict, weight: int = 3, point: str = "p", text: str = "要点", quote: str = "") -> PointVerdict:
    return PointVerdict(id=point, text=text, weight=weight, verdict=verdict, quote=quote)


def grade(*points: PointVerdict, **fields: object) -> Grade:
    """Return a grade with these verdicts and the score that follows from them."""
    values = {"feedback": "", "grader": "offline", "rubric": "0" * 16, "seconds": 0.0, **fields}
    return Grade(points=points, score=score(points, clarity=80), **values)


def key_point(point: str, text: str, weight: int = 3, **fields: object) -> KeyPoint:
    return KeyPoint(id=point, text=text, weight=weight, **fields)


def question(slug: str = "one", points: tuple[KeyPoint, ...] = (), follow_ups: tuple[FollowUp, ...] = ()) -> Question:
    """Return a question of the topic `first`."""
    return Question(
        id=f"first/{slug}",
        topic="first",
        question=f"说说{slug}是怎么回事？",
        level=1,
        kind="concept",
        brief="简要",
        answer="完整答案。",
        points=points or (key_point("a", "第一个要点的全部内容"),),
        follow_ups=follow_ups,
    )


def small_bank(*questions: Question) -> Bank:
    return Bank([Topic(id="first", zh="第一", en="First")], questions)


def turn(number: int, asked: str, outcome: Outcome | None = None, reply: str | None = None, **fields: object) -> Turn:
    """Return a turn; one with a grade has a reply."""
    said = fields.pop("said", "请讲。")
    hinted = tuple(Aside(said=words, rung=1) for words in fields.pop("hints", ()))
    reply = "回答" if reply is None and isinstance(outcome, Grade) else reply
    return Turn(number=number, question=asked, said=said, reply=reply, outcome=outcome, **{"asides": hinted, **fields})


def interview(*turns: Turn, questions: tuple[str, ...] = (), follow_ups: int = 2, language: str = "zh") -> Interview:
    """Return an interview that stands at the last of these turns."""
    planned = questions or tuple(dict.fromkeys(t.question for t in turns))
    plan = Plan(questions=planned, follow_ups=follow_ups, language=language, seed=1)
    return Interview(id="test", plan=plan, started=NOON, turns=turns)


def rubric_of(*texts: str, question: str = "说说它的原理？") -> Rubric:
    """Return a rubric of must-points p1, p2, … with these texts."""
    points = tuple(key_point(f"p{number}", text) for number, text in enumerate(texts, start=1))
    return Rubric(question=question, answer="。".join(texts), points=points)


class ScriptedLlm:
    """Answers in the order given: a dictionary to `ask`, pieces of text to `stream`.

    An exception among them is raised where it stands. Asked more often than it has answers, it fails the test, whatever
    the code under test catches.
    """

    model = "scripted"

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.prompts: list[Prompt] = []

    def ask(self, prompt: Prompt, schema: type[BaseModel]) -> BaseModel:
        answer = self._next(prompt)
        if isinstance(answer, Exception):
            raise answer
        return schema.model_validate_json(json.dumps(answer), strict=True)

    def stream(self, prompt: Prompt) -> Iterator[str]:
        for piece in self._next(prompt):
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def _next(self, prompt: Prompt) -> object:
        self.prompts.append(prompt)
        if not self._answers:
            pytest.fail("the scripted model was asked once more than the script says")
        return self._answers.pop(0)
