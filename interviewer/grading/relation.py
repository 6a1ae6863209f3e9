"""Whether two short passages claim the same, the opposite, or something else: a small model of aligned words.

Decomposable attention (Parikh et al. 2016, arXiv:1606.01933) over words that have seen their neighbours through two
convolutions: every piece of one passage is compared with what it is aligned to in the other, and the comparisons are
pooled. It is trained by `python -m training.relation` on the bank's right and wrong lines, runs in NumPy and is loaded
on first use (6 MB, 0.2 s).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interviewer.encoder import Matrix

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = Path(__file__).parent / "relation.npz"
VOCABULARY = Path(__file__).parent / "relation.json"
SAME, OPPOSITE, OTHER = 0, 1, 2
MOST_PIECES = 56
PAD = 1
_BATCH = 64
# How many passages are kept as pieces: the lines of a few questions.
_KEPT = 2_000


class Relation:
    """The model, read as its file holds it; safe to share between threads."""

    def __init__(self, weights: dict[str, Matrix], tokenizer: Tokenizer) -> None:
        self._weights, self._tokenizer = weights, tokenizer
        self._states: dict[str, Matrix] = {}
        self._lock = threading.Lock()

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Matrix:
        """Return the logits of same, opposite and other for each pair, shape (pairs, 3)."""
        if not pairs:
            return np.zeros((0, 3), dtype=np.float32)
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        with self._lock:
            if len(self._states) > _KEPT:
                self._states.clear()
            self._read([text for text in texts if text not in self._states])
            states = {text: self._states[text] for text in texts}
        found = np.zeros((len(pairs), 3), dtype=np.float32)
        order = sorted(range(len(pairs)), key=lambda n: len(states[pairs[n][0]]) + len(states[pairs[n][1]]))
        for at in range(0, len(order), _BATCH):
            rows = order[at : at + _BATCH]
            left = _padded([states[pairs[n][0]] for n in rows])
            right = _padded([states[pairs[n][1]] for n in rows])
            found[rows] = self._compared(left, right)
        return found

    def _read(self, texts: Sequence[str]) -> None:
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        for text, one in zip(texts, encoded, strict=True):
            self._states[text] = self._in_context(one.ids[:MOST_PIECES] or [PAD])

    def _in_context(self, ids: Sequence[int]) -> Matrix:
        """Return the states of these pieces, shape (pieces, width)."""
        w = self._weights
        states = w["pieces"][list(ids)].astype(np.float32) * w["scale"]
        for name in ("first", "second"):
            framed = np.pad(states, ((1, 1), (0, 0)))
            windows = np.concatenate([framed[:-2], framed[1:-1], framed[2:]], axis=1)
            states = states + _gelu(windows @ w[f"{name}.weight"] + w[f"{name}.bias"])
        return np.asarray(states, dtype=np.float32)

    def _compared(self, left: tuple[Matrix, Matrix], right: tuple[Matrix, Matrix]) -> Matrix:
        w = self._weights
        (a, a_there), (b, b_there) = left, right
        scores: Matrix = np.asarray((a @ w["attend.weight"] + w["attend.bias"]) @ b.transpose(0, 2, 1) / 8, np.float32)
        to_b = _softmax(scores, b_there[:, None, :]) @ b
        to_a = _softmax(scores.transpose(0, 2, 1), a_there[:, None, :]) @ a
        pooled = np.concatenate([self._pooled(a, to_b, a_there), self._pooled(b, to_a, b_there)], axis=1)
        hidden = _gelu(pooled @ w["judge1.weight"] + w["judge1.bias"])
        return np.asarray(hidden @ w["judge2.weight"] + w["judge2.bias"], dtype=np.float32)

    def _pooled(self, own: Matrix, aligned: Matrix, there: Matrix) -> Matrix:
        w = self._weights
        both = np.concatenate([own, aligned, own - aligned, own * aligned], axis=2)
        compared = _gelu(both @ w["compare1.weight"] + w["compare1.bias"])
        compared = _gelu(compared @ w["compare2.weight"] + w["compare2.bias"])
        mask = there[:, :, None]
        mean = (compared * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
        return np.concatenate([mean, np.where(mask > 0, compared, -1e4).max(axis=1)], axis=1)


@cache
def shipped() -> Relation:
    """Return the model that comes with the program."""
    from tokenizers import Tokenizer  # 0.1 s: only when a reply is graded

    with np.load(FILE) as file:
        weights = {name: file[name] for name in file.files}
    return Relation(weights, Tokenizer.from_file(str(VOCABULARY)))


def _padded(rows: Sequence[Matrix]) -> tuple[Matrix, Matrix]:
    longest = max(len(row) for row in rows)
    states = np.zeros((len(rows), longest, rows[0].shape[1]), dtype=np.float32)
    there = np.zeros((len(rows), longest), dtype=np.float32)
    for number, row in enumerate(rows):
        states[number, : len(row)] = row
        there[number, : len(row)] = 1
    return states, there


def _softmax(scores: Matrix, there: Matrix) -> Matrix:
    scores = np.where(there > 0, scores, -1e4)
    raised = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(raised / raised.sum(axis=2, keepdims=True), dtype=np.float32)


def _gelu(x: Matrix) -> Matrix:
    # The tanh form (Hendrycks & Gimpel 2016, arXiv:1606.08415), as in training.
    return np.asarray(0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))), dtype=np.float32)
