"""Fit the offline grader's coefficients: `python -m training.fit_offline` writes offline.toml.

Rows are the points of the labelled replies that relation.py has not seen (half of the training part of
`knowledge/replies`), with the verdict that the readers agreed on. The bank's own lines are left to relation.py: a line
said alone is right or wrong every other time, which is not how replies are. Needs scikit-learn (extra `train`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from interviewer.bank import load
from interviewer.bench import replies
from interviewer.bench.agreement import banded, weighted_kappa
from interviewer.bench.replies import Labelled
from interviewer.embeddings import Embeddings
from interviewer.encoder import EmbeddedE5, Matrix
from interviewer.grading import relation
from interviewer.grading.features import Features, Space, center, extract, names, units, with_claims
from interviewer.grading.judge import CONTEXT, context
from interviewer.grading.scoring import score
from interviewer.records import PointVerdict, Verdict
from interviewer.settings import packaged
from training.relation import halves

OUT = Path(__file__).parent.parent / "interviewer" / "grading" / "offline.toml"
LABELS = sorted(verdict.value for verdict in Verdict)
SMOOTH = 1.0


@dataclass
class Table:
    """Rows of features with their verdicts; `reply` numbers the reply that a row is of, `group` is its question."""

    values: list[dict[str, float]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    reply: list[int] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    point: list[str] = field(default_factory=list)

    def add(self, features: Features, verdict: Verdict, reply: int, group: str, point: str) -> None:
        """Append a row."""
        self.point.append(point)
        self.values.append(features.values())
        self.verdicts.append(verdict.value)
        self.reply.append(reply)
        self.group.append(group)


def of_replies(rows: Sequence[Labelled], embeddings: Embeddings, middle: Matrix) -> Table:
    """Return a row for every point of the replies."""
    made = Table()
    for number, row in enumerate(track(rows, "replies")):
        passages = units(row.reply, row.rubric.question)
        if not passages:
            continue
        rubric = with_claims(row.rubric)
        space = Space(rubric, embeddings, middle, keep=True)
        found = extract(rubric, space, passages, embeddings.encoder.passages(passages), relation.shipped())
        for point, features in zip(rubric.points, found, strict=True):
            if point.says and point.denies and point.id in row.verdicts:
                made.add(features, row.verdicts[point.id], number, row.group, point.id)
    return made


def in_context(table: Table, first: np.ndarray) -> np.ndarray:
    """Return what the first model's probabilities (rows, verdicts) of a reply's other points come to, row by row."""
    told = [{Verdict(name): float(row[n]) for n, name in enumerate(LABELS)} for row in first]
    together: dict[int, list[int]] = {}
    for number, reply in enumerate(table.reply):
        together.setdefault(reply, []).append(number)
    made = np.zeros((len(told), len(CONTEXT)))
    for rows in together.values():
        for at, number in enumerate(rows):
            made[number] = list(context([told[row] for row in rows], at).values())
    return made


@dataclass
class Fitted:
    """A softmax on raw values, and its probabilities for the rows of questions left out (five folds)."""

    names: Sequence[str]
    intercepts: np.ndarray
    weights: np.ndarray
    left_out: np.ndarray

    def toml(self, name: str) -> list[str]:
        """Return the lines of the file for this model."""
        lines = ["", f"[{name}.intercepts]"]
        lines += [f"{label} = {self.intercepts[n]:.6f}" for n, label in enumerate(LABELS)]
        for n, label in enumerate(LABELS):
            lines += ["", f"[{name}.weights.{label}]"]
            lines += [f"{value} = {weight:.6f}" for value, weight in zip(self.names, self.weights[n], strict=True)]
        return lines


def fit(named: Sequence[str], values: np.ndarray, verdicts: Sequence[str], groups: Sequence[str]) -> Fitted:
    """Return the softmax of these rows."""
    mean, deviation = values.mean(axis=0), values.std(axis=0) + 1e-9
    scaled = (values - mean) / deviation
    model = LogisticRegression(C=SMOOTH, max_iter=3000)
    told = cross_val_predict(model, scaled, np.array(verdicts), groups=groups, cv=GroupKFold(5), method="predict_proba")
    model.fit(scaled, verdicts)
    coefficients = model.coef_ / deviation
    return Fitted(named, model.intercept_ - coefficients @ mean, coefficients, told)


def leaning(probabilities: np.ndarray, table: Table, rows: Sequence[Labelled]) -> dict[str, float]:
    """Return the factor of each verdict for which the highest product agrees best with the readers.

    That is the sum of the macro-F1 of the verdicts and the weighted kappa of the scores that follow from them.
    """
    factors = dict.fromkeys(LABELS, 1.0)
    for _ in range(2):
        for label in LABELS:
            tried = {}
            for factor in (0.4, 0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0):
                made = chosen(probabilities, factors | {label: factor})
                tried[factor] = f1_score(table.verdicts, made, average="macro") + scored(made, table, rows)
            factors[label] = max(tried, key=lambda one: tried[one])
    return factors


def scored(made: Sequence[str], table: Table, rows: Sequence[Labelled]) -> float:
    """Return the weighted kappa of the scores of these verdicts with the readers' marks."""
    told: dict[int, dict[str, Verdict]] = {}
    for verdict, point, reply in zip(made, table.point, table.reply, strict=True):
        told.setdefault(reply, {})[point] = Verdict(verdict)
    given, wanted = [], []
    for reply, verdicts in told.items():
        points = [
            PointVerdict(id=p.id, text=p.text, weight=p.weight, verdict=verdicts.get(p.id, Verdict.MISSING))
            for p in rows[reply].rubric.points
        ]
        given.append(score(points, clarity=0).value)
        wanted.append(rows[reply].mark)
    return weighted_kappa(banded(given), banded(wanted))


def chosen(probabilities: np.ndarray, factors: Mapping[str, float]) -> list[str]:
    """Return the verdict with the highest product of probability and factor in each row."""
    return [LABELS[n] for n in (probabilities * np.array([factors[name] for name in LABELS])).argmax(axis=1)]


def main(embeddings: Embeddings | None = None) -> None:
    """Fit both models and write the coefficients with the digest of what they come from."""
    console = Console()
    knowledge = packaged("knowledge")
    bank = load(knowledge)
    embeddings = embeddings or Embeddings(EmbeddedE5(), knowledge / "vectors")
    middle = center(embeddings, [point.text for question in bank for point in question.points])
    _, rows = halves(replies.own(knowledge, bank, "train"))
    said = of_replies(rows, embeddings, middle)
    values = np.array([list(row.values()) for row in said.values])
    alone = fit(names(), values, said.verdicts, said.group)
    around = np.hstack([values, in_context(said, alone.left_out)])
    together = fit([*names(), *CONTEXT], around, said.verdicts, said.group)
    factors = leaning(together.left_out, said, rows)
    made = chosen(together.left_out, factors)
    console.print(f"rows by verdict: {dict(Counter(said.verdicts))}")
    for label in LABELS:
        f1 = f1_score(said.verdicts, made, labels=[label], average="macro")
        console.print(f"{label}: F1 {f1:.3f} on questions left out")
    console.print(f"weighted kappa of the scores: {scored(made, said, rows):.3f} on questions left out")
    digest = hashlib.sha256("".join(row.reply for row in rows).encode() + bank.digest.encode()).hexdigest()[:16]
    text = [
        "# Coefficients of the offline grader, written by `python -m training.fit_offline`; do not edit by hand.",
        f'data = "{digest}"',
        f"rows = {len(values)}",
        "",
        "[lean]",
        *(f"{name} = {factors[name]}" for name in LABELS),
        *alone.toml("alone"),
        *together.toml("together"),
    ]
    OUT.write_text("\n".join(text) + "\n", encoding="utf-8")
    console.print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
