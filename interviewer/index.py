"""The Chroma collection by which a question is found that comes without an id."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from interviewer.bank import Bank
from interviewer.embeddings import Embeddings, Progress, key, search_texts
from interviewer.errors import DataFolderError, IndexFault, NotFound

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

SCHEMA = 1
_BATCH = 1000
_PROBES = 8
_ENTRIES_PER_QUESTION = 16
_LOCK_WAIT_S = 10.0


@dataclass(frozen=True)
class Hit:
    """A question that was found, and the cosine of its nearest entry, −1 to 1."""

    question_id: str
    similarity: float


class _Damaged(Exception):
    """The folder's content cannot be trusted; it is derived, so it is made anew."""


class Index:
    """The questions of a bank, found by the meaning of their wordings, key points and answers.

    The folder is derived from the bank: it is synced by content hash when it is opened, and rebuilt when it is damaged.
    IndexFault when another process keeps it locked, DataFolderError when it cannot be written.
    """

    def __init__(self, bank: Bank, embeddings: Embeddings, folder: Path, progress: Progress | None = None) -> None:
        self._bank, self._embeddings, self._folder, self._progress = bank, embeddings, folder, progress
        self._name = f"bank-{embeddings.encoder.name}-v{SCHEMA}"
        self._entries = {
            f"{question.id}#{entry}": text for question in bank for entry, text in search_texts(question).items()
        }
        self._digest = hashlib.sha256(json.dumps(self._entries, ensure_ascii=False).encode()).hexdigest()
        self._collection = self._open()

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self._entries)

    def nearest(self, text: str, k: int = 5) -> list[Hit]:
        """Return up to k questions, the most similar first, each once."""
        vector = self._embeddings.encoder.queries([text])
        try:
            return self._query(vector, k)
        except (IndexFault, DataFolderError):
            raise
        except Exception:  # the folder was damaged or replaced beneath an open collection
            self._collection = self._open()
            return self._query(vector, k)

    def rebuild(self) -> None:
        """Throw the folder away and build it anew."""
        with self._locked():
            self._collection = self._rebuild()

    def _query(self, vector: Any, k: int) -> list[Hit]:  # noqa: ANN401 - chroma's own array-like
        wanted = min(max(1, k) * _ENTRIES_PER_QUESTION, len(self._entries))
        found = self._collection.query(query_embeddings=vector, n_results=wanted, include=["distances"])
        best: dict[str, float] = {}
        for entry, distance in zip(found["ids"][0], (found["distances"] or [[]])[0], strict=True):
            best.setdefault(entry.partition("#")[0], 1.0 - float(distance))
        return [Hit(question, similarity) for question, similarity in list(best.items())[:k]]

    def _open(self) -> Collection:
        if not self._entries:
            raise NotFound("empty_topics", topics=", ".join(t.id for t in self._bank.topics))
        try:
            if self._sealed():
                collection = self._client().get_collection(self._name, embedding_function=None)
                if (collection.metadata or {}).get("digest") == self._digest:
                    self._probe(collection)
                    return collection
        except Exception as error:
            _raise_if_locked(error, self._folder)
        with self._locked():
            try:
                return self._synced() if self._sealed() else self._rebuild()
            except (IndexFault, DataFolderError):
                raise
            except BaseException as error:  # chroma's engine panics with BaseException on a damaged folder
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                _raise_if_locked(error, self._folder)
                return self._rebuild()

    def _synced(self) -> Collection:
        collection = self._client().get_or_create_collection(
            self._name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        stored = collection.get(include=["metadatas"])
        hashes = {i: (m or {}).get("hash") for i, m in zip(stored["ids"], stored["metadatas"] or [], strict=True)}
        gone = [entry for entry in hashes if entry not in self._entries]
        for start in range(0, len(gone), _BATCH):
            collection.delete(ids=gone[start : start + _BATCH])
        changed = [entry for entry, text in self._entries.items() if hashes.get(entry) != key(text).hex()]
        vectors = self._embeddings.passages([self._entries[entry] for entry in changed], self._progress)
        for start in range(0, len(changed), _BATCH):
            batch = changed[start : start + _BATCH]
            collection.upsert(
                ids=batch,
                embeddings=vectors[start : start + _BATCH],
                metadatas=[{"hash": key(self._entries[entry]).hex()} for entry in batch],
            )
        if collection.count() != len(self._entries):
            raise _Damaged("count")
        self._probe(collection)
        collection.modify(metadata={"digest": self._digest})
        self._seal()
        return collection

    def _probe(self, collection: Collection) -> None:
        """Check that entries spread over the bank are found by their own vectors."""
        ids = list(self._entries)[:: max(1, len(self._entries) // _PROBES)]
        vectors = self._embeddings.passages([self._entries[entry] for entry in ids])
        found = collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
        distances = [row[0] if row else 1.0 for row in (found["distances"] or [])]
        if len(distances) != len(ids) or max(distances) > 1e-3:
            raise _Damaged("probe")

    def _rebuild(self) -> Collection:
        try:
            self._forget()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._synced()
        except OSError as error:
            raise DataFolderError("data_folder", path=self._folder, reason=error.strerror) from error
        except (IndexFault, DataFolderError):
            raise
        except Exception as error:
            _raise_if_locked(error, self._folder)
            reason = " ".join(str(error).split())[:200]
            raise IndexFault("index_broken", path=self._folder, reason=reason) from error

    def _client(self) -> ClientAPI:
        import chromadb  # 0.5 s, only when something is searched
        from chromadb.config import Settings as ChromaSettings

        return chromadb.PersistentClient(str(self._folder), settings=ChromaSettings(anonymized_telemetry=False))

    def _forget(self) -> None:
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient.clear_system_cache()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._folder}.lock", timeout=_LOCK_WAIT_S):
                yield
        except Timeout as error:
            raise IndexFault("index_locked", path=self._folder) from error
        except OSError as error:
            raise DataFolderError("data_folder", path=self._folder.parent, reason=error.strerror) from error

    def _seal(self) -> None:
        """Write down what the vector files hold, so that a flipped byte is seen before they are read again."""
        path = self._folder / "seal.json"
        temporary = path.with_name(f"seal.{os.getpid()}.tmp")
        temporary.write_text(json.dumps(_file_hashes(self._folder)), encoding="utf-8")
        temporary.replace(path)

    def _sealed(self) -> bool:
        try:
            return bool(json.loads((self._folder / "seal.json").read_text("utf-8")) == _file_hashes(self._folder))
        except (OSError, ValueError):
            return False


def _file_hashes(folder: Path) -> dict[str, str]:
    """Hash the vector files; the SQLite file has its own checks and changes when it is opened."""
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _raise_if_locked(error: BaseException, folder: Path) -> None:
    text = str(error).lower()
    if "database is locked" in text or "database table is locked" in text:
        raise IndexFault("index_locked", path=folder) from error
    if "readonly database" in text or "read-only" in text:
        raise DataFolderError("data_folder", path=folder, reason=str(error)[:120]) from error
