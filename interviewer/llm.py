"""One client for any OpenAI-compatible endpoint: `ask` for a validated value, `stream` for text."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from interviewer.errors import (
    LlmBadOutput,
    LlmError,
    LlmNotConfigured,
    LlmRefused,
    LlmRejected,
    LlmServerFault,
    LlmTimedOut,
    LlmTruncated,
)
from interviewer.llm_abilities import Abilities, Memory
from interviewer.llm_schema import Form, Message, Rung, Thoughts, messages, without_thoughts
from interviewer.llm_wire import Deadline, Failure, Packet, Wire
from interviewer.prompts import Prompt
from interviewer.settings import Settings

T = TypeVar("T", bound=BaseModel)

OPENAI = "https://api.openai.com/v1"
MEMORY = "endpoints.json"
# Verdicts for a dozen points with quotes; a reasoning model's thoughts of a page or two before them.
MAX_TOKENS = 4096
_REJECTIONS = (400, 404, 415, 422, 500, 501)
_MALFORMED = (400, 422)


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
        started = self._clock()
        told = False
        try:
            call = self._call()
            first, texts = self._wire.retried(lambda: self._begun(prompt, call), call.deadline)
            with closing(texts):
                told = True
                yield first
                yield from texts
        except Failure as failure:
            raise self._cut_off(failure.error) if told else failure.error from None
        finally:
            self._count(Usage(seconds=self._clock() - started))

    def probe(self) -> Health:
        """Return how the endpoint is, by one tiny call that finds out anew what it accepts; LlmError when it is not well."""
        started = self._clock()

        def anew(call: _Call) -> Health:
            call.abilities = Abilities()
            self._asked(_PROBE, Form(_Ping), call)
            return Health(self.url, self._model, call.abilities.rung, self._clock() - started)

        return self._within(anew)

    def close(self) -> None:
        """Let go of the client; the endpoint stays usable."""
        self._wire.close()

    def _within(self, work: Callable[[_Call], Any]) -> Any:  # noqa: ANN401
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
                below = call.abilities.below()
                if not _steps_down(failure, call.abilities):
                    raise first or failure from None
                first = first or failure
                if below is None:
                    raise first from None
                call.abilities = below

    def _on_rung(self, prompt: Prompt, form: Form[T], call: _Call) -> T:
        asked = form.messages(prompt, call.abilities.rung)
        answer = self._answer(asked, form, call)
        reading = form.read(answer)
        conforming = reading.conforming
        if reading.value is None:
            asked += form.repair(answer, reading.fault)
            reading = form.read(self._answer(asked, form, call))
            if reading.value is None:
                raise Failure(self._wire.fault(LlmBadOutput, reading.fault))
        if not call.abilities.proven:
            # An answer that a kept schema would have prevented: the endpoint takes the parameter and ignores it.
            rung: Rung = call.abilities.rung if conforming else "text"
            call.abilities = call.abilities.model_copy(update={"rung": rung, "proven": True})
            self._learn(call.abilities)
        return reading.value

    def _answer(self, asked: list[Message], form: Form[T], call: _Call) -> str:
        body = {"model": self._model, "messages": asked, "temperature": 0, "seed": 0}
        body |= form.response_format(call.abilities.rung)
        return self._wire.retried(lambda: self._adapting(body, call, self._completed), call.deadline)

    def _adapting(
        self, body: dict[str, Any], call: _Call, send: Callable[[dict[str, Any], Deadline], T2]
    ) -> T2:
        while True:
            fitted = call.abilities.fitted(body, MAX_TOKENS)
            try:
                result = send(fitted, call.deadline)
            except Failure as failure:
                fewer = call.abilities.without(fitted, failure.body) if failure.status in _MALFORMED else None
                if fewer is None:
                    raise
                call.abilities = fewer
                continue
            if call.abilities.proven:
                self._learn(call.abilities)
            return result

    def _completed(self, body: dict[str, Any], deadline: Deadline) -> str:
        packet = self._wire.completion(body, deadline)
        self._counted(packet)
        choice = (packet.choices or [])[0]
        said = choice.message
        self._unless_ended_badly(choice.finish_reason, (said and said.refusal) or "")
        text = without_thoughts((said and said.content) or "").strip()
        if not text:
            raise self._empty()
        return text

    def _begun(self, prompt: Prompt, call: _Call) -> tuple[str, Iterator[str]]:
        body = {"model": self._model, "messages": messages(prompt), "stream_options": {"include_usage": True}}

        def begin(fitted: dict[str, Any], deadline: Deadline) -> tuple[str, Iterator[str]]:
            texts = self._texts(fitted, deadline)
            first = next(texts, "")
            if not first:
                raise self._empty()
            return first, texts

        return self._adapting(body, call, begin)

    def _texts(self, body: dict[str, Any], deadline: Deadline) -> Iterator[str]:
        thoughts, finish, refusal, heard = Thoughts(), None, "", False
        with closing(self._wire.packets(body, deadline)) as packets:
            for packet in packets:
                heard = True
                self._counted(packet) if packet.usage else None
                for choice in packet.choices or []:
                    finish = choice.finish_reason or finish
                    refusal += (choice.delta and choice.delta.refusal) or ""
                    if text := thoughts.feed((choice.delta and choice.delta.content) or ""):
                        yield text
        ...
