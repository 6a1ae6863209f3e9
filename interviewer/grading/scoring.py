"""Verdicts to a score. Pure: the same verdicts give the same score, and nothing else enters it."""

from __future__ import annotations

from collections.abc import Sequence

from interviewer.records import Band, Cap, Dimensions, PointVerdict, Score, Verdict

CREDIT = {Verdict.MET: 1.0, Verdict.PARTIAL: 0.5, Verdict.MISSING: 0.0, Verdict.CONTRADICTED: 0.0}
BANDS: tuple[tuple[int, Band], ...] = ((85, "excellent"), (70, "good"), (50, "fair"), (25, "weak"), (0, "poor"))
MUST, BONUS = 3, 1
CONTRADICTED_CAP = (100, 60, 30)
KEYWORD_LIST_CAP = 30
MAIN_SHARE = 0.75


def band(value: int) -> Band:
    """Return the band of a score of 0 to 100."""
    return next(name for least, name in BANDS if value >= least)


def core_points(points: Sequence[PointVerdict]) -> list[PointVerdict]:
    """Return the points that full marks need: those that are no bonus, all of them when every one is."""
    return [point for point in points if point.weight > BONUS] or list(points)


def score(points: Sequence[PointVerdict], clarity: int, keyword_list: bool = False) -> Score:
    """Return the score of a reply from the verdicts on its key points.

    The sum of credit times weight over the weight of all points that are no bonus (of all, when every point is one);
    bonus points add to it, up to 100. A point that was hinted at earns its credit less the hints' share. One
    contradicted must-point caps the score at 60, a second one at 30; a reply that only lists keywords is capped at 30.
    `clarity` (0 to 100) is shown and does not enter the score.
    """
    core = core_points(points)
    whole = sum(point.weight for point in core)
    unaided = round(100 * min(1.0, sum(CREDIT[p.verdict] * p.weight for p in points) / whole))
    earned = sum(CREDIT[p.verdict] * (1 - p.hinted) * p.weight for p in points)
    value = min(unaided, round(100 * min(1.0, earned / whole)))
    contradicted = sum(p.weight == MUST and p.verdict is Verdict.CONTRADICTED for p in points)
    cap: Cap = ""
    limit = CONTRADICTED_CAP[min(contradicted, len(CONTRADICTED_CAP) - 1)]
    if value > limit:
        value, cap = limit, "contradicted"
    if keyword_list and value > KEYWORD_LIST_CAP:
        value, cap = KEYWORD_LIST_CAP, "keyword_list"
    lost = max(0, min(unaided, limit) - value) if cap != "keyword_list" else 0
    return Score(value=value, band=band(value), dimensions=_dimensions(points, core, clarity), cap=cap, hints=lost)


def question_score(main: int, follow_ups: Sequence[int]) -> int:
    """Return the score of a question: three quarters its own reply, one quarter the mean of its follow-ups."""
    if not follow_ups:
        return main
    return round(MAIN_SHARE * main + (1 - MAIN_SHARE) * sum(follow_ups) / len(follow_ups))


def _dimensions(points: Sequence[PointVerdict], core: Sequence[PointVerdict], clarity: int) -> Dimensions:
    addressed = [point for point in points if point.verdict is not Verdict.MISSING]
    right = [point for point in addressed if point.verdict is not Verdict.CONTRADICTED]
    deep = [point for point in points if point.weight < MUST]
    return Dimensions(
        correctness=_share(sum(p.weight for p in right), sum(p.weight for p in addressed)),
        coverage=_share(sum(CREDIT[p.verdict] * p.weight for p in core), sum(p.weight for p in core)),
        depth=_share(sum(CREDIT[p.verdict] for p in deep or core), len(deep or core)),
        clarity=clarity if addressed else 0,
    )


def _share(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0
