"""Which question a query means: its meaning and its words compared with all that the bank says about each question.

Meaning is compared in the space of linear discriminant analysis (Fisher 1936): the directions in which the texts of one
question differ from each other count less than those in which questions differ. Words are compared as character pairs
and as toneless syllables, so that a misheard homophone is still found.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cache

import numpy as np

from interviewer.bank import Bank, Question
from interviewer.embeddings import Embeddings
from interviewer.encoder import Matrix
from interviewer.text import normalise

# What each kind of text weighs in the mean of its question.
_WORDING, _POINT, _SAID = 3.0, 1.0, 0.5
# Between the spread that is measured inside questions (0) and the same spread in every direction (1).
_SHRINK = 0.5
# What each number counts in the order: chosen by hand, before knowledge/queries.jsonl was there to measure them.
_CENTRE, _NEAREST, _PAIRS, _BEST_PAIRS, _SYLLABLES, _BEST_SYLLABLES = 1.0, 0.4, 0.5, 0.2, 0.2, 0.2
_LATIN = re.compile(r"[a-z0-9]+|[^a-z0-9]+")
# Sounds that speakers and recognisers mix up, at the beginning and at the end of a syllable.
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))

Tokens = Callable[[str], set[str]]


class Ranker:
    """Scores every question of a bank for a query; built from the bank's texts and their vectors."""

    def __init__(self, bank: Bank, embeddings: Embeddings) -> None:
        questions = list(bank)
        self.ids = [question.id for question in questions]
        texts = [entry for number, question in enumerate(questions) for entry in _texts(number, question)]
        vectors = embeddings.passages([text for _, text, _ in texts])
        owner, weights = np.array([n for n, _, _ in texts]), np.array([w for _, _, w in texts], dtype=np.float32)
        self._space = Discriminant(vectors, owner, weights)
        asked = weights == _WORDING
        self._wordings, self._asked = self._space.project(vectors[asked]), owner[asked]
        worded = [text for _, text, weight in texts if weight == _WORDING]
        whole = [_everything(question) for question in questions]
        self._words = [
            (Overlap(whole, tokens), Overlap(worded, tokens), of_all, of_best)
            for tokens, of_all, of_best in (
                (pairs, _PAIRS, _BEST_PAIRS),
                (syllables, _SYLLABLES, _BEST_SYLLABLES),
            )
        ]

    def scores(self, query: str, vector: Matrix) -> Matrix:
        """Return the score of every question, −1 to 1, shape (questions,), for a query and its vector (dimension,)."""
        row = self._space.project(vector[None])[0]
        found = _CENTRE * (self._space.centres @ row) + _NEAREST * self._best(self._wordings @ row)
        for whole, worded, of_all, of_best in self._words:
            found = found + of_all * whole.share(query) + of_best * self._best(worded.likeness(query))
        most = _CENTRE + _NEAREST + _PAIRS + _BEST_PAIRS + _SYLLABLES + _BEST_SYLLABLES
        return np.asarray(found / most, dtype=np.float32)

    def _best(self, values: Matrix) -> Matrix:
        """Return the best value of each question's wordings."""
        best = np.full(len(self.ids), -1.0, dtype=np.float32)
        np.maximum.at(best, self._asked, values)
        return best


class Discriminant:
    """Vectors moved and scaled so that the spread inside classes is even; `centres` are the classes' unit means."""

    def __init__(self, vectors: Matrix, owner: np.ndarray, weights: np.ndarray) -> None:
        classes, dimension = int(owner.max()) + 1, vectors.shape[1]
        total = np.bincount(owner, weights, classes)
        means = np.zeros((classes, dimension))
        np.add.at(means, owner, vectors * weights[:, None])
        means /= total[:, None]
        spread = (vectors - means[owner]) * np.sqrt(weights / weights.sum())[:, None]
        within = spread.T @ spread
        even = np.trace(within) / dimension * np.eye(dimension)
        values, directions = np.linalg.eigh((1 - _SHRINK) * within + _SHRINK * even + 1e-9 * np.eye(dimension))
        self._matrix = (directions / np.sqrt(values)).astype(np.float32)
        self._middle = means.mean(axis=0).astype(np.float32)
        self.centres = self.project(means.astype(np.float32))

    def project(self, vectors: Matrix) -> Matrix:
        """Return the vectors in the new space, shape (rows, dimension), unit rows."""
        moved = (vectors - self._middle) @ self._matrix
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9), dtype=np.float32)


class Overlap:
    """Documents by their tokens, the rarer ones counting more (inverse document frequency)."""

    def __init__(self, documents: Sequence[str], tokens: Tokens) -> None:
        self._tokens, self._size = tokens, len(documents)
        sets = [tokens(document) for document in documents]
        counts = Counter(token for found in sets for token in found)
        self._worth = {token: math.log(1 + self._size / count) for token, count in counts.items()}
        places: dict[str, list[int]] = {}
        for number, found in enumerate(sets):
            for token in found:
                places.setdefault(token, []).append(number)
        self._places = {token: np.array(numbers) for token, numbers in places.items()}
        self._mass = np.array([self._sum(found) for found in sets], dtype=np.float32)

    def share(self, query: str) -> Matrix:
        """Return which share of the query's tokens each document holds, 0 to 1."""
        shared, mass = self._shared(query)
        return shared / max(mass, 1e-9)

    def likeness(self, query: str) -> Matrix:
        """Return twice the shared tokens over all tokens of query and document (Dice), 0 to 1."""
        shared, mass = self._shared(query)
        return np.asarray(2 * shared / np.maximum(self._mass + mass, 1e-9), dtype=np.float32)

    def _shared(self, query: str) -> tuple[Matrix, float]:
        asked = self._tokens(query)
        shared = np.zeros(self._size, dtype=np.float32)
        for token in asked:
            if token in self._places:
                shared[self._places[token]] += self._worth[token]
        return shared, self._sum(asked)

    def _sum(self, tokens: Collection[str]) -> float:
        rarest = math.log(1 + self._size)
        return sum(self._worth.get(token, rarest) for token in tokens)


def pairs(text: str) -> set[str]:
    """Return Latin words with their character triples, and single characters and pairs of all else."""
    found: set[str] = set()
    for run in _LATIN.findall(normalise(text)):
        if run[0].isascii() and run[0].isalnum():
            found |= {f"={run}", *(run[i : i + 3] for i in range(len(run) - 2))}
        else:
            found |= {*run, *(run[i : i + 2] for i in range(len(run) - 1))}
    return found


def syllables(text: str) -> set[str]:
    """Return pairs of neighbouring syllables without tones, sounds that are often mixed up being one; Latin words."""
    sounds = [sound for run in _LATIN.findall(normalise(text)) for sound in _sounds(run)]
    return {f"{left} {right}" for left, right in zip(sounds, sounds[1:], strict=False)} or set(sounds)


def _sounds(run: str) -> list[str]:
    if run[0].isascii() and run[0].isalnum():
        return [run]
    return [_sound(character) for character in run]


@cache
def _sound(character: str) -> str:
    toneless = unicodedata.normalize("NFD", _readings().get(ord(character), character).partition(",")[0])
    sound = "".join(letter for letter in toneless if not unicodedata.combining(letter))
    for one, other in _INITIALS:
        if sound.startswith(one):
            sound = other + sound.removeprefix(one)
            break
    for one, other in _FINALS:
        if sound.endswith(one):
            sound = sound.removesuffix(one) + other
            break
    return sound


@cache
def _readings() -> dict[int, str]:
    from pypinyin.constants import PINYIN_DICT  # 0.3 s, only when something is searched

    return dict(PINYIN_DICT)


def _texts(number: int, question: Question) -> list[tuple[int, str, float]]:
    """Return (number, text, weight) of what a question is recognised by."""
    wordings = [(number, text, _WORDING) for text in (question.question, *question.aliases)]
    points = [(number, point.text, _POINT) for point in question.points]
    said = [(number, line, _SAID) for point in question.points for line in point.says]
    return [*wordings, *points, (number, question.answer, _POINT), *said]


def _everything(question: Question) -> str:
    terms = [wording for point in question.points for group in point.terms for wording in group]
    return "\n".join((question.question, *question.aliases, *(point.text for point in question.points), *terms))
