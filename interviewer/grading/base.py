"""What a grader is, and what every grader's verdicts go through before they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from interviewer.grading.form import is_echo, is_keyword_list
from interviewer.records import FoundMisconception, PointVerdict, Rubric, Verdict
from interviewer.text import find_quote, normalise

# Characters that a quote needs, a shorter reply's own number aside.
SHORTEST_QUOTE = 3


@dataclass(frozen=True)
class Assessment:
    """A grader's verdicts on one reply, one per point of the rubric and in its order."""

    points: tuple[PointVerdict, ...]
    misconceptions: tuple[FoundMisconception, ...] = ()
    prompt: str = ""
    model: str = ""


class Grader(Protocol):
    """Judges a reply against a rubric; raises an InterviewerError when it cannot."""

    @property
    def name(self) -> Literal["offline", "llm"]:
        """Which of the two kinds it is."""
        ...

    def assess(self, rubric: Rubric, reply: str) -> Assessment:
        """Return the verdicts on this reply."""
        ...


def verified(rubric: Rubric, reply: str, points: Sequence[PointVerdict]) -> tuple[PointVerdict, ...]:
    """Return the verdicts in the rubric's order, each with a quote of the reply's own words, or `missing`.

    A quote that does not occur in the reply (width, case and punctuation ignored), that only repeats the question, or
    that is too short to say anything, counts for nothing. A point without a verdict, or with two that differ, is
    missing.
    """
    by_id: dict[str, list[PointVerdict]] = {}
    for judged in points:
        by_id.setdefault(judged.id, []).append(judged)
    shortest = min(SHORTEST_QUOTE, len(normalise(reply)))
    result = []
    for point in rubric.points:
        given = by_id.get(point.id, [])
        agreed = given[0] if len({one.verdict for one in given}) == 1 else None
        quote = find_quote(agreed.quote, reply) if agreed and agreed.verdict is not Verdict.MISSING else None
        if agreed is None or not quote or len(normalise(quote)) < shortest or is_echo(quote, rubric.question):
            verdict, quote = Verdict.MISSING, ""
        else:
            verdict = agreed.verdict
        kept: dict[str, object] = {"verdict": verdict, "quote": quote}
        if agreed:
            kept |= {"reason": agreed.reason, "confidence": agreed.confidence}
        result.append(PointVerdict.model_validate({"id": point.id, "text": point.text, "weight": point.weight, **kept}))
    return tuple(result)


def only_lists_keywords(rubric: Rubric, reply: str) -> bool:
    """Return whether the reply strings words together where the reference makes claims."""
    return is_keyword_list(reply) and not is_keyword_list(rubric.answer)
