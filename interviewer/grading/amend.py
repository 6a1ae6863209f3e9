"""What a candidate takes back: the verdicts of what he said, amended by those of his correction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interviewer.grading.base import Assessment
from interviewer.records import PointVerdict, Verdict
from interviewer.text import sentences

_TAKEN_BACK = re.compile(
    r"说错了|讲错了|说反了|讲反了|口误|我?更正(?:一下)?|纠正一下|我改一下|不对不对|(?:^|[，,。；;\s])(?:哦|啊|呃|嗯)?不对[，,。]|[啊哦]不[，,]|等等[，,]?应该"
    r"|\b(?:i mis-?spoke|correction|let me correct|scratch that|i take that back|actually,? no)\b",
    re.IGNORECASE,
)


def parted(reply: str) -> tuple[str, str] | None:
    """Return what a reply said before it corrected itself and from there on; None when it takes nothing back."""
    found = list(_TAKEN_BACK.finditer(reply))
    if not found:
        return None
    before, after = reply[: found[-1].start()].strip(), reply[found[-1].start() :].strip()
    return (before, after) if sentences(before) and len(after) > found[-1].end() - found[-1].start() + 4 else None


def merged(before: Sequence[PointVerdict], after: Sequence[PointVerdict]) -> tuple[PointVerdict, ...]:
    """Return the verdicts of `before`, each replaced by that of `after` where the correction speaks of the point."""
    corrected = {point.id: point for point in after if point.verdict is not Verdict.MISSING}
    return tuple(
        point
        if point.verdict is Verdict.MET and corrected.get(point.id, point).verdict is Verdict.PARTIAL
        # Half a sentence more on what was said whole takes nothing back.
        else corrected.get(point.id, point)
        for point in before
    )


def amended(before: Assessment, after: Assessment) -> Assessment:
    """Return an assessment as a correction leaves it; a misconception is gone with the statement that held it."""
    points = merged(before.points, after.points)
    right = {point.id for point in points if point.verdict is Verdict.MET}
    stated = tuple(m for m in before.misconceptions if m.point not in right)
    new = tuple(m for m in after.misconceptions if m.claim not in {old.claim for old in stated})
    return replace(before, points=points, misconceptions=(*stated, *new))
