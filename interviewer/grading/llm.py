"""The grader that asks a model for a verdict, a reason and a quote per key point."""

from __future__ import annotations

import json
import random
import secrets
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from interviewer.grading.base import Assessment, verified
from interviewer.grading.form import is_echo
from interviewer.llm import Llm
from interviewer.prompts import fence, render
from interviewer.records import FoundMisconception, PointVerdict, Rubric, Verdict
from interviewer.text import find_quote


class _Judged(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    reason: str = Field(max_length=600)
    quote: str = Field(max_length=2000)
    verdict: Verdict


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int
    quote: str = Field(max_length=2000)


class _Judgement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    points: list[_Judged]
    misconceptions: list[_Stated]


class LlmGrader:
    """Grades by a model; the score is computed from its verdicts by code and never asked of it.

    The points stand in the prompt word for word, in an order shuffled by the reply, and the reply between delimiters
    that it cannot guess.
    """

    name: Literal["llm"] = "llm"

    def __init__(self, llm: Llm) -> None:
        self._llm = llm

    def assess(self, rubric: Rubric, reply: str) -> Assessment:
        """Return the model's verdicts, each held to a quote of the reply; LlmError when it gives none."""
        points = [{"id": point.id, "claim": point.text} for point in rubric.points]
        random.Random(reply).shuffle(points)
        wrong = [{"number": number, "claim": m.claim} for number, m in enumerate(rubric.misconceptions)]
        prompt = render(
            "grade",
            question=rubric.question,
            points=json.dumps(points, ensure_ascii=False, indent=1),
            misconceptions=json.dumps(wrong, ensure_ascii=False, indent=1),
            reply=fence(reply, secrets.token_hex(8)),
        )
        judgement = self._llm.ask(prompt, _Judgement)
        known = {point.id: point for point in rubric.points}
        judged = [
            PointVerdict(
                id=j.id,
                text=known[j.id].text,
                weight=known[j.id].weight,
                verdict=j.verdict,
                quote=j.quote,
                reason=j.reason,
            )
            for j in judgement.points
            if j.id in known
        ]
        return Assessment(
            points=verified(rubric, reply, judged),
            misconceptions=_misconceptions(rubric, reply, judgement.misconceptions),
            prompt=prompt.digest,
            model=self._llm.model,
        )


def _misconceptions(rubric: Rubric, reply: str, stated: list[_Stated]) -> tuple[FoundMisconception, ...]:
    found: dict[int, FoundMisconception] = {}
    for item in stated:
        quote = find_quote(item.quote, reply)
        if quote and not is_echo(quote, rubric.question) and 0 <= item.number < len(rubric.misconceptions):
            m = rubric.misconceptions[item.number]
            found[item.number] = FoundMisconception(claim=m.claim, correction=m.correction, point=m.point, quote=quote)
    return tuple(found[number] for number in sorted(found))
