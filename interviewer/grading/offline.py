"""The grader that needs no network: features of the reply, two small softmax models, coefficients in offline.toml.

The models are fitted by `python -m training.fit_offline` on labelled replies (`knowledge/replies`, training part). A
point without right and wrong lines (of a reference that a user brings) is judged by a plain rule: shared words and
nearness of meaning.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Literal

from interviewer.bank import Bank, KeyPoint
from interviewer.embeddings import Embeddings
from interviewer.encoder import Matrix
from interviewer.grading import relation as relations
from interviewer.grading.base import Assessment, verified
from interviewer.grading.features import Features, Space, center, extract, negations, units, with_claims
from interviewer.grading.judge import OfflineModel, fitted
from interviewer.grading.relation import Relation
from interviewer.records import FoundMisconception, PointVerdict, Rubric, Verdict
from interviewer.text import clauses, containment, find_quote, normalise, sentences

# How sure the rule for points without lines is taken to be.
PLAINLY = 0.5


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

    def __init__(
        self, bank: Bank, embeddings: Embeddings, model: OfflineModel | None = None, relation: Relation | None = None
    ) -> None:
        self._bank, self._embeddings, self._relation = bank, embeddings, relation
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
        relation = self._relation or relations.shipped()
        found = extract(rubric, space, passages, vectors, relation)
        # A reply with the whole reference in it: nothing can be said against it.
        reference = normalise(rubric.answer)
        recited = bool(reference) and reference in normalise(reply)
        for point, features, told in zip(rubric.points, found, self._model.verdicts(found), strict=True):
            known = point.says and point.denies
            told = (Verdict.MET, 1.0) if recited else told
            verdict, sure = told if known or recited else (plain_verdict(point, features, reply), PLAINLY)
            quote = _in_reply(features.unit, point.text, passages, reply) if verdict is not Verdict.MISSING else ""
            judged.append(
                PointVerdict(
                    id=point.id,
                    text=point.text,
                    weight=point.weight,
                    verdict=verdict,
                    quote=quote.strip(),
                    confidence=round(sure, 2),
                )
            )
        points = verified(rubric, reply, judged)
        return Assessment(points=points, misconceptions=self._misconceptions(rubric, points))

    def warm_up(self) -> None:
        """Load what the first reply would wait for: the encoder and the bank's vectors."""
        self._center()
        self._embeddings.encoder.passages(["准备好了"])
        relations.shipped()

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
