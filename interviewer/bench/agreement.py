"""How well marks and verdicts agree: weighted kappa, rank correlation, F1, intervals. Pure numbers, no grader."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from interviewer.grading.scoring import BANDS

Numbers = Sequence[float]
ROUNDS = 1000


def banded(marks: Numbers) -> list[int]:
    """Return the band of each mark of 0 to 100 as a number, 0 (poor) to 4 (excellent)."""
    least = sorted(edge for edge, _ in BANDS)
    return [sum(mark >= edge for edge in least) - 1 for mark in marks]


def weighted_kappa(one: Sequence[int], other: Sequence[int], classes: int = 5) -> float:
    """Return the quadratically weighted kappa of two ratings (Cohen 1968): 1 full agreement, 0 as by chance.

    Two raters who both give everything the same class agree fully.
    """
    counts = np.zeros((classes, classes))
    np.add.at(counts, (np.asarray(one, dtype=int), np.asarray(other, dtype=int)), 1)
    steps = np.arange(classes)
    weights = (steps[:, None] - steps[None, :]) ** 2
    chance = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(1.0, counts.sum())
    expected = float((weights * chance).sum())
    return 1.0 - float((weights * counts).sum()) / expected if expected else 1.0


def spearman(one: Numbers, other: Numbers) -> float:
    """Return Spearman's rank correlation, ties sharing their mean rank; 0 where a side does not vary."""
    return pearson(_ranks(one), _ranks(other))


def pearson(one: Numbers, other: Numbers) -> float:
    """Return the linear correlation; 0 where a side does not vary."""
    left, right = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if len(left) < 2 or not left.std() or not right.std():
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def _ranks(values: Numbers) -> Numbers:
    _, place, counts = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return list((ends - (counts - 1) / 2)[place])


def f1(given: Sequence[str], wanted: Sequence[str], label: str) -> float:
    """Return the F1 of one label; 0 where it is neither given nor wanted."""
    both = sum(g == w == label for g, w in zip(given, wanted, strict=True))
    either = sum(g == label for g in given) + sum(w == label for w in wanted)
    return 2 * both / either if either else 0.0


def macro_f1(given: Sequence[str], wanted: Sequence[str], labels: Sequence[str]) -> float:
    """Return the mean F1 of the labels."""
    return sum(f1(given, wanted, label) for label in labels) / len(labels)


def interval(groups: Sequence[str], measure: Callable[[list[int]], float], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a measure of row numbers, whole groups drawn with replacement.

    Rows of one group (the replies to one question) are not independent of each other, so groups are what is drawn.
    """
    rows: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        rows.setdefault(group, []).append(number)
    names = list(rows)
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(ROUNDS):
        drawn = chance.integers(0, len(names), len(names))
        found.append(measure([row for n in drawn for row in rows[names[int(n)]]]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
