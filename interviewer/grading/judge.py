"""From the features of all points of a reply to a verdict on each: two small softmax models, one after the other.

The first looks at a point alone. The second also sees what the first made of the reply's other points: who turns three
claims round has more likely turned the fourth round as well than who got three right.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from interviewer.grading.features import Features
from interviewer.records import Verdict

# A passage that one wrong line holds to this share, and right lines clearly less, is that wrong line.
COPIED, CLEARLY = 0.9, 0.1
# How much of a passage must be a right line to be that line, or a right line's clause for one turned word to be seen.
REPEATED, TURNED = 0.8, 0.6
CONTEXT = ("others_wrong", "others_said", "others_worst")

Values = Mapping[str, float]
Probabilities = dict[Verdict, float]


class Softmax(BaseModel):
    """An intercept and a weight for each named value, for every verdict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercepts: Mapping[Verdict, float]
    weights: Mapping[Verdict, Values]

    def probabilities(self, values: Values) -> Probabilities:
        """Return the probability of each verdict; they add up to 1."""
        heights = {
            verdict: self.intercepts[verdict] + sum(weight * values[name] for name, weight in of.items())
            for verdict, of in self.weights.items()
        }
        highest = max(heights.values())
        raised = {verdict: math.exp(height - highest) for verdict, height in heights.items()}
        total = sum(raised.values())
        return {verdict: value / total for verdict, value in raised.items()}


class Judge(BaseModel):
    """Both models, and `lean`, which multiplies the probabilities before the highest is taken.

    Where the readers' verdicts are rare, the plain highest would all but never name them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alone: Softmax
    together: Softmax
    lean: Mapping[Verdict, float]

    def verdicts(self, found: Sequence[Features]) -> list[tuple[Verdict, float]]:
        """Return a verdict on each point of one reply, and how sure it is, 0 to 1."""
        values = [features.values() for features in found]
        first = [self.alone.probabilities(one) for one in values]
        second = [self.together.probabilities({**one, **context(first, number)}) for number, one in enumerate(values)]
        return [self._verdict(features, told) for features, told in zip(found, second, strict=True)]

    def _verdict(self, features: Features, told: Probabilities) -> tuple[Verdict, float]:
        leaning = {verdict: told[verdict] * self.lean[verdict] for verdict in Verdict}
        verdict = max(Verdict, key=lambda one: leaning[one])
        sure = leaning[verdict] / sum(leaning.values())
        # What all but repeats a line of the bank, or turns one round at a word, needs no model to be told.
        if features.turned >= TURNED:
            return Verdict.CONTRADICTED, 1.0
        if verdict is not Verdict.MISSING and features.copied >= COPIED and features.lean_words <= -CLEARLY:
            return Verdict.CONTRADICTED, 1.0
        if features.repeated >= REPEATED and features.lean_words >= CLEARLY:
            return Verdict.MET, 1.0
        return verdict, sure


def context(first: Sequence[Probabilities], number: int) -> dict[str, float]:
    """Return what the other points of the reply look like: the share said that is wrong, the share said, the worst."""
    others = [told for at, told in enumerate(first) if at != number]
    said = sum(1 - told[Verdict.MISSING] for told in others)
    wrong = [told[Verdict.CONTRADICTED] for told in others]
    shares = (sum(wrong) / (said + 0.5), said / len(others) if others else 0.0, max(wrong, default=0.0))
    return dict(zip(CONTEXT, shares, strict=True))


class OfflineModel(Judge):
    """The fitted coefficients, with the digest of the labelled replies and the bank they come from, and the rows."""

    data: str
    rows: int


@cache
def fitted() -> OfflineModel:
    """Return the coefficients that are shipped beside this file."""
    return OfflineModel.model_validate(tomllib.loads((Path(__file__).parent / "offline.toml").read_text("utf-8")))
