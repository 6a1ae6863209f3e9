"""The grader that asks a model for a verdict, a reason and a quote per key point."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from interviewer.bank import KeyPoint
from interviewer.errors import InterviewerError, LlmError
from interviewer.grading.base import Assessment, Grader, verified
from interviewer.grading.form import is_echo
from interviewer.llm import Llm
from interviewer.prompts import Prompt, fence, render
from interviewer.records import FoundMisconception, PointVerdict, Rubric, Verdict
from interviewer.text import find_quote

# How often a doubtful point is put to the model in all, and what is left of its confidence where the other grader
# holds the opposite.
VOTES = 3
AT_ODDS = 0.7
_OPPOSED = (Verdict.MISSING, Verdict.CONTRADICTED)
_LEAST_FIRST = (Verdict.CONTRADICTED, Verdict.MISSING, Verdict.PARTIAL, Verdict.MET)


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
    that it cannot guess. A point that the model calls half met, or judges the other way round than `second` does, is
    put to it again, up to three times in all, and the verdicts are voted on.
    """

    name: Literal["llm"] = "llm"

    def __init__(self, llm: Llm, second: Grader | None = None) -> None:
        self._llm, self._second = llm, second

    def assess(self, rubric: Rubric, reply: str) -> Assessment:
        """Return the model's verdicts, each held to a quote of the reply; LlmError when it gives none."""
        prompt, judgement = self._asked(rubric, rubric.points, reply, 0)
        first = verified(rubric, reply, _verdicts(rubric, judgement))
        other = self._opinion(rubric, reply)
        votes = {point.id: [point] for point in first}
        self._vote(rubric, reply, votes, other)
        points = tuple(_elected(votes[point.id], other.get(point.id)) for point in first)
        return Assessment(
            points=points,
            misconceptions=_misconceptions(rubric, reply, judgement.misconceptions),
            prompt=prompt.digest,
            model=self._llm.model,
        )

    def _vote(
        self, rubric: Rubric, reply: str, votes: dict[str, list[PointVerdict]], other: Mapping[str, Verdict]
    ) -> None:
        for turn in range(1, VOTES):
            doubtful = tuple(point for point in rubric.points if _doubtful(votes[point.id], other.get(point.id)))
            if not doubtful:
                return
            try:
                _, judgement = self._asked(rubric, doubtful, reply, turn)
            except LlmError:
                return  # what the first answer said stands, with the confidence of a vote that was not held
            part = rubric.model_copy(update={"points": doubtful})
            for judged in verified(part, reply, _verdicts(part, judgement)):
                votes[judged.id].append(judged)

    def _opinion(self, rubric: Rubric, reply: str) -> dict[str, Verdict]:
        if self._second is None:
            return {}
        try:
            return {point.id: point.verdict for point in self._second.assess(rubric, reply).points}
        except InterviewerError:
            return {}

    def _asked(self, rubric: Rubric, points: Sequence[KeyPoint], reply: str, turn: int) -> tuple[Prompt, _Judgement]:
        shown = [{"id": point.id, "claim": point.text} for point in points]
        random.Random(f"{turn or ''}{reply}").shuffle(shown)
        known = {point.id for point in points}
        wrong = [
            {"number": number, "claim": m.claim} for number, m in enumerate(rubric.misconceptions) if m.point in known
        ]
        prompt = render(
            "grade",
            question=rubric.question,
            points=json.dumps(shown, ensure_ascii=False, indent=1),
            misconceptions=json.dumps(wrong, ensure_ascii=False, indent=1),
            reply=fence(reply, secrets.token_hex(8)),
        )
        return prompt, self._llm.ask(prompt, _Judgement)


def _verdicts(rubric: Rubric, judgement: _Judgement) -> list[PointVerdict]:
    known = {point.id: point for point in rubric.points}
    return [
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


def _doubtful(votes: Sequence[PointVerdict], other: Verdict | None) -> bool:
    verdicts = [vote.verdict for vote in votes]
    if len(votes) == 1:
        return verdicts[0] is Verdict.PARTIAL or _at_odds(verdicts[0], other)
    return len(set(verdicts)) == len(verdicts)


def _at_odds(verdict: Verdict, other: Verdict | None) -> bool:
    return (verdict is Verdict.MET and other in _OPPOSED) or (verdict in _OPPOSED and other is Verdict.MET)


def _elected(votes: Sequence[PointVerdict], other: Verdict | None) -> PointVerdict:
    """Return the vote of the majority, the middle one where all differ; two that differ leave the lower."""
    verdicts = [vote.verdict for vote in votes]
    most = max(verdicts, key=verdicts.count)
    ordered = sorted(votes, key=lambda vote: _LEAST_FIRST.index(vote.verdict))
    chosen = next(v for v in votes if v.verdict is most) if verdicts.count(most) > 1 else ordered[(len(votes) - 1) // 2]
    share = verdicts.count(chosen.verdict) / len(votes)
    unsettled = 0.5 if len(votes) == 1 and _doubtful(votes, other) else share
    confidence = unsettled * (AT_ODDS if _at_odds(chosen.verdict, other) else 1.0)
    return chosen.model_copy(update={"confidence": round(confidence, 2)})


def _misconceptions(rubric: Rubric, reply: str, stated: list[_Stated]) -> tuple[FoundMisconception, ...]:
    found: dict[int, FoundMisconception] = {}
    for item in stated:
        quote = find_quote(item.quote, reply)
        if quote and not is_echo(quote, rubric.question) and 0 <= item.number < len(rubric.misconceptions):
            m = rubric.misconceptions[item.number]
            found[item.number] = FoundMisconception(claim=m.claim, correction=m.correction, point=m.point, quote=quote)
    return tuple(found[number] for number in sorted(found))
