"""The grader that needs no network: features of the reply, two small logistic models, coefficients in offline.toml.

The first model says whether the reply addresses a point, the second whether what addresses it contradicts it. Both
are fitted by `python -m training.fit_offline` on the bank's own `says` and `denies`, each line left out of the point
that it is tried on. A point without such lines (of a reference that a user brings) is judged by a plain rule: shared
words and nearness of meaning.
"""

from __future__ import annotations

import math
import threading
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from interviewer.bank import Bank, KeyPoint
from interviewer.embeddings import Embeddings
from interviewer.encoder import Matrix
from interviewer.grading.base import Assessment, verified
from interviewer.grading.features import Features, Space, center, extract, names, negations, units, with_claims
from interviewer.records import FoundMisconception, PointVerdict, Rubric, Verdict
from interviewer.text import clauses, containment, find_quote, sentences

# How much more of a passage's character pairs must be a right line's than a wrong line's, or the reverse.
NEAR_COPY = 0.35
# A passage that one wrong line holds to this share, and right lines clearly less, is that wrong line.
COPIED, CLEARLY = 0.9, 0.1


class Logistic(BaseModel):
    """A logistic model: an intercept and a weight for each named feature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Features) -> float:
        """Return the probability of these features, 0 to 1."""
        pairs = zip(names(), features.vector(), strict=True)
        return 1 / (1 + math.exp(-self.intercept - sum(self.weights[name] * value for name, value in pairs)))


class Judge(BaseModel):
    """The two models, and the probabilities from which a verdict holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    met: float
    partial: float
    contradicted: float
    addressed_by: Logistic
    contradicted_by: Logistic

    def verdict(self, features: Features) -> Verdict:
        """Return the verdict on a point with these features."""
        addressed = self.addressed_by.probability(features)
        if addressed < self.partial:
            return Verdict.MISSING
        # A passage that all but repeats a right or a wrong line needs no model to tell which of them it is.
        if features.copied >= COPIED and features.lean_words <= -CLEARLY:
            contradicts = True
        elif abs(features.lean_words) >= NEAR_COPY:
            contradicts = features.lean_words < 0
        else:
            contradicts = self.contradicted_by.probability(features) >= self.contradicted
        if contradicts:
            return Verdict.CONTRADICTED
        return Verdict.MET if addressed >= self.met else Verdict.PARTIAL


class OfflineModel(Judge):
    """The fitted coefficients, with the digest of the bank they come from and the number of rows."""

    data: str
    rows: int


@cache
def fitted() -> OfflineModel:
    """Return the coefficients that are shipped beside this file."""
    return OfflineModel.model_validate(tomllib.loads((Path(__file__).parent / "offline.toml").read_text("utf-8")))


def plain_verdict(point: KeyPoint, features: Features, reply: str) -> Verdict:
    """Return the verdict on a point of which only the text is known.

    Its strength is mostly the share of the point's character pairs that the reply repeats, and only the nearness of
    meaning when reply and point are in different languages.
    """
    meaning = min(1.0, max(0.0, (features.text - 0.2) / 0.6))
    same_language = _is_chinese(point.text) == _is_chinese(reply)
    strength = 0.8 * containment(point.text, reply) + 0.2 * meaning if same_language else meaning
    if strength < 0.4:
        return Verdict.MISSING
    said = [clause for sentence in sentences(reply) for clause in clauses(sentence)]
    nearest = max(said, key=lambda clause: containment(point.text, clause))
    flipped = negations(nearest) % 2 != negations(point.text) % 2
    if (flipped and containment(point.text, nearest) >= 0.6) or (features.opposite and features.words >= 0.5):
        return Verdict.CONTRADICTED
    return Verdict.MET if strength >= 0.7 else Verdict.PARTIAL


def _is_chinese(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return sum("\u4e00" <= c <= "\u9fff" for c in letters) >= 0.2 * len(letters)


def _in_reply(unit: str, claim: str, passages: Sequence[str], reply: str) -> str:
    """Return the unit, or its half nearer to the claim when an echo of the question stood between the halves."""
    if find_quote(unit, reply):
        return unit
    return max((passage for passage in passages if passage in unit), key=lambda passage: containment(claim, passage))


class OfflineGrader:
    """Grades without a network; the same reply gets the same verdicts every time."""

    name: Literal["offline"] = "offline"
    CLAIMED = 0.36

    def __init__(self, bank: Bank, embeddings: Embeddings, model: OfflineModel | None = None) -> None:
        self._bank, self._embeddings = bank, embeddings
        self._model = model or fitted()
        self._middle: Matrix | None = None
        self._lock = threading.Lock()

    def assess(self, rubric: Rubric, reply: str) -> Assessment:
        """Return the verdicts; EncoderFault when the encoder gives no vectors."""
        return self._assess(with_claims(rubric), reply)

    def _assess(self, rubric: Rubric, reply: str) -> Assessment:
        passages = units(reply, rubric.question)
        if not passages:
            return Assessment(points=verified(rubric, reply, []))
        from_bank = any(point.says for point in rubric.points)
        space = Space(rubric, self._embeddings, self._center(), keep=from_bank)
        vectors = self._embeddings.encoder.passages(passages)
        judged = []
        for point, features in zip(rubric.points, extract(rubric, space, passages, vectors), strict=True):
            if point.says and point.denies:
                verdict = self._model.verdict(features)
            else:
                verdict = plain_verdict(point, features, reply)
            quote = _in_reply(features.unit, point.text, passages, reply) if verdict is not Verdict.MISSING else ""
            judged.append(
                PointVerdict(id=point.id, text=point.text, weight=point.weight, verdict=verdict, quote=quote.strip())
            )
        points = verified(rubric, reply, judged)
        return Assessment(points=points, misconceptions=self._misconceptions(rubric, points))

    def warm_up(self) -> None:
        """Load what the first reply would wait for: the encoder and the bank's vectors."""
        self._center()
        self._embeddings.encoder.passages(["准备好了"])

    def _center(self) -> Matrix:
        with self._lock:
            if self._middle is None:
                self._middle = center(self._embeddings, [p.text for q in self._bank for p in q.points])
            return self._middle

    def _misconceptions(self, rubric: Rubric, points: tuple[PointVerdict, ...]) -> tuple[FoundMisconception, ...]:
        """Return the misconceptions whose point was contradicted in nearly their own words."""
        found = []
        for m in rubric.misconceptions:
            wrong = next((p for p in points if p.id == m.point and p.verdict is Verdict.CONTRADICTED), None)
            if wrong and containment(m.claim, wrong.quote) >= self.CLAIMED:
                found.append(
                    FoundMisconception(claim=m.claim, correction=m.correction, point=m.point, quote=wrong.quote)
                )
        return tuple(found)
