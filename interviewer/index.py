"""The Chroma collection by which a question is found that comes without an id."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from interviewer.bank import Bank
from interviewer.embeddings import Embeddings, Progress, key, search_texts
from interviewer.errors import DataFolderError, IndexFault, InterviewerError, NotFound
from interviewer.ranking import Ranker

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import QueryResult

SCHEMA = 1
_BATCH = 1000
# The questions of at least so many nearest entries are put in order.
_CANDIDATES = 600
# The engine's vector files lag up to this many entries behind the rows; at its own 1,000 an open takes a second more.
_CONFIGURATION: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "sync_threshold": 100}}
_PROBES = 8
_LOCK_WAIT_S = 10.0
_DATABASE = "chroma.sqlite3"
_SEAL = "seal.json"
_FINISHED = "index_metadata.pickle"


@dataclass(frozen=True)
class Hit:
    """A question that was found, the cosine of its nearest entry (−1 to 1), and the score that the order follows."""

    question_id: str
    similarity: float
    score: float = 0.0


class _Damaged(Exception):
    """The folder's content cannot be trusted; it is derived, so it is made anew."""


class Index:
    """The questions of a bank, found by the meaning of their wordings, key points and answers.

    The folder is derived from the bank: it is synced by content hash when it is opened, and rebuilt when it is damaged.
    IndexFault when another process keeps it locked for longer than `wait_s`, DataFolderError when it cannot be written.
    """

    def __init__(
        self,
        bank: Bank,
        embeddings: Embeddings,
        folder: Path,
        progress: Progress | None = None,
        *,
        wait_s: float = _LOCK_WAIT_S,
    ) -> None:
        self._bank, self._embeddings, self._folder, self._progress = bank, embeddings, folder, progress
        self._wait_s = wait_s
        self._name = f"bank-{embeddings.encoder.name}-v{SCHEMA}"
        self._entries = {
            f"{question.id}#{entry}": text for question in bank for entry, text in search_texts(question).items()
        }
        self._most = max((len(search_texts(question)) for question in bank), default=0)
        self._digest = hashlib.sha256(json.dumps(self._entries, ensure_ascii=False).encode()).hexdigest()
        self._ranker: Ranker | None = None
        self._collection = self._open()

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self._entries)

    def nearest(self, text: str, k: int = 5) -> list[Hit]:
        """Return up to k questions, the most similar first, each once."""
        vector = self._embeddings.encoder.queries([text])
        return self._ranked(text, vector, self._found(vector, k))[:k]

    def _ranked(self, text: str, vector: Any, found: list[Hit]) -> list[Hit]:  # noqa: ANN401 - the encoder's array
        if self._ranker is None:
            self._ranker = Ranker(self._bank, self._embeddings)
        scores = dict(zip(self._ranker.ids, self._ranker.scores(text, vector[0]).tolist(), strict=True))
        hits = [Hit(hit.question_id, hit.similarity, scores[hit.question_id]) for hit in found]
        return sorted(hits, key=lambda hit: -hit.score)

    def _found(self, vector: Any, k: int) -> list[Hit]:  # noqa: ANN401 - the encoder's array
        """Return the candidates, at least k where there are so many, the one with the most similar entry first."""
        try:
            return self._query(vector, k)
        except BaseException as error:  # the folder was damaged or replaced beneath an open collection
            _raise_unless_damage(error, self._folder)
        self._forget()
        self._collection = self._open()
        try:
            return self._query(vector, k)
        except BaseException as error:
            _raise_unless_damage(error, self._folder)
            raise self._broken(error) from error

    def rebuild(self) -> None:
        """Throw the folder away and build it anew."""
        with self._locked():
            self._collection = self._rebuild()

    def _query(self, vector: Any, k: int) -> list[Hit]:  # noqa: ANN401 - chroma's own array-like
        wanted = min(max(_CANDIDATES, k * self._most), len(self._entries))
        found = self._ask(self._collection, vector, wanted)
        best: dict[str, float] = {}
        for entry, distance in zip(found["ids"][0], (found["distances"] or [[]])[0], strict=True):
            if entry in self._entries:  # another process may have synced the folder with a newer bank
                best.setdefault(entry.partition("#")[0], 1.0 - float(distance))
        return [Hit(question, similarity) for question, similarity in best.items()]

    def _ask(self, collection: Collection, vectors: Any, n: int) -> QueryResult:  # noqa: ANN401 - chroma's own array-like
        """Query, in a thread of its own: where the database is locked, the engine waits for more than ten minutes."""
        done: Future[QueryResult] = Future()

        def work() -> None:
            try:
                done.set_result(collection.query(query_embeddings=vectors, n_results=n, include=["distances"]))
            except BaseException as error:
                done.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            return done.result(timeout=self._wait_s)
        except TimeoutError as error:
            raise IndexFault("index_locked", path=self._folder) from error

    def _open(self) -> Collection:
        if not self._entries:
            raise NotFound("empty_topics", topics=", ".join(t.id for t in self._bank.topics))
        try:
            if self._sealed():
                collection = self._client().get_collection(self._name, embedding_function=None)
                if (collection.metadata or {}).get("digest") == self._digest:
                    self._probe(collection)
                    return collection
        except BaseException as error:
            _raise_unless_damage(error, self._folder)
        with self._locked():
            try:
                return self._synced() if self._sealed() else self._rebuild()
            except BaseException as error:
                _raise_unless_damage(error, self._folder)
                return self._rebuild()

    def _synced(self) -> Collection:
        collection = self._client().get_or_create_collection(
            self._name, configuration=_CONFIGURATION, embedding_function=None
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
        found = self._ask(collection, vectors, 1)
        distances = [row[0] if row else 1.0 for row in (found["distances"] or [])]
        if len(distances) != len(ids) or not all(distance <= 1e-3 for distance in distances):
            raise _Damaged("probe")

    def _rebuild(self) -> Collection:
        try:
            self._forget()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._synced()
        except OSError as error:
            raise DataFolderError("data_folder", path=self._folder, reason=error.strerror) from error
        except BaseException as error:
            _raise_unless_damage(error, self._folder)
            raise self._broken(error) from error

    def _broken(self, error: BaseException) -> IndexFault:
        return IndexFault("index_broken", path=self._folder, reason=" ".join(str(error).split())[:200])

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
            with FileLock(f"{self._folder}.lock", timeout=self._wait_s):
                yield
        except Timeout as error:
            raise IndexFault("index_locked", path=self._folder) from error
        except OSError as error:
            raise DataFolderError("data_folder", path=self._folder.parent, reason=error.strerror) from error

    def _seal(self) -> None:
        """Write down what the folder holds, so that a flipped byte is seen before the engine reads it and crashes."""
        path = self._folder / _SEAL
        temporary = path.with_name(f"{_SEAL}.{os.getpid()}.tmp")
        temporary.write_text(json.dumps(self._contents()), encoding="utf-8")
        temporary.replace(path)

    def _sealed(self) -> bool:
        try:
            return bool(json.loads((self._folder / _SEAL).read_text("utf-8")) == self._contents())
        except (OSError, ValueError, RecursionError):
            return False
        except sqlite3.Error as error:
            _raise_if_locked(error, self._folder)
            return False

    def _contents(self) -> dict[str, str]:
        """Hash what the engine will read: the rows of the database and the vector files that it has finished.

        The database's bytes change whenever it is opened, and so do vector files that lack their metadata: the engine
        reads those never, and writes them anew from the rows.
        """
        hashes = {_DATABASE: _rows_hash(self._folder / _DATABASE, self._wait_s)}
        for finished in self._folder.glob(f"*/{_FINISHED}"):
            for path in finished.parent.iterdir():
                name = path.relative_to(self._folder).as_posix()
                hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return hashes


def _rows_hash(path: Path, wait_s: float) -> str:
    """Hash every row that an SQLite file holds; sqlite3.Error when it is damaged, or locked for more than `wait_s`.

    It asks for the lock that the engine needs to open the file, because the engine itself would wait without an end.
    """
    digest = hashlib.sha256()
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=wait_s, isolation_level=None)) as database:
        database.text_factory = bytes
        database.execute("BEGIN EXCLUSIVE")
        if database.execute("PRAGMA integrity_check(1)").fetchall() != [(b"ok",)]:
            raise sqlite3.DatabaseError("integrity_check")
        # Chroma adds a row to acquire_write whenever it opens the file; a virtual table's rows lie in its own tables.
        tables = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name != 'acquire_write'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        )
        for name, sql in tables.fetchall():
            digest.update(sql)
            for row in database.execute(f'SELECT * FROM "{name.decode()}"'):
                digest.update(repr(row).encode())
    return digest.hexdigest()


def _raise_unless_damage(error: BaseException, folder: Path) -> None:
    """Return when the error may come from a damaged folder, which can be made anew; raise when it does not.

    The engine panics on damage with an exception that is no Exception, so all of them come here.
    """
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | InterviewerError):
        raise error
    _raise_if_locked(error, folder)


def _raise_if_locked(error: BaseException, folder: Path) -> None:
    text = str(error).lower()
    if "database is locked" in text or "database table is locked" in text:
        raise IndexFault("index_locked", path=folder) from error
    if any(sign in text for sign in ("readonly database", "read-only", "disk is full")):
        raise DataFolderError("data_folder", path=folder, reason=str(error)[:120]) from error
