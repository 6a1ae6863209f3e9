"""How well a grader agrees with people, and what fools it: every labelled reply graded, and the figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from interviewer.batch import Advance
from interviewer.bench import agreement
from interviewer.bench.replies import Labelled
from interviewer.grading.examiner import Examiner
from interviewer.records import Grade, Verdict

PASS = 60
STRONG, REVERSED = 80, 30
RIGHT_KINDS = ("strong", "good")
WRONG_KINDS = ("reversed",)
ATTACKS = ("off_topic", "keywords", "echo", "padding", "dont_know", "order", "shuffled", "answers_other")
VERDICTS = tuple(verdict.value for verdict in Verdict)
# A prompt's own words and a reply's, in tokens, by which a run's cost is estimated before it starts.
TOKENS_A_CALL, TOKENS_ANSWERED = 1500, 400


@dataclass(frozen=True)
class Graded:
    """What a grader made of one reply; `value` is None when it could not grade it."""

    value: int | None
    verdicts: dict[str, str] = field(default_factory=dict)
    confidence: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Figure:
    """One measured number with its 95 % interval over questions, and how many replies or points it rests on."""

    name: str
    value: float
    low: float
    high: float
    rows: int


def grade_all(
    examiner: Examiner,
    rows: Sequence[Labelled],
    language: str,
    kept: Path | None = None,
    advance: Advance | None = None,
) -> list[Graded]:
    """Grade every reply; with `kept`, a file that takes each result as it comes, what it holds is not graded again."""
    known = _known(kept) if kept else {}
    if kept and kept.exists() and not kept.read_text(encoding="utf-8").endswith("\n"):
        with kept.open("a", encoding="utf-8") as file:
            file.write("\n")
    found = []
    for done, row in enumerate(rows, start=1):
        key = f"{row.rubric.digest} {row.reply}"
        graded = known.get(key)
        if graded is None:
            outcome = examiner.grade(row.rubric, row.reply, language)
            # A stand-in's grade is not the grade of the grader that is measured.
            graded = _graded(outcome) if isinstance(outcome, Grade) and not outcome.fallback else Graded(None)
            if kept and graded.value is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, **asdict(graded)}, ensure_ascii=False) + "\n")
        found.append(graded)
        if advance:
            advance(done, len(rows))
    return found


def _graded(grade: Grade) -> Graded:
    verdicts = {point.id: point.verdict.value for point in grade.points}
    return Graded(grade.score.value, verdicts, grade.confidence, grade.seconds)


def _known(kept: Path) -> dict[str, Graded]:
    found = {}
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else ():
        try:
            row = json.loads(line)
            key = row.pop("key")
            found[key] = Graded(**row)
        except (ValueError, TypeError, KeyError):
            continue  # the last line of a run that was killed
    return found


def figures(rows: Sequence[Labelled], graded: Sequence[Graded]) -> list[Figure]:
    """Return every figure that the rows allow, in the order of the table."""
    pairs = [(row, made) for row, made in zip(rows, graded, strict=True) if made.value is not None]
    groups = [row.group for row, _ in pairs]
    wanted, given = [row.mark for row, _ in pairs], [float(made.value or 0) for _, made in pairs]

    def over(name: str, measure: Callable[[list[int]], float], chosen: Iterable[int] | None = None) -> Figure:
        numbers = list(range(len(pairs)) if chosen is None else chosen)
        low, high = agreement.interval([groups[n] for n in numbers], lambda ns: measure([numbers[n] for n in ns]))
        return Figure(name, measure(numbers), low, high, len(numbers))

    def kappa(ns: list[int]) -> float:
        return agreement.weighted_kappa(
            agreement.banded([given[n] for n in ns]), agreement.banded([wanted[n] for n in ns])
        )

    found = [
        over("qwk", kappa),
        over("spearman", lambda ns: agreement.spearman([given[n] for n in ns], [wanted[n] for n in ns])),
        over("pearson", lambda ns: agreement.pearson([given[n] for n in ns], [wanted[n] for n in ns])),
        over("error", lambda ns: mean(abs(given[n] - wanted[n]) for n in ns)),
    ]
    kinds = {kind: [n for n, (row, _) in enumerate(pairs) if row.kind == kind] for kind in _kinds(rows)}

    def share(name: str, of: Sequence[str], holds: Callable[[float], bool]) -> None:
        chosen = [n for kind in of for n in kinds.get(kind, ())]
        if chosen:
            found.append(over(name, lambda ns: mean(holds(given[n]) for n in ns), chosen))

    share("right_pass", RIGHT_KINDS, lambda value: value >= PASS)
    share("strong_high", ("strong",), lambda value: value >= STRONG)
    share("reversed_pass", WRONG_KINDS, lambda value: value >= PASS)
    share("reversed_low", WRONG_KINDS, lambda value: value <= REVERSED)
    for attack in ATTACKS:
        share(f"pass_{attack}", (attack,), lambda value: value >= PASS)
    return found + _of_points(pairs) + _selective(pairs)


def _kinds(rows: Sequence[Labelled]) -> list[str]:
    return list(dict.fromkeys(row.kind for row in rows))


def _of_points(pairs: Sequence[tuple[Labelled, Graded]]) -> list[Figure]:
    told = [
        (row.group, made.verdicts[point], verdict.value)
        for row, made in pairs
        for point, verdict in row.verdicts.items()
        if point in made.verdicts
    ]
    if not told:
        return []
    groups, given, wanted = zip(*told, strict=True)

    def over(name: str, measure: Callable[[Sequence[str], Sequence[str]], float]) -> Figure:
        def of(ns: list[int]) -> float:
            return measure([given[n] for n in ns], [wanted[n] for n in ns])

        low, high = agreement.interval(groups, of)
        return Figure(name, of(list(range(len(told)))), low, high, len(told))

    found = [over("points_f1", lambda g, w: agreement.macro_f1(g, w, VERDICTS))]
    for verdict in VERDICTS:
        found.append(over(f"f1_{verdict}", lambda g, w, label=verdict: agreement.f1(g, w, label)))  # type: ignore[misc]
    return found


def _selective(pairs: Sequence[tuple[Labelled, Graded]]) -> list[Figure]:
    """Return the kappa of the replies that the grader is surest of: the upper three quarters and the upper half."""
    ordered = sorted(pairs, key=lambda pair: -pair[1].confidence)
    if len({made.confidence for _, made in pairs}) < 2:
        return []
    found = []
    for percent in (75, 50):
        kept = ordered[: max(1, len(ordered) * percent // 100)]
        bands = [(agreement.banded([made.value or 0])[0], agreement.banded([row.mark])[0]) for row, made in kept]

        def kappa(ns: list[int], bands: list[tuple[int, int]] = bands) -> float:
            return agreement.weighted_kappa([bands[n][0] for n in ns], [bands[n][1] for n in ns])

        low, high = agreement.interval([row.group for row, _ in kept], kappa)
        found.append(Figure(f"qwk_at_{percent}", kappa(list(range(len(kept)))), low, high, len(kept)))
    return found


@dataclass(frozen=True)
class Kind:
    """The replies of one kind: the readers' mean mark, the grader's, its mean distance from theirs, and passes."""

    kind: str
    rows: int
    wanted: float
    given: float
    error: float
    passed: float


def by_kind(rows: Sequence[Labelled], graded: Sequence[Graded]) -> list[Kind]:
    """Return the figures of each kind of reply, in the order in which the kinds come."""
    found = []
    for kind in _kinds(rows):
        pairs = [
            (row.mark, made.value)
            for row, made in zip(rows, graded, strict=True)
            if row.kind == kind and made.value is not None
        ]
        if pairs:
            distance = mean(abs(wanted - given) for wanted, given in pairs)
            passed = mean(given >= PASS for _, given in pairs)
            found.append(Kind(kind, len(pairs), mean(w for w, _ in pairs), mean(g for _, g in pairs), distance, passed))
    return found


def ceiling(rows: Sequence[Labelled]) -> dict[str, float]:
    """Return how well the two readers agreed with each other; empty where the rows keep only one reading."""
    twice = [row for row in rows if len(row.marks) == 2 and len(row.readings) == 2]
    if not twice:
        return {}
    one, other = [row.marks[0] for row in twice], [row.marks[1] for row in twice]
    points = [(row.readings[0][p].value, row.readings[1][p].value) for row in twice for p in row.readings[0]]
    left, right = [p[0] for p in points], [p[1] for p in points]
    return {
        "rows": len(twice),
        "qwk": agreement.weighted_kappa(agreement.banded(one), agreement.banded(other)),
        "spearman": agreement.spearman(one, other),
        "error": mean(abs(a - b) for a, b in zip(one, other, strict=True)),
        "points_same": mean(a == b for a, b in points),
        "points_f1": agreement.macro_f1(left, right, VERDICTS),
        "f1_contradicted": agreement.f1(left, right, Verdict.CONTRADICTED.value),
    }


def repeated(examiner: Examiner, rows: Sequence[Labelled], graded: Sequence[Graded], language: str) -> float:
    """Return the share of these replies whose verdicts and score are the same when they are graded once more."""
    same = []
    for row, made in zip(rows, graded, strict=True):
        outcome = examiner.grade(row.rubric, row.reply, language)
        again = _graded(outcome) if isinstance(outcome, Grade) else Graded(None)
        same.append((again.value, again.verdicts) == (made.value, made.verdicts))
    return mean(same) if same else 1.0


def as_json(rows: Sequence[Labelled], graded: Sequence[Graded]) -> dict[str, Any]:
    """Return all figures as plain values."""
    seconds = [made.seconds for made in graded if made.value is not None]
    return {
        "replies": len(rows),
        "questions": len({row.group for row in rows}),
        "ungraded": sum(made.value is None for made in graded),
        "seconds": round(median(seconds), 3) if seconds else None,
        "figures": [asdict(figure) for figure in figures(rows, graded)] if seconds else [],
        "kinds": [asdict(kind) for kind in by_kind(rows, graded)],
        "readers": ceiling(rows),
    }


def as_markdown(made: dict[str, Any]) -> str:
    """Return the figures as the tables of the README."""
    lines = ["| figure | value | 95 % | n |", "|---|--:|---|--:|"]
    for figure in made["figures"]:
        span = f"{figure['low']:.2f}–{figure['high']:.2f}"
        lines.append(f"| {figure['name']} | {figure['value']:.2f} | {span} | {figure['rows']} |")
    lines += ["", "| kind | replies | readers | grader | distance | ≥ 60 |", "|---|--:|--:|--:|--:|--:|"]
    for kind in made["kinds"]:
        cells = f"{kind['wanted']:.0f} | {kind['given']:.0f} | {kind['error']:.0f} | {kind['passed']:.0%}"
        lines.append(f"| {kind['kind']} | {kind['rows']} | {cells} |")
    if made["readers"]:
        agreed = ", ".join(f"{name} {value:.2f}" for name, value in made["readers"].items() if name != "rows")
        lines += ["", f"Two readers with each other: {agreed}."]
    ungraded = f", {made['ungraded']} ungraded" if made["ungraded"] else ""
    lines += [
        "",
        f"{made['replies']} replies to {made['questions']} questions{ungraded}; {made['seconds']} s a reply (median).",
    ]
    return "\n".join(lines)
