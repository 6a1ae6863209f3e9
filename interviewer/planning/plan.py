"""The plan of an interview: which questions, in which order."""

from __future__ import annotations

import random
from collections.abc import Sequence

from interviewer.bank import Bank
from interviewer.errors import NotFound
from interviewer.records import Plan
from interviewer.words import Language

MAX_QUESTIONS = 50


def plan(bank: Bank, topics: Sequence[str], count: int, follow_ups: int, language: Language, seed: int) -> Plan:
    """Return a plan of up to `count` questions of these topics (of all when none is named), from easy to hard.

    NotFound for an unknown topic, for topics without questions and for a count that is no count.
    """
    if not 1 <= count <= MAX_QUESTIONS:
        raise NotFound("bad_count", count=count, limit=MAX_QUESTIONS)
    pool = list(bank.of_topics(topics))
    if not pool:
        raise NotFound("empty_topics", topics=", ".join(topics))
    random.Random(seed).shuffle(pool)
    taken: dict[str, int] = {}
    turn_of = {}
    for question in pool:  # one question of each topic before the second of any
        turn_of[question.id] = taken[question.topic] = taken.get(question.topic, 0) + 1
    chosen = sorted(pool, key=lambda q: turn_of[q.id])[:count]
    ordered = sorted(chosen, key=lambda q: q.level)
    return Plan(
        questions=tuple(q.id for q in ordered),
        topics=tuple(topics),
        follow_ups=follow_ups,
        language=language,
        seed=seed,
    )
