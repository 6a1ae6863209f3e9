"""The vectors of the bank's texts: shipped with the bank, else kept in the data folder, else encoded once.

A vector is keyed by the hash of its text, so a text that did not change is never encoded again. Vectors are passages,
on disk one byte a number and one scale a vector, one file a topic: `knowledge/vectors/<encoder>/<topic>.npz`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from interviewer.bank import Bank, KeyPoint, Question
from interviewer.encoder import Encoder, Matrix
from interviewer.errors import DataFolderError, IndexFault

Progress = Callable[[int, int], None]
# The int8 codes of a vector, shape (dimension,), and its scale, shape (1,).
Packed = tuple[np.ndarray, np.ndarray]
_CHUNK = 32
_KEY_BYTES = 8


def key(text: str) -> bytes:
    """Return the key of a text: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(text.encode()).digest()[:_KEY_BYTES]


def search_texts(question: Question) -> dict[str, str]:
    """Return entry name → text of everything by which a question is found."""
    aliases = {f"alias-{number}": alias for number, alias in enumerate(question.aliases)}
    points = {f"point-{point.id}": point.text for point in question.points}
    return {"question": question.question, **aliases, **points, "answer": question.answer}


def grading_texts(question: Question) -> list[str]:
    """Return every text of a question that a reply is compared with."""
    points = [*question.points, *(point for follow_up in question.follow_ups for point in follow_up.points)]
    return [text for point in points for text in point_texts(point)] + [m.claim for m in question.misconceptions]


def point_texts(point: KeyPoint) -> list[str]:
    """Return the texts of one key point that a reply is compared with."""
    return [point.text, *point.says, *point.denies]


def texts_of(question: Question) -> list[str]:
    """Return every text of a question that has a vector, each once."""
    return list(dict.fromkeys([*search_texts(question).values(), *grading_texts(question)]))


class Embeddings:
    """Passage vectors of the bank's texts, float32 unit rows; safe to share between threads."""

    def __init__(self, encoder: Encoder, shipped: Path, cache: Path | None = None) -> None:
        self.encoder = encoder
        self._shipped = shipped / encoder.name
        self._cache = cache / f"{encoder.name}.npz" if cache else None
        self._rows: dict[bytes, Packed] | None = None
        self._lock = threading.Lock()

    def passages(self, texts: Sequence[str], progress: Progress | None = None, *, keep: bool = True) -> Matrix:
        """Return the vectors of these texts, shape (texts, dimension); what has none yet is encoded.

        With `keep`, new vectors go to the cache file; texts that users bring are not kept.
        """
        with self._lock:
            rows = self._load() if keep else dict(self._load())
            missing = [text for text in dict.fromkeys(texts) if key(text) not in rows]
            for start in range(0, len(missing), _CHUNK):
                chunk = missing[start : start + _CHUNK]
                rows.update(zip(map(key, chunk), _packed(self.encoder.passages(chunk)), strict=True))
                if progress:
                    progress(min(start + _CHUNK, len(missing)), len(missing))
            if missing and self._cache and keep:
                self._keep(rows, self._cache, missing)
            return _unpacked([rows[key(text)] for text in texts])

    def stored(self) -> dict[bytes, Packed]:
        """Return every vector that is known, as it is written."""
        with self._lock:
            return dict(self._load())

    def _load(self) -> dict[bytes, Packed]:
        if self._rows is None:
            rows: dict[bytes, Packed] = {}
            for path in sorted(self._shipped.glob("*.npz")):
                rows.update(_read(path))
            self._rows = rows | (_read_cache(self._cache) if self._cache else {})
        return self._rows

    def _keep(self, rows: dict[bytes, Packed], path: Path, added: Iterable[str]) -> None:
        kept = _read_cache(path)  # another process may have added to it
        kept.update({key(text): rows[key(text)] for text in added})
        _write(path, sorted(kept), kept)


def ship(bank: Bank, encoder: Encoder, folder: Path, progress: Progress | None = None) -> int:
    """Write the vectors of every text of the bank below `folder`, unchanged texts not encoded again; return how many.

    Files of topics without questions, vectors of texts that are gone and files that cannot be read are removed.
    """
    for path in (folder / encoder.name).glob("*.npz"):
        try:
            _read(path)
        except IndexFault:
            _remove(path)
    library = Embeddings(encoder, folder)
    target = folder / encoder.name
    used = {question.topic for question in bank}
    for path in target.glob("*.npz"):
        if path.stem not in used:
            _remove(path)
    texts = {t.id: sorted({x for q in bank.of_topics([t.id]) for x in texts_of(q)}, key=key) for t in bank.topics}
    known = library.stored()
    wanted = sum(key(text) not in known for topic in texts.values() for text in topic)
    done = 0
    for topic, lines in texts.items():  # written topic by topic: a run that is stopped has lost one at most
        if not lines:
            continue
        new = sum(key(text) not in known for text in lines)
        library.passages(lines, _shifted(progress, done, wanted))
        done += new
        _write(target / f"{topic}.npz", [key(text) for text in lines], library.stored())
    return sum(map(len, texts.values()))


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Return a progress that counts what came before, out of all there is."""
    return (lambda done, _: progress(before + done, total)) if progress else None


def stale(bank: Bank, encoder_name: str, folder: Path) -> list[str]:
    """Return the topics whose shipped vectors do not fit: a text without a vector, or a vector without a text."""
    found = []
    for topic in bank.topics:
        wanted = {key(text) for question in bank.of_topics([topic.id]) for text in texts_of(question)}
        path = folder / encoder_name / f"{topic.id}.npz"
        if (set(_read(path)) if path.exists() else set()) != wanted:
            found.append(topic.id)
    return found


def _packed(vectors: Matrix) -> list[Packed]:
    scales = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9).astype(np.float32) / 127
    return list(zip(np.rint(vectors / scales).astype(np.int8), scales, strict=True))


def _unpacked(rows: Sequence[Packed]) -> Matrix:
    if not rows:
        return np.zeros((0, 1), np.float32)
    vectors = np.stack([codes for codes, _ in rows]) * np.stack([scale for _, scale in rows])
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _read(path: Path) -> dict[bytes, Packed]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            keys, codes, scales = stored["keys"], stored["codes"], stored["scales"]
        shapes = (len(codes), _KEY_BYTES), (len(codes), 1)
        if (keys.shape, scales.shape) != shapes or codes.ndim != 2 or codes.dtype != np.int8:
            raise ValueError("not a table of vectors")
        if scales.dtype != np.float32 or not np.isfinite(scales).all():
            raise ValueError("not scales")
    except Exception as error:  # a damaged archive makes numpy, zipfile and zlib raise nearly anything
        raise IndexFault("vectors_corrupt", path=path) from error
    return dict(zip(map(bytes, keys), zip(codes, scales, strict=True), strict=True))


def _read_cache(path: Path) -> dict[bytes, Packed]:
    """Read the cache; one that is missing or broken holds nothing and is made anew."""
    try:
        return _read(path)
    except IndexFault:
        return {}


def _write(path: Path, keys: Sequence[bytes], rows: dict[bytes, Packed]) -> None:
    table = np.array([list(k) for k in keys], dtype=np.uint8)
    codes, scales = (np.stack(column) for column in zip(*(rows[k] for k in keys), strict=True))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez_compressed(file, keys=table, codes=codes, scales=scales)
        temporary.replace(path)
    except OSError as error:
        raise DataFolderError("data_folder", path=path.parent, reason=error.strerror) from error


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise DataFolderError("data_folder", path=path.parent, reason=error.strerror) from error
