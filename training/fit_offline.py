"""Fit the offline grader's coefficients on the bank: `python -m training.fit_offline` writes offline.toml.

A simulated reply strings together `says` and `denies` of a random part of a question's points. Each line is taken out
of its point first, and a line of the other kind with it, so that their numbers tell nothing; the points are then met,
contradicted or missing by construction. Needs scikit-learn (extra `dev`).
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from interviewer.bank import Bank, KeyPoint, Question, load
from interviewer.embeddings import Embeddings
from interviewer.encoder import EmbeddedE5, Matrix
from interviewer.grading.features import Space, center, extract, names, units, with_claims
from interviewer.records import Rubric
from interviewer.settings import packaged

OUT = Path(__file__).parent.parent / "interviewer" / "grading" / "offline.toml"
SEED = 20261123
MISSING, MET, CONTRADICTED = 0, 1, 2
ROUNDS_MAIN, ROUNDS_FOLLOW_UP = 4, 1
# Probabilities from which a point counts as met and as half met.
MET_FROM, PARTIAL_FROM = 0.65, 0.4
# The share of right lines (left out of the fit) that may be called contradicted; the threshold follows from it.
FALSE_ALARMS = 0.007

Example = tuple[Rubric, str, dict[str, int], str]


def simulate(bank: Bank, rng: random.Random) -> list[Example]:
    """Return (rubric, reply, label of each point, question id) for every question and follow-up of the bank."""
    examples: list[Example] = []
    questions = list(bank)
    for question in questions:
        main = with_claims(Rubric.of_question(question))
        for rubric in (main, *(Rubric.of_follow_up(f) for f in question.follow_ups)):
            for _ in range(ROUNDS_MAIN if rubric is main else ROUNDS_FOLLOW_UP):
                examples.append(_mixed(rubric, question, questions, rng))
            stranger = rng.choice([q for q in questions if q.id != question.id])
            lines = [line for point in stranger.points for line in point.says]
            labels = {point.id: MISSING for point in rubric.points}
            examples.append((rubric, _join(rng.sample(lines, min(5, len(lines)))), labels, question.id))
        examples.append((main, question.answer, {point.id: MET for point in question.points}, question.id))
        # A candidate who has learnt the answer by heart says the points in their own words.
        known = rng.sample(list(question.points), max(1, len(question.points) // 2))
        labels = {point.id: MET if point in known else MISSING for point in question.points}
        examples.append((main, _join([point.text for point in known]), labels, question.id))
    return examples


def _mixed(rubric: Rubric, question: Question, questions: list[Question], rng: random.Random) -> Example:
    labels: dict[str, int] = {}
    lines: list[str] = []
    points: list[KeyPoint] = []
    share = rng.choice([0.3, 0.6, 1.0])
    for point in rubric.points:
        drawn = rng.random()
        pool, label = (point.says, MET) if drawn < share * 0.75 else (point.denies, CONTRADICTED)
        line = rng.choice(pool) if drawn < share and len(pool) > 1 else ""
        labels[point.id] = label if line else MISSING
        lines += [line] if line else []
        points.append(_thinned(point, line, rng))
    if rng.random() < 0.3 or not lines:
        stranger = rng.choice([q for q in questions if q.id != question.id])
        lines.append(rng.choice([line for point in stranger.points for line in point.says]))
    rng.shuffle(lines)
    return rubric.model_copy(update={"points": tuple(points)}), _join(lines), labels, question.id


def _thinned(point: KeyPoint, line: str, rng: random.Random) -> KeyPoint:
    """Return the point with one line fewer of each kind, so that their numbers do not tell what the reply says."""
    kept = {}
    for kind, pool in (("says", list(point.says)), ("denies", list(point.denies))):
        if len(pool) > 1:
            pool.remove(line if line in pool else rng.choice(pool))
        kept[kind] = tuple(pool)
    return point.model_copy(update=kept)


def _join(lines: list[str]) -> str:
    return "".join(f"{line}。" for line in lines)


def table(examples: list[Example], embeddings: Embeddings, middle: Matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (rows, features), labels and question ids of every point of every example."""
    rows, labels, groups = [], [], []
    for rubric, reply, wanted, question in examples:
        passages = units(reply, rubric.question)
        if not passages:
            continue
        found = extract(rubric, Space(rubric, embeddings, middle, keep=True), passages, embeddings.passages(passages))
        for point, features in zip(rubric.points, found, strict=True):
            rows.append(features.vector())
            labels.append(wanted[point.id])
            groups.append(question)
    return np.array(rows), np.array(labels), np.array(groups)


def fit(
    rows: np.ndarray, wanted: np.ndarray, groups: np.ndarray, balanced: bool
) -> tuple[float, dict[str, float], np.ndarray]:
    """Return intercept and weights on the raw features, and the probabilities of questions left out (five folds)."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = (rows - mean) / deviation
    model = LogisticRegression(C=1.0, max_iter=2000, class_weight="balanced" if balanced else None)
    left_out = cross_val_predict(model, scaled, wanted, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    model.fit(scaled, wanted)
    weights = model.coef_[0] / deviation
    intercept = float(model.intercept_[0] - (weights * mean).sum())
    return intercept, dict(zip(names(), map(float, weights), strict=True)), left_out


def _model(name: str, intercept: float, weights: dict[str, float]) -> list[str]:
    lines = ["", f"[{name}]", f"intercept = {intercept:.6f}", f"[{name}.weights]"]
    return lines + [f"{feature} = {weight:.6f}" for feature, weight in weights.items()]


def main() -> None:
    """Fit both models and write the coefficients with the digest of the bank they come from."""
    console = Console()
    bank = load(packaged("knowledge"))
    embeddings = Embeddings(EmbeddedE5(), packaged("knowledge") / "vectors")
    middle = center(embeddings, [point.text for question in bank for point in question.points])
    rows, labels, groups = table(simulate(bank, random.Random(SEED)), embeddings, middle)
    said = labels != MISSING
    addressed = fit(rows, said, groups, balanced=False)
    contradicted = fit(rows[said], labels[said] == CONTRADICTED, groups[said], balanced=True)
    right = contradicted[2][labels[said] == MET]
    threshold = float(np.quantile(right, 1 - FALSE_ALARMS))
    caught = float((contradicted[2][labels[said] == CONTRADICTED] >= threshold).mean())
    console.print(f"rows by label: {dict(Counter(labels.tolist()))}")
    console.print(f"addressed: AUC on questions left out {roc_auc_score(said, addressed[2]):.3f}")
    console.print(
        f"contradicted: AUC {roc_auc_score(labels[said] == CONTRADICTED, contradicted[2]):.3f}, caught {caught:.2f}"
    )
    lines = [
        "# Coefficients of the offline grader, written by `python -m training.fit_offline`; do not edit by hand.",
        f'data = "{hashlib.sha256((bank.digest + str(SEED)).encode()).hexdigest()[:16]}"',
        f"rows = {len(rows)}",
        f"met = {MET_FROM}",
        f"partial = {PARTIAL_FROM}",
        f"contradicted = {threshold:.4f}",
        *_model("addressed_by", *addressed[:2]),
        *_model("contradicted_by", *contradicted[:2]),
    ]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
