"""Requests to one OpenAI-compatible endpoint: timed, bounded, retried, and their faults told apart."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception

from interviewer.errors import (
    LlmAuthFailed,
    LlmError,
    LlmServerFault,
    LlmTimedOut,
    LlmUnreachable,
)
from interviewer.llm_faults import (
    BRISK,
    Deadline,
    Failure,
    causes,
    failure_of,
    kind_of,
    message_of,
    retry_after,
    wait_of,
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


class Said(BaseModel):
    """The text of one choice, whole or a piece."""

    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    """One choice of a completion (`message`) or of a chunk (`delta`)."""

    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None

    def followed_by(self, piece: Choice) -> Choice:
        """Return the refusal and the end of a streamed answer so far, with one more chunk."""
        said = (self.delta and self.delta.refusal) or ""
        refusal = said + ((piece.delta and piece.delta.refusal) or "")
        return Choice(delta=Said(refusal=refusal), finish_reason=piece.finish_reason or self.finish_reason)


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
    """Cuts a request off at its deadline, also between two reads: a client's timeout begins anew with each byte."""

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
        self._base_url, self._api_key, self._sleep = base_url, api_key or NO_KEY, sleep
        self.url, self._local = self._shown_url()
        self._lock = threading.Lock()
        self._openai: Any = None
        self._thread = threading.local()

    def fault(self, kind: type[LlmError], detail: str = "", seconds: float = 0) -> LlmError:
        """Return the error with its detail on one short line, without the key."""
        detail = " ".join(self._without_key(detail).split())
        detail = detail if len(detail) <= _DETAIL else detail[: _DETAIL - 1] + "…"
        return kind(url=self.url, detail=detail, seconds=f"{seconds:g}")

    def retried(self, once: Callable[[], R], deadline: Deadline) -> R:
        """Return what `once` returns, repeated after faults that may pass; never sleeps past the deadline."""
        seen: Counter[str] = Counter()

        def over(state: RetryCallState) -> bool:
            failure = failure_of(state)
            seen[failure.error.key] += 1
            return seen[failure.error.key] >= failure.attempts or state.upcoming_sleep >= deadline.left()

        again = retry_if_exception(lambda error: isinstance(error, Failure) and error.attempts > 1)
        return Retrying(retry=again, wait=wait_of, stop=over, sleep=self._sleep, reraise=True)(once)

    def completion(self, body: dict[str, Any], deadline: Deadline) -> tuple[Choice, Tokens | None]:
        """Return the first choice of one answer, and the endpoint's count of its tokens."""
        packet = self._packet(b"".join(self._bytes("chat", body, deadline, _ANSWER_LIMIT)))
        if not packet.choices or packet.choices[0].message is None:
            raise Failure(self.fault(LlmServerFault, f"no completion but {packet.error or 'an empty one'}"))
        return packet.choices[0], packet.usage

    def packets(self, body: dict[str, Any], deadline: Deadline) -> Generator[Packet, None, None]:
        """Yield the chunks of one streamed answer up to its end; closing the generator closes the connection."""
        heard = False
        with closing(self._bytes("chat", body | {"stream": True}, deadline, _STREAM_LIMIT)) as pieces:
            for event in _events(pieces):
                heard = True
                packet = self._packet(event)
                if packet.error:
                    raise Failure(self.fault(LlmServerFault, str(packet.error)), BRISK)
                yield packet
        if not heard:
            raise Failure(self.fault(LlmServerFault, "no stream of events"))

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

    def _shown_url(self) -> tuple[str, bool]:
        try:
            parts = urlsplit(self._base_url)
        except ValueError:
            return self._without_key(self._base_url), False
        host = parts.netloc.rpartition("@")[2]
        return self._without_key(f"{parts.scheme}://{host}{parts.path}".rstrip("/")), parts.hostname in _LOCAL

    def _without_key(self, text: str) -> str:
        return text if self._api_key == NO_KEY else text.replace(self._api_key, "***")

    def _packet(self, raw: bytes) -> Packet:
        try:
            return Packet.model_validate_json(raw)
        except ValidationError:
            raise Failure(self.fault(LlmServerFault, f"no completion but {_shown(raw)}")) from None

    def _bytes(self, what: str, body: dict[str, Any], deadline: Deadline, limit: int) -> Generator[bytes, None, None]:
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
        import openai  # 0.9 s and 27 MB: not before an endpoint is used.

        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._watched], "response": [self._checked]}
        # A connection a request: only of a new one is the socket known that the watch may have to shut.
        fresh = httpx2.Limits(max_keepalive_connections=0)
        # A proxy of the environment does not lead to a server on this machine.
        http = openai.DefaultHttpxClient(verify=_trusted(), event_hooks=hooks, limits=fresh, trust_env=not self._local)
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
        kind, attempts = kind_of(status, body)
        error = self.fault(kind, f"{status} {message_of(body)}")
        failure = Failure(error, attempts, retry_after(headers), status, body.lower())
        if failure.about_format and kind is LlmServerFault:
            failure.attempts = 1
        return failure

    def _broken(self, error: Exception, deadline: Deadline) -> Failure:
        import httpx2

        chain = list(causes(error))
        if any(isinstance(cause, (httpx2.ReadTimeout, httpx2.WriteTimeout)) for cause in chain):
            return self.timed_out(deadline)
        told = next((str(cause.strerror) for cause in chain if isinstance(cause, OSError) and cause.strerror), "")
        told = told or str(chain[-1]) or type(chain[-1]).__name__
        if any(isinstance(cause, httpx2.ConnectTimeout) for cause in chain):
            return Failure(self.fault(LlmUnreachable, "no connection in time"))
        if any(isinstance(cause, (httpx2.ConnectError, httpx2.ProxyError)) for cause in chain):
            lasting = any(isinstance(cause, ssl.SSLError) for cause in chain)
            return Failure(self.fault(LlmUnreachable, told), 1 if lasting else BRISK, wait=0.4)
        if any(isinstance(cause, (httpx2.UnsupportedProtocol, httpx2.InvalidURL)) for cause in chain):
            return Failure(self.fault(LlmUnreachable, told))
        return Failure(self.fault(LlmServerFault, told), BRISK)


@cache
def _trusted() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()  # 30 ms, and the same for every client.


def _timeout(left: float) -> Any:  # noqa: ANN401
    import httpx2

    return httpx2.Timeout(left, connect=min(left, _CONNECT_SECONDS))


def _transport_errors() -> tuple[type[Exception], ...]:
    import httpx2
    import openai

    return openai.APIError, httpx2.HTTPError, httpx2.InvalidURL


def _shown(raw: bytes) -> str:
    return raw[:80].decode(errors="replace") or "nothing"


def _events(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for line in _lines(pieces):
        if line.startswith(b"data:"):
            if (event := line[5:].strip()) == b"[DONE]":
                return
            yield event


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(b"\n")
        yield from whole
    yield held
