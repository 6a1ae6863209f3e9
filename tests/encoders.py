"""An encoder for tests that writes down what it was given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from interviewer.encoder import Matrix


class CountingEncoder:
    """Gives every text a random direction that depends on the text alone; `seen` are the passages in order."""

    def __init__(self, name: str = "counting", dimension: int = 16) -> None:
        self.name = name
        self.seen: list[str] = []
        self._dimension = dimension

    def queries(self, texts: Sequence[str]) -> Matrix:
        rows = np.stack([self._direction(text) for text in texts])
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def passages(self, texts: Sequence[str]) -> Matrix:
        self.seen += texts
        return self.queries(texts)

    def _direction(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(f"{self.name} {text}".encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self._dimension)
