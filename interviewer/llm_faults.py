"""The ways a request fails: what the error is, how often to try again, and after how long."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tenacity import RetryCallState, wait_exponential, wait_random

from interviewer.errors import LlmAuthFailed, LlmBusy, LlmError, LlmRejected, LlmServerFault

_TRANSIENT = (408, 409, 500, 502, 503, 504)
_FORMAT_WORDS = re.compile(r"response_format|json_schema|json_object|json schema|structured output|guided|grammar")
PATIENT, BRISK = 5, 3
_back_off = wait_exponential(multiplier=0.5, max=8) + wait_random(0, 0.5)


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


def failure_of(state: RetryCallState) -> Failure:
    """Return the failure that is about to be retried."""
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, Failure):
        raise TypeError("only a Failure is retried")
    return failure


def wait_of(state: RetryCallState) -> float:
    """Return the seconds before the next attempt: what the failure asks for, else growing ones with jitter."""
    asked = failure_of(state).wait
    return _back_off(state) if asked is None else asked


def kind_of(status: int, body: str) -> tuple[type[LlmError], int]:
    """Return which error an HTTP status is, and how often it may happen in one call."""
    if status in (401, 403):
        return LlmAuthFailed, 1
    if status == 429:
        return LlmBusy, 1 if "insufficient_quota" in body else PATIENT
    if status in _TRANSIENT or status > 504:
        return LlmServerFault, PATIENT
    return LlmRejected, 1


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as seconds or as a date."""
    told = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(told))
    with suppress(ValueError):
        then = parsedate_to_datetime(told)
        return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


def message_of(body: str) -> str:
    """Return the sentence in the body of a fault: JSON of the usual forms, HTML or text."""
    told: Any = body
    with suppress(ValueError, RecursionError):
        told = json.loads(body)
    for key in ("error", "message", "detail"):
        if isinstance(told, dict) and told.get(key):
            told = told[key]
    if not isinstance(told, str):
        return json.dumps(told, ensure_ascii=False)
    return re.sub(r"<(style|script|head)\b.*?</\1>|<[^>]*>", " ", told, flags=re.DOTALL | re.IGNORECASE)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from, the root last."""
    while error is not None:
        yield error
        error = error.__cause__
