"""One client for any OpenAI-compatible endpoint: `ask` for a validated value, `stream` for text."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from interviewer.errors import (
    LlmBadOutput,
    LlmNotConfigured,
    LlmRefused,
    LlmRejected,
    LlmTimedOut,
    LlmTruncated,
)
from interviewer.llm_abilities import Abilities, Memory
from interviewer.llm_faults import Deadline, Failure
from interviewer.llm_schema import Form, Message, Rung, Thoughts, messages, without_thoughts
from interviewer.llm_wire import Choice, Said, Tokens, Wire
from interviewer.prompts import Prompt
from interviewer.settings import Settings

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")
Texts = Generator[str, None, None]

OPENAI = "https://api.openai.com/v1"
MEMORY = "endpoints.json"
# Verdicts for a dozen points with quotes; a reasoning model's thoughts of a page or two before them.
MAX_TOKENS = 4096
_REJECTIONS = (400, 404, 415, 422, 500, 501)
_MALFORMED = (400, 422)
_NO_END = "no end"


class Llm(Protocol):
    """A model that can be asked; every failure is an LlmError."""

    @property
    def model(self) -> str:
        """The model's name."""

    def ask(self, prompt: Prompt, schema: type[T]) -> T:
        """Return the answer as a valid value of the schema."""

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the answer's text as it comes."""


@dataclass(frozen=True)
class Usage:
    """What an endpoint was asked for: answers, tokens by its own count, seconds waited for it."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Health:
    """An endpoint that answers: its model, the form of answer that it keeps, the seconds of a tiny call."""

    url: str
    model: str
    rung: Rung
    seconds: float


class _Ping(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ok: bool


_PROBE = Prompt("probe", "", 'Answer {"ok": true}.', "")


@dataclass
class _Call:
    # One ask or stream: its deadline, and the abilities as far as it has found them out.
    deadline: Deadline
    abilities: Abilities


class Endpoint:
    """An Llm behind a base URL; one is shared by all sessions and threads.

    `budget_s` bounds one ask or stream in seconds, retries and repair included. `memory` is a file that keeps what the
    endpoint was found to accept. An empty `model` is the first that the endpoint lists.
    """

    def __init__(
        self,
        *,
        base_url: str = OPENAI,
        api_key: str = "",
        model: str = "",
        budget_s: float = 60.0,
        memory: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = Wire(base_url, api_key, sleep)
        self._memory = Memory(memory)
        self._model, self._budget, self._clock = model, budget_s, clock
        self._abilities: Abilities | None = None
        self._usage = Usage()
        self._lock = threading.Lock()
        self._resolving = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> Endpoint:
        """Return the endpoint of the settings; LlmNotConfigured when they name none."""
        if not settings.has_endpoint:
            raise LlmNotConfigured
        return cls(
            base_url=settings.base_url or OPENAI,
            api_key=settings.api_key.get_secret_value(),
            model=settings.model,
            budget_s=settings.llm_budget,
            memory=settings.data_dir / MEMORY,
        )

    @property
    def url(self) -> str:
        """The base URL, fit to be shown."""
        return self._wire.url

    @property
    def model(self) -> str:
        """The model's name; the first use may ask the endpoint for it."""
        return self._model or self._within(lambda call: self._model)

    @property
    def usage(self) -> Usage:
        """The sum over every call so far."""
        with self._lock:
            return self._usage

    def ask(self, prompt: Prompt, schema: type[T]) -> T:
        """Return the answer as a valid value of the schema; LlmError says which way it failed."""
        form = Form(schema)
        return self._within(lambda call: self._asked(prompt, form, call))

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the answer's text as it comes; an LlmError may follow text that was already yielded."""
        started, told = self._clock(), False
        try:
            call = self._call()
            first, texts = self._wire.retried(lambda: self._begun(prompt, call), call.deadline)
            with closing(texts):
                told = True
                yield first
                yield from texts
        except Failure as failure:
            broken = told and not isinstance(failure.error, (LlmTimedOut, LlmTruncated, LlmRefused))
            raise self._wire.fault(LlmTruncated, str(failure.error)) if broken else failure.error from None
        finally:
            self._count(Usage(seconds=self._clock() - started))

    def probe(self) -> Health:
        """Return how the endpoint is, by a tiny call that finds out anew what it accepts; raises LlmError."""
        started = self._clock()

        def anew(call: _Call) -> Health:
            call.abilities = Abilities()
            self._asked(_PROBE, Form(_Ping), call)
            return Health(self.url, self._model, call.abilities.rung, self._clock() - started)

        return self._within(anew)

    def close(self) -> None:
        """Let go of the client; the endpoint stays usable."""
        self._wire.close()

    def _within(self, work: Callable[[_Call], R]) -> R:
        started = self._clock()
        try:
            return work(self._call())
        except Failure as failure:
            raise failure.error from None
        finally:
            self._count(Usage(seconds=self._clock() - started))

    def _call(self) -> _Call:
        deadline = Deadline(self._budget, self._clock() + self._budget, self._clock)
        if not self._model or self._abilities is None:
            self._resolve(deadline)
        return _Call(deadline, self._abilities or Abilities())

    def _resolve(self, deadline: Deadline) -> None:
        if not self._resolving.acquire(timeout=deadline.left()):
            raise self._wire.timed_out(deadline)
        try:
            if not self._model:
                names = self._wire.retried(lambda: self._wire.models(deadline), deadline)
                if not names:
                    raise Failure(self._wire.fault(LlmRejected, "it lists no model"))
                self._model = names[0]
            if self._abilities is None:
                self._abilities = self._memory.recall(self.url, self._model)
        finally:
            self._resolving.release()

    def _asked(self, prompt: Prompt, form: Form[T], call: _Call) -> T:
        first: Failure | None = None
        while True:
            try:
                return self._on_rung(prompt, form, call)
            except Failure as failure:
                if not _steps_down(failure, call.abilities):
                    raise
                first = first or failure
                below = call.abilities.below()
                if below is None:
                    raise first from None
                call.abilities = below

    def _on_rung(self, prompt: Prompt, form: Form[T], call: _Call) -> T:
        asked = form.messages(prompt, call.abilities.rung)
        answer = self._answer(asked, form, call)
        reading = form.read(answer)
        kept = reading.conforming
        if reading.value is None:
            reading = form.read(self._answer(asked + form.repair(answer, reading.fault), form, call))
            if reading.value is None:
                raise Failure(self._wire.fault(LlmBadOutput, reading.fault))
        if not call.abilities.proven:
            # An answer that a kept schema would have prevented: the endpoint takes the parameter and ignores it.
            rung: Rung = "text" if call.abilities.rung == "json_schema" and not kept else call.abilities.rung
            call.abilities = call.abilities.model_copy(update={"rung": rung, "proven": True})
            self._learn(rung=rung, proven=True)
        return reading.value

    def _answer(self, asked: list[Message], form: Form[T], call: _Call) -> str:
        body = {"model": self._model, "messages": asked, "temperature": 0, "seed": 0}
        body |= form.response_format(call.abilities.rung)
        return self._wire.retried(lambda: self._adapted(body, call, self._completed), call.deadline)

    def _adapted(self, body: dict[str, Any], call: _Call, send: Callable[[dict[str, Any], Deadline], R]) -> R:
        while True:
            fitted = call.abilities.fitted(body, MAX_TOKENS)
            try:
                result = send(fitted, call.deadline)
            except Failure as failure:
                fewer = call.abilities.without(fitted, failure.body) if failure.status in _MALFORMED else None
                if fewer is None:
                    raise
                call.abilities = fewer
            else:
                self._learn(limit=call.abilities.limit, dropped=call.abilities.dropped)
                return result

    def _completed(self, body: dict[str, Any], deadline: Deadline) -> str:
        choice, tokens = self._wire.completion(body, deadline)
        self._count(_usage(tokens))
        said = choice.message or Said()
        self._unless_cut(choice.finish_reason, said.refusal or "")
        return without_thoughts(said.content or "").strip() or self._nothing()

    def _begun(self, prompt: Prompt, call: _Call) -> tuple[str, Texts]:
        body = {"model": self._model, "messages": messages(prompt), "stream_options": {"include_usage": True}}

        def begun(fitted: dict[str, Any], deadline: Deadline) -> tuple[str, Texts]:
            texts = self._texts(fitted, deadline)
            return next(texts, "") or self._nothing(), texts

        return self._adapted(body, call, begun)

    def _texts(self, body: dict[str, Any], deadline: Deadline) -> Texts:
        thoughts, whole = Thoughts(), Choice()
        tokens: Tokens | None = None
        with closing(self._wire.packets(body, deadline)) as packets:
            try:
                for packet in packets:
                    tokens = packet.usage or tokens
                    for choice in packet.choices or []:
                        whole = whole.followed_by(choice)
                        if text := thoughts.feed((choice.delta and choice.delta.content) or ""):
                            yield text
            except Failure:
                if whole.finish_reason is None:
                    raise
        self._count(_usage(tokens))
        self._unless_cut(whole.finish_reason or _NO_END, (whole.delta and whole.delta.refusal) or "")
        if text := thoughts.rest():
            yield text

    def _unless_cut(self, finish: str | None, refusal: str) -> None:
        if refusal:
            raise Failure(self._wire.fault(LlmRefused, refusal))
        if finish == "content_filter":
            raise Failure(self._wire.fault(LlmRefused, finish))
        if finish == "length":
            raise Failure(self._wire.fault(LlmTruncated, f"finish_reason length, {MAX_TOKENS} tokens"))
        if finish == _NO_END:
            raise Failure(self._wire.fault(LlmTruncated, "the stream ended early"), attempts=2)

    def _nothing(self) -> str:
        raise Failure(self._wire.fault(LlmRefused, "an empty answer"), attempts=2, wait=0.0)

    def _learn(self, **found: object) -> None:
        with self._lock:
            known = self._abilities or Abilities()
            learnt = self._abilities = known.model_copy(update=found)
        if learnt != known:
            self._memory.keep(self.url, self._model, learnt)

    def _count(self, usage: Usage) -> None:
        with self._lock:
            self._usage += usage


def _usage(tokens: Tokens | None) -> Usage:
    told = tokens or Tokens()
    return Usage(1, told.prompt_tokens or 0, told.completion_tokens or 0)


def _steps_down(failure: Failure, abilities: Abilities) -> bool:
    if failure.about_format and failure.status in _REJECTIONS:
        return True
    return failure.status in _MALFORMED and not abilities.proven
