"""Requests to one OpenAI-compatible endpoint: timed, bounded, retried, and their faults told apart."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from interviewer.errors import (
    LlmAuthFailed,
    LlmBusy,
    LlmError,
    LlmRejected,
    LlmServerFault,
    LlmTimedOut,
    LlmUnreachable,
)

R = TypeVar("R")

NO_KEY = "none"
_MIB = 1 << 20
_ANSWER_LIMIT = _MIB
_STREAM_LIMIT = 16 * _MIB  # A streamed token costs some 250 bytes of JSON.
_FAULT_LIMIT = 1 << 16
_DETAIL = 200
_CONNECT_SECONDS = 5.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_TRANSIENT = (408, 409, 500, 502, 503, 504)
_FORMAT_WORDS = re.compile(r"response_format|json_schema|json_object|json schema|structured output|guided|grammar")
_PATIENT, _BRISK = 5, 3
_back_off = wait_exponential_jitter(initial=0.5, max=8, jitter=0.5)


@dataclass(frozen=True)
class Deadline:
    """The end of one call's budget, in the clock's seconds."""

    seconds: float
    end: float
    clock: Callable[[], float]

    def left(self) -> float:
        """Return the seconds that are left, not below 0."""
        return max(0.0, self.end - self.clock())


class Failure(Exception):
    """One request that failed: the error that it is unless something more can be tried.

    `attempts` is how often this kind may happen in one call; `wait` overrules the back-off, in seconds.
    """

    def __init__(
        self, error: LlmError, attempts: int = 1, wait: float | None = None, status: int = 0, body: str = ""
    ) -> None:
        super().__init__(error.key)
        self.error = error
        self.attempts = attempts
        self.wait = wait
        self.status = status
        self.body = body

    @property
    def about_format(self) -> bool:
        """Whether the endpoint turned down the form of answer that was asked for."""
        return self.status >= 400 and bool(_FORMAT_WORDS.search(self.body))


class Said(BaseModel):
    """The text of one choice, whole or a piece."""

    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    """One choice of a completion (`message`) or of a chunk (`delta`)."""

    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None


class Tokens(BaseModel):
    """The endpoint's own count."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Packet(BaseModel):
    """A completion or a chunk, as far as it is read."""

    choices: list[Choice] | None = None
    usage: Tokens | None = None
    error: object = None


class _Models(BaseModel):
    class _Model(BaseModel):
        id: str

    data: list[_Model]


class _Watch:
    """Cuts a request off at its deadline, also between two reads: a timeout of the client begins anew with each byte."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def trace(self, event: str, values: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = values["return_value"].get_extra_info("socket")
            if self.expired:
                self._shut()

    def _cut(self) -> None:
        self.expired = True
        self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._timer.cancel()


class Wire:
    """The endpoint as bytes: one request at a time each, safe to share between threads.

    Every method raises Failure alone; `retried` repeats what may be repeated.
    """

    def __init__(self, base_url: str, api_key: str, sleep: Callable[[float], None]) -> None:
        parts = urlsplit(base_url)
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
        self._base_url, self._api_key, self._sleep = base_url, api_key or NO_KEY, sleep
        self._local = parts.hostname in _LOCAL
        self._lock = threading.Lock()
        self._openai: Any = None
        self._thread = threading.local()

    def fault(self, kind: type[LlmError], detail: str = "", seconds: float = 0) -> LlmError:
        """Return the error with its detail on one short line, without the key."""
        if self._api_key != NO_KEY:
            detail = detail.replace(self._api_key, "***")
        detail = " ".join(detail.split())
        detail = detail if len(detail) <= _DETAIL else detail[: _DETAIL - 1] + "…"
        return kind(url=self.url, detail=detail, seconds=f"{seconds:g}")

    def retried(self, once: Callable[[], R], deadline: Deadline) -> R:
        """Return what `once` returns, repeated after faults that may pass; never sleeps past the deadline."""
        seen: Counter[str] = Counter()

        def over(state: RetryCallState) -> bool:
            failure = _failure_of(state)
            seen[failure.error.key] += 1
            return seen[failure.error.key] >= failure.attempts or state.upcoming_sleep >= deadline.left()

        again = retry_if_exception(lambda error: isinstance(error, Failure) and error.attempts > 1)
        return Retrying(retry=again, wait=_wait, stop=over, sleep=self._sleep, reraise=True)(once)

    def completion(self, body: dict[str, Any], deadline: Deadline) -> Packet:
        """Return the answer to one request; it has a choice with a message."""
        packet = self._packet(b"".join(self._bytes("chat", body, deadline, _ANSWER_LIMIT)))
        if not packet.choices or packet.choices[0].message is None:
            raise Failure(self.fault(LlmServerFault, f"no completion but {packet.error or 'an empty one'}"))
        return packet

    def packets(self, body: dict[str, Any], deadline: Deadline) -> Iterator[Packet]:
        """Yield the chunks of one streamed answer up to its end; closing the generator closes the connection."""
        with closing(self._bytes("chat", body | {"stream": True}, deadline, _STREAM_LIMIT)) as pieces:
            for line in _lines(pieces):
                if line.startswith(b"data:"):
                    if (data := line[5:].strip()) == b"[DONE]":
                        return
                    packet = self._packet(data)
                    if packet.error:
                        raise Failure(self.fault(LlmServerFault, str(packet.error)), _BRISK)
                    yield packet

    def models(self, deadline: Deadline) -> list[str]:
        """Return the names of the endpoint's models."""
        raw = b"".join(self._bytes("models", {}, deadline, _ANSWER_LIMIT))
        try:
            return [model.id for model in _Models.model_validate_json(raw).data]
        except ValidationError:
            raise Failure(self.fault(LlmServerFault, f"no list of models but {_shown(raw)}")) from None

    def close(self) -> None:
        """Close the client; a later request opens another."""
        with self._lock:
            if self._openai is not None:
                self._openai.close()
            self._openai = None

    def timed_out(self, deadline: Deadline) -> Failure:
        """Return the failure of a call whose budget is used up."""
        return Failure(self.fault(LlmTimedOut, seconds=deadline.seconds))

    def _packet(self, raw: bytes) -> Packet:
        try:
            return Packet.model_validate_json(raw)
        except ValidationError:
            raise Failure(self.fault(LlmServerFault, f"no completion but {_shown(raw)}")) from None

    def _bytes(self, what: str, body: dict[str, Any], deadline: Deadline, limit: int) -> Iterator[bytes]:
        send = self._request(what)
        if (left := deadline.left()) <= 0:
            raise self.timed_out(deadline)
        watch = self._thread.watch = _Watch(left)
        try:
            with send(**body, timeout=_timeout(left)) as response:
                yield from self._bounded(response.iter_bytes(), limit, deadline)
            if watch.expired:  # A body without a length just ends when it is cut.
                raise self.timed_out(deadline)
        except _transport_errors() as error:
            failure = self._broken(error, deadline)
            raise self.timed_out(deadline) if watch.expired else failure from None
        finally:
            watch.stop()

    def _bounded(self, pieces: Iterator[bytes], limit: int, deadline: Deadline) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise Failure(self.fault(LlmServerFault, f"an answer above {limit} bytes"))
            if deadline.left() <= 0:
                raise self.timed_out(deadline)
            yield piece

    def _request(self, what: str) -> Callable[..., Any]:
        client = self._client()
        if what == "chat":
            return cast("Callable[..., Any]", client.chat.completions.with_streaming_response.create)
        return cast("Callable[..., Any]", client.models.with_streaming_response.list)

    def _client(self) -> Any:  # noqa: ANN401 - its type would import openai
        with self._lock:
            if self._openai is None:
                if re.search(r"[^!-~]", self._api_key):
                    raise Failure(self.fault(LlmAuthFailed, "the key holds characters that no key has"))
                self._openai = self._opened()
            return self._openai

    def _opened(self) -> Any:  # noqa: ANN401
        import httpx2
        import openai  # 0.9 s and 45 MB: not before an endpoint is used.

        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._watched], "response": [self._checked]}
        # A connection a request: only of a new one is the socket known that the watch may have to shut.
        fresh = httpx2.Limits(max_keepalive_connections=0)
        # A proxy of the environment does not lead to a server on this machine.
        http = openai.DefaultHttpxClient(event_hooks=hooks, limits=fresh, trust_env=not self._local)
        try:
            return openai.OpenAI(
                api_key=self._api_key, base_url=self._base_url, max_retries=0, http_client=http, timeout=None
            )
        except (openai.OpenAIError, httpx2.InvalidURL, ValueError) as error:
            http.close()
            raise Failure(self.fault(LlmUnreachable, str(error))) from None

    def _watched(self, request: Any) -> None:  # noqa: ANN401
        request.extensions["trace"] = self._thread.watch.trace

    def _checked(self, response: Any) -> None:  # noqa: ANN401
        # Here and not from openai's own errors: those read the whole body first, however long it is.
        if not response.is_error:
            return
        body = b""
        for piece in response.iter_bytes(4096):
            body += piece
            if len(body) > _FAULT_LIMIT:
                break
        raise self._turned_down(response.status_code, response.headers, body.decode(errors="replace"))

    def _turned_down(self, status: int, headers: Mapping[str, str], body: str) -> Failure:
        kind, attempts = _kind(status, body)
        error = self.fault(kind, f"{status} {_message(body)}")
        failure = Failure(error, attempts, _retry_after(headers), status, body.lower())
        if failure.about_format and kind is LlmServerFault:
            failure.attempts = 1
        return failure

    def _broken(self, error: Exception, deadline: Deadline) -> Failure:
        import httpx2

        causes = list(_causes(error))
        if any(isinstance(cause, (httpx2.ReadTimeout, httpx2.WriteTimeout)) for cause in causes):
            return self.timed_out(deadline)
        told = next((str(cause.strerror) for cause in causes if isinstance(cause, OSError) and cause.strerror), "")
        told = told or str(causes[-1]) or type(causes[-1]).__name__
        if any(isinstance(cause, httpx2.ConnectTimeout) for cause in causes):
            return Failure(self.fault(LlmUnreachable, "no connection in time"))
        if any(isinstance(cause, (httpx2.ConnectError, httpx2.ProxyError)) for cause in causes):
            lasting = any(isinstance(cause, ssl.SSLError) for cause in causes)
            return Failure(self.fault(LlmUnreachable, told), 1 if lasting else _BRISK, wait=0.4)
        if any(isinstance(cause, (httpx2.UnsupportedProtocol, httpx2.InvalidURL)) for cause in causes):
            return Failure(self.fault(LlmUnreachable, told))
        return Failure(self.fault(LlmServerFault, told), _BRISK)


def _failure_of(state: RetryCallState) -> Failure:
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, Failure):
        raise TypeError("only a Failure is retried")
    return failure


def _wait(state: RetryCallState) -> float:
    asked = _failure_of(state).wait
    return _back_off(state) if asked is None else asked


def _kind(status: int, body: str) -> tuple[type[LlmError], int]:
    if status in (401, 403):
        return LlmAuthFailed, 1
    if status == 429:
        return LlmBusy, 1 if "insufficient_quota" in body else _PATIENT
    if status in _TRANSIENT or status > 504:
        return LlmServerFault, _PATIENT
    return LlmRejected, 1


def _retry_after(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(told))
    with suppress(ValueError):
        then = parsedate_to_datetime(told)
        return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


def _message(body: str) -> str:
    told: Any = body
    with suppress(ValueError, RecursionError):
        told = json.loads(body)
    for key in ("error", "message", "detail"):
        if isinstance(told, dict) and told.get(key):
            told = told[key]
    if not isinstance(told, str):
        return json.dumps(told, ensure_ascii=False)
    return re.sub(r"<(style|script|head)\b.*?</\1>|<[^>]*>", " ", told, flags=re.DOTALL | re.IGNORECASE)


def _timeout(left: float) -> Any:  # noqa: ANN401
    import httpx2

    return httpx2.Timeout(left, connect=min(left, _CONNECT_SECONDS))


def _transport_errors() -> tuple[type[Exception], ...]:
    import httpx2
    import openai

    return openai.APIError, httpx2.HTTPError, httpx2.InvalidURL


def _shown(raw: bytes) -> str:
    return raw[:80].decode(errors="replace") or "nothing"


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(b"\n")
        yield from whole
    yield held


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
