"""Feedback in words, made from the verdicts alone: no praise and no blame that a verdict does not support."""

from __future__ import annotations

from collections.abc import Mapping

from interviewer.grading.base import Assessment
from interviewer.grading.scoring import core_points
from interviewer.records import PointVerdict, Score, Verdict
from interviewer.text import normalise
from interviewer.words import say

_QUOTED = 40


def feedback(assessment: Assessment, score: Score, language: str) -> str:
    """Return two or three sentences: what stands, what to correct first, what is missing."""
    parts = []
    core = core_points(assessment.points)
    by_weight = sorted(assessment.points, key=lambda point: -point.weight)
    met = [point for point in by_weight if point.verdict is Verdict.MET]
    wrong = [point for point in by_weight if point.verdict is Verdict.CONTRADICTED]
    open_ = [point for point in by_weight if point.verdict in (Verdict.MISSING, Verdict.PARTIAL) and point in core]
    parts.append(
        say(language, "feedback.met", count=len(met), total=len(by_weight)) if met else say(language, "feedback.none")
    )
    if score.cap == "keyword_list":
        parts.append(say(language, "feedback.keyword_list"))
    if wrong:
        correction = next((m.correction for m in assessment.misconceptions if m.point == wrong[0].id), wrong[0].text)
        if normalise(correction) in normalise(wrong[0].quote):  # a verdict that its own quote speaks against
            correction = say(language, "feedback.look_again")
        parts.append(say(language, "feedback.wrong", quote=_short(wrong[0]), correction=correction))
    if open_:
        key = "feedback.partial" if open_[0].verdict is Verdict.PARTIAL else "feedback.missing"
        parts.append(say(language, key, point=open_[0].text))
    elif not wrong:
        parts.append(say(language, "feedback.complete"))
    return ("" if language == "zh" else " ").join(parts)


def explained(assessment: Assessment, language: str) -> tuple[PointVerdict, ...]:
    """Return the verdicts with one sentence each on what was right, what was wrong and how it is, or what is missing.

    A reason that the grader gave stands; the others are made from the verdict, the quote and the bank's own words.
    """
    corrections = {m.point: m.correction for m in assessment.misconceptions}
    return tuple(
        point if point.reason else point.model_copy(update={"reason": _reason(point, corrections, language)})
        for point in assessment.points
    )


def _reason(point: PointVerdict, corrections: Mapping[str, str], language: str) -> str:
    values = {"quote": _short(point), "point": point.text}
    if point.verdict is Verdict.CONTRADICTED:
        values["point"] = corrections.get(point.id, point.text)
    return say(language, f"feedback.point_{point.verdict}", **values)


def _short(point: PointVerdict) -> str:
    return point.quote if len(point.quote) <= _QUOTED else point.quote[:_QUOTED] + "…"
