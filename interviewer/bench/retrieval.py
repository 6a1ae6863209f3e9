"""Figures that a user can measure himself: how surely a question is found by other wordings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interviewer.bank import Bank
from interviewer.batch import Advance, read_text
from interviewer.errors import FileRefused
from interviewer.index import Index
from interviewer.settings import packaged

ALIAS = "alias"
MAX_QUERIES = 20_000


@dataclass(frozen=True)
class Query:
    """What somebody might type to find one question of the bank; `kind` names how it is worded."""

    text: str
    question: str
    kind: str


@dataclass(frozen=True)
class Recall:
    """How often the question meant stands first, among the first three, and how long a query took (median, seconds)."""

    kind: str
    queries: int
    first: float
    third: float
    seconds: float


def own_queries(bank: Bank) -> list[Query]:
    """Return every alias of the bank, and the paraphrases in knowledge/queries.jsonl that the index does not hold."""
    aliases = [Query(alias, question.id, ALIAS) for question in bank for alias in question.aliases]
    kept = packaged("knowledge") / "queries.jsonl"
    return aliases + (read_queries(kept, bank) if kept.exists() else [])


def read_queries(path: Path, bank: Bank) -> list[Query]:
    """Return the queries of a JSONL file with `query`, `question` (id or wording) and perhaps `kind` on each line.

    FileRefused names the first line that cannot be used.
    """
    found = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            meant = bank.find(str(row["question"]))
            text, kind = str(row["query"]).strip(), str(row.get("kind", "")) or "query"
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            raise FileRefused("bad_query", path=path, line=number, detail="query, question") from None
        if meant is None or not text:
            raise FileRefused("bad_query", path=path, line=number, detail=str(row["question"])[:80])
        found.append(Query(text, meant.id, kind))
    if not 0 < len(found) <= MAX_QUERIES:
        raise FileRefused("bad_query", path=path, line=len(found), detail=f"1–{MAX_QUERIES}")
    return found


def retrieval(index: Index, queries: Sequence[Query], advance: Advance | None = None) -> list[Recall]:
    """Return the recall of each kind of query, in the order in which the kinds come."""
    ranks: dict[str, list[tuple[int, float]]] = {}
    for done, query in enumerate(queries, start=1):
        started = time.perf_counter()
        hits = [hit.question_id for hit in index.nearest(query.text, 3)]
        seconds = time.perf_counter() - started
        rank = hits.index(query.question) if query.question in hits else len(hits)
        ranks.setdefault(query.kind, []).append((rank, seconds))
        if advance:
            advance(done, len(queries))
    return [_recall(kind, found) for kind, found in ranks.items()]


def _recall(kind: str, found: Sequence[tuple[int, float]]) -> Recall:
    def share(hits: Iterable[bool]) -> float:
        return sum(hits) / len(found)

    middle = sorted(seconds for _, seconds in found)[len(found) // 2]
    return Recall(kind, len(found), share(r < 1 for r, _ in found), share(r < 3 for r, _ in found), middle)


def as_json(recalls: Sequence[Recall]) -> list[dict[str, Any]]:
    """Return the figures as plain values."""
    return [
        {"kind": r.kind, "queries": r.queries, "recall_1": r.first, "recall_3": r.third, "seconds": r.seconds}
        for r in recalls
    ]
