"""What the offline grader sees: a reply cut into units, and numbers that relate the units to each key point."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from interviewer.bank import KeyPoint
from interviewer.check import has_term
from interviewer.embeddings import Embeddings, point_texts
from interviewer.encoder import Matrix
from interviewer.grading.form import is_echo
from interviewer.grading.relation import OPPOSITE, OTHER, SAME, Relation
from interviewer.records import Rubric
from interviewer.text import bigrams, clauses, containment, normalise, sentences

MAX_UNITS = 160
_SHORTEST, _LONGEST = 10, 36
# What naming all of a point's terms is worth, in cosine, when the passage that speaks of the point is looked for.
NAMED = 0.2
# How many lines a rubric needs before its own mean counts as much as the bank's.
_SHRINK = 20
# Where a speaker draws breath: before these words, or at a space.
_PAUSE = re.compile(
    r"\s|然后|所以|因为|但是|不过|而且|另外|还有|就是|其次|第[一二三四五]|如果|这样|比如|再[就一]|那么|最后"
)
_NEGATION = re.compile(
    r"不(?!同|仅|但|断|过|少|妨|管|论|太?清楚)|没有?|无(?!论|限|偏|监督|关紧要)|未|非(?!常|线性)|别|免|\bnot?\b|n't\b|never|without",
    re.I,
)
_OPPOSITES = tuple(
    tuple(re.compile(side, re.IGNORECASE) for side in pair.split("/"))
    for pair in (
        "增大|变大|增加|提高|升高|放大|更大|更高|最大|最多/减小|变小|减少|降低|缩小|更小|更低|最小|最少",
        "训练/测试|推理|预测|上线|评估",
        "大于|超过|高于/小于|低于|不足",
        "之前|先|前面/之后|再|后面",
        "加快|更快|变快|加速/变慢|更慢|减慢",
        "容易|敏感/困难|不敏感|鲁棒",
        "可学习|学出来|学习得到|跟着.{0,6}训练/固定|人工设|手工|超参数",
        "L1|lasso/L2|ridge|岭",
        "拉普拉斯|laplace/高斯|正态|gauss",
        "稀疏/稠密|平滑",
        "当前批|这一批|batch 的|小批量/滑动平均|移动平均|running|整个数据集|全部数据",
        "过拟合/欠拟合",
        "方差/偏差",
    )
)


APART = ("unit", "copied", "repeated", "turned")


@dataclass(frozen=True)
class Features:
    """The numbers that the verdict on one point is computed from.

    `unit` is the passage that is nearest to it; `copied` is the share of that passage that one wrong line holds;
    `repeated` is how much of it is a right line word for word, `turned` the same of a right line's clause of which one
    word is turned round. These four do not enter the models.
    """

    unit: str
    copied: float
    repeated: float
    turned: float
    near: float
    support: float
    text: float
    margin: float
    terms: float
    words: float
    lean: float
    lean_nearest: float
    lean_words: float
    flipped: float
    opposite: float
    same_right: float
    same_wrong: float
    against: float
    apart: float
    best_right: float
    best_wrong: float

    def values(self) -> dict[str, float]:
        """Return the numbers by their names."""
        return {name: float(getattr(self, name)) for name in names()}


def names() -> list[str]:
    """Return the names of the numbers."""
    return [field.name for field in fields(Features) if field.name not in APART]


def units(reply: str, question: str) -> list[str]:
    """Return the passages of a reply that can carry a claim, in order, without those that only repeat the question."""
    found: list[str] = []
    for sentence in sentences(reply):
        carry = ""
        for clause in (piece for whole in clauses(sentence) for piece in _breaths(whole)):
            if carry and len(normalise(carry + clause)) > _LONGEST:
                found.append(carry)
                carry = ""
            carry += clause
            if len(normalise(carry)) >= _SHORTEST:
                found.append(carry)
                carry = ""
        if carry:
            found.append(carry)
    return [unit for unit in found if not is_echo(unit, question)][:MAX_UNITS]


def _breaths(clause: str) -> list[str]:
    """Return a clause, one without punctuation for longer than a breath cut where speech would pause."""
    if len(normalise(clause)) <= 2 * _LONGEST:
        return [clause]
    pieces, rest = [], clause
    while len(rest) > _LONGEST:
        cuts = [found.start() for found in _PAUSE.finditer(rest, _SHORTEST, _LONGEST)]
        at = cuts[-1] if cuts else _LONGEST
        pieces.append(rest[:at])
        rest = rest[at:]
    return [*pieces, rest]


def center(embeddings: Embeddings, texts: Sequence[str]) -> Matrix:
    """Return the mean vector of these texts, shape (dimension,): E5's cosines lie in a narrow band around it."""
    return np.asarray(embeddings.passages(texts).mean(axis=0), dtype=np.float32)


def with_claims(rubric: Rubric) -> Rubric:
    """Return the rubric in which each misconception's claim is one more wrong line of the point that it contradicts."""
    claims = {point.id: [m.claim for m in rubric.misconceptions if m.point == point.id] for point in rubric.points}
    points = tuple(
        point.model_copy(update={"denies": tuple(dict.fromkeys([*point.denies, *claims[point.id]]))})
        for point in rubric.points
    )
    return rubric.model_copy(update={"points": points})


class Space:
    """The lines of one rubric as centred unit vectors."""

    def __init__(self, rubric: Rubric, embeddings: Embeddings, middle: Matrix, keep: bool) -> None:
        texts = [text for point in rubric.points for text in point_texts(point)]
        vectors = embeddings.passages(texts, keep=keep)
        own = len(texts) / (len(texts) + _SHRINK)
        self._middle = (1 - own) * middle + own * vectors.mean(axis=0)
        rows = self.centred(vectors)
        self.right: list[Matrix] = []
        self.wrong: list[Matrix] = []
        at = 0
        for point in rubric.points:
            right, wrong = 1 + len(point.says), len(point.denies)
            self.right.append(rows[at : at + right])
            self.wrong.append(rows[at + right : at + right + wrong])
            at += right + wrong

    def without(self, number: int, line: int) -> Space:
        """Return the space in which a point lacks one of its lines (text, says, denies, in this order)."""
        other = copy.copy(self)
        right = len(self.right[number])
        side, at = ("right", line) if line < right else ("wrong", line - right)
        rows = list(getattr(self, side))
        rows[number] = np.delete(rows[number], at, axis=0)
        setattr(other, side, rows)
        return other

    def centred(self, vectors: Matrix) -> Matrix:
        """Return the rows moved to the middle and made unit again."""
        moved = vectors - self._middle
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def extract(
    rubric: Rubric, space: Space, passages: Sequence[str], vectors: Matrix, relation: Relation
) -> list[Features]:
    """Return the features of every point of the rubric against the passages of a reply and their vectors.

    A passage is one unit or two that stand side by side; the pair's vector is the mean of its units'.
    """
    said = _Said(passages, vectors, space)
    found = [_nearest(rubric, space, said, number) for number in range(len(rubric.points))]
    return _related(rubric, found, relation)


def nearest(rubric: Rubric, space: Space, passages: Sequence[str], vectors: Matrix) -> list[str]:
    """Return for every point the passage of the reply that is nearest to it."""
    said = _Said(passages, vectors, space)
    return [str(_nearest(rubric, space, said, number)["unit"]) for number in range(len(rubric.points))]


def left_out(rubric: Rubric, space: Space, line: str, vector: Matrix, relation: Relation) -> Features:
    """Return the features of a point's own line, said alone, as if the point did not have it."""
    number = next(n for n, point in enumerate(rubric.points) if line in (*point.says, *point.denies))
    point = rubric.points[number]
    kept = {name: tuple(text for text in getattr(point, name) if text != line) for name in ("says", "denies")}
    points = (*rubric.points[:number], point.model_copy(update=kept), *rubric.points[number + 1 :])
    without = space.without(number, point_texts(point).index(line))
    said = _Said([line], vector[None], without)
    found = _nearest(rubric.model_copy(update={"points": points}), without, said, number)
    return _related(rubric.model_copy(update={"points": (points[number],)}), [found], relation)[0]


class _Said:
    """The passages of a reply and their neighbouring pairs, as vectors of a rubric's space."""

    def __init__(self, passages: Sequence[str], vectors: Matrix, space: Space) -> None:
        self.passages = passages
        self.spans = [*passages, *(f"{left}{right}" for left, right in zip(passages, passages[1:], strict=False))]
        self.rows = space.centred(np.concatenate([vectors, (vectors[:-1] + vectors[1:]) / 2]))
        self.flat = [normalise(span) for span in self.spans]
        self.near = np.stack([(self.rows @ right.T).mean(axis=1) for right in space.right])  # (points, spans)


def _nearest(rubric: Rubric, space: Space, said: _Said, number: int) -> dict[str, Any]:
    """Return the features of one point that need no model of relations."""
    point, spans, near = rubric.points[number], said.spans, said.near
    # Each line of the point has its own view; wrong lines point to a passage as well as right ones do.
    right, wrong = space.right[number], space.wrong[number]
    far = (said.rows @ wrong.T).mean(axis=1) if len(wrong) else np.full(len(spans), -1.0)
    groups = _groups(point, rubric.question)
    named = np.array([_share(groups, span) for span in said.flat])
    best = int(np.argmax(np.maximum(near[number], far) + NAMED * named))
    others = np.delete(near[:, best], number)
    return dict(
        unit=spans[best],
        copied=max((containment(spans[best], line) for line in point.denies), default=0.0),
        repeated=max(_alike(spans[best], line) for line in (point.text, *point.says)),
        turned=_turned(said.passages, point, rubric.question),
        near=float(near[number, best]),
        support=float(near[number].max() - near[number, best]),
        text=float((said.rows @ right[0]).max()),
        margin=float(near[number, best] - others.max()) if len(others) else 0.3,
        terms=_term_share(point, groups, _around(said.passages, spans, best)),
        words=max(containment(point.text, span) for span in spans),
        lean=float(near[number, best] - far[best]) if len(wrong) else 0.0,
        lean_nearest=_lean_nearest(said.rows[best], right, wrong),
        lean_words=_lean_words(point, spans[best]),
        flipped=float(negations(spans[best]) % 2 != negations(point.text) % 2),
        opposite=float(_opposed(spans[best], point.text, rubric.question)),
    )


def _related(rubric: Rubric, found: Sequence[dict[str, Any]], relation: Relation) -> list[Features]:
    """Return whole features: each point's passage held against each of its right and wrong lines."""
    lines = [((point.text, *point.says), point.denies) for point in rubric.points]
    pairs = [(row["unit"], line) for row, sides in zip(found, lines, strict=True) for side in sides for line in side]
    logits, at, made = relation.logits(pairs), 0, []
    for row, (right, wrong) in zip(found, lines, strict=True):
        on_right = logits[at : at + len(right)]
        on_wrong = logits[at + len(right) : at + len(right) + len(wrong)]
        at += len(right) + len(wrong)
        made.append(Features(**(row | _relations(on_right, on_wrong))))
    return made


def _relations(right: Matrix, wrong: Matrix) -> dict[str, float]:
    """Return what the relations (lines, 3: same, opposite, other) to right and wrong lines come to."""
    lean_right = right[:, SAME] - right[:, OPPOSITE]
    lean_wrong = wrong[:, SAME] - wrong[:, OPPOSITE] if len(wrong) else np.zeros(1, dtype=np.float32)
    both = np.concatenate([right, wrong])
    about = np.logaddexp(both[:, SAME], both[:, OPPOSITE])
    return {
        "same_right": float(lean_right.mean()),
        "same_wrong": float(lean_wrong.mean()),
        "against": float(lean_right.mean() - lean_wrong.mean()),
        "apart": float((both[:, OTHER] - about).mean()),
        "best_right": float(lean_right.max()),
        "best_wrong": float(lean_wrong.max()),
    }


def _alike(one: str, other: str) -> float:
    """Return the share of the character pairs of both that they have in common (Jaccard)."""
    left, right = bigrams(one), bigrams(other)
    return len(left & right) / len(left | right) if left | right else 0.0


def _turned(passages: Sequence[str], point: KeyPoint, question: str) -> float:
    """Return how much of a unit is a clause of a right line, of units that say the reverse of that clause.

    The reverse: a word of negation more or less, or one side of a pair of opposites for the other.
    """
    claims = [part for line in (point.text, *point.says) for part in {line, *clauses(line)}]
    reverse = 0.0
    for unit in passages:
        nearest = max(claims, key=lambda claim: _alike(unit, claim))
        alike = _alike(unit, nearest)
        if alike > reverse and (negations(unit) % 2 != negations(nearest) % 2 or _opposed(unit, nearest, question)):
            reverse = alike
    return reverse


def _around(passages: Sequence[str], spans: Sequence[str], best: int) -> str:
    at = best if best < len(passages) else best - len(passages)
    return "".join(passages[max(0, at - 1) : at + 3])


def _groups(point: KeyPoint, question: str) -> list[list[str]]:
    """Return the term groups of a point, normalised, without those that the question itself names."""
    groups = [group for group in point.terms if not has_term(question, group)] or list(point.terms)
    return [[normalise(wording) for wording in group] for group in groups]


def _share(groups: Sequence[Sequence[str]], flat: str) -> float:
    named = sum(any(wording and wording in flat for wording in group) for group in groups)
    return named / len(groups) if groups else 0.0


def _term_share(point: KeyPoint, groups: Sequence[Sequence[str]], window: str) -> float:
    return _share(groups, normalise(window)) if groups else containment(point.text, window)


def _lean_nearest(row: Matrix, right: Matrix, wrong: Matrix) -> float:
    return float((right @ row).max() - (wrong @ row).max()) if len(wrong) else 0.0


def _lean_words(point: KeyPoint, unit: str) -> float:
    if not point.denies:
        return 0.0
    right = max(containment(unit, line) for line in (point.text, *point.says))
    return right - max(containment(unit, line) for line in point.denies)


def negations(text: str) -> int:
    """Return how many words of negation a text holds."""
    return len(_NEGATION.findall(text))


def _opposed(unit: str, claim: str, question: str) -> bool:
    for left, right in _OPPOSITES:
        if right.search(question) and left.search(question):
            continue
        for one, other in ((left, right), (right, left)):
            said, meant = (
                (bool(one.search(unit)), bool(other.search(unit))),
                (bool(one.search(claim)), bool(other.search(claim))),
            )
            if said == (True, False) and meant == (False, True):
                return True
    return False
