"""Every error a user can meet, and what he can do about it.

InterviewerError
├── SettingsError           a setting has a value that cannot be used
├── BankError               question files with faults, all of them at once
├── NotFound                a topic, question or interview that does not exist
├── ReplyRefused            an empty, overlong or late reply; nothing was stored
├── FileRefused             a file given by the user that cannot be read
├── DataFolderError         the data folder or the database cannot be written
├── IndexFault              the vector index is locked or beyond repair
├── EncoderFault            the chosen encoder cannot be loaded or does not answer
├── PromptFault             a prompt file and its values do not fit
├── PortInUse               the page's port is taken
└── LlmError                the endpoint; its subclasses say which way it failed
    ├── LlmNotConfigured
    ├── LlmAuthFailed
    ├── LlmUnreachable
    ├── LlmTimedOut
    ├── LlmBusy
    ├── LlmServerFault
    ├── LlmRejected         the endpoint does not accept the request (model name, parameters)
    ├── LlmRefused          the model declined to answer
    ├── LlmTruncated        the answer was cut off
    └── LlmBadOutput        the answer does not fit the schema, after one repair

The sentences themselves live in words.toml, in Chinese and English.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interviewer.words import say


class InterviewerError(Exception):
    """A fault with a sentence for the user: `key` names it in words.toml, `values` fill it."""

    key: ClassVar[str] = ""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.name = key
        self.values = values

    def say(self, language: str) -> str:
        """Return the sentence for the user in `zh` or `en`."""
        return say(language, f"error.{self.name}", **self.values)

    def __str__(self) -> str:
        return self.say("en")


class SettingsError(InterviewerError):
    """A setting has a value that cannot be used."""


@dataclass(frozen=True)
class Fault:
    """One fault of one question file: where it is, in which field, what is wrong."""

    file: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: {self.message}"


class BankError(InterviewerError):
    """Question files that cannot be used; `faults` holds every one of them."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("bank_faults", count=len(faults), faults="\n".join(str(f) for f in faults))
        self.faults = tuple(faults)


class NotFound(InterviewerError):
    """A topic, question or interview that does not exist."""


class ReplyRefused(InterviewerError):
    """A reply that was not taken; nothing was stored and the text is still the user's."""


class FileRefused(InterviewerError):
    """A file given by the user that cannot be read."""


class DataFolderError(InterviewerError):
    """The data folder or the database in it cannot be read or written."""


class IndexFault(InterviewerError):
    """The vector index is locked by another process or cannot be rebuilt."""


class EncoderFault(InterviewerError):
    """The chosen encoder cannot be loaded or does not answer."""


class PromptFault(InterviewerError):
    """A prompt file and the values given to it do not fit."""


class PortInUse(InterviewerError):
    """The page's port is taken."""


class LlmError(InterviewerError):
    """The endpoint did not give a usable answer."""

    def __init__(self, **values: object) -> None:
        super().__init__(self.key, **values)


class LlmNotConfigured(LlmError):
    """No endpoint or model is set."""

    key = "llm_not_configured"


class LlmAuthFailed(LlmError):
    """The endpoint refused the key (401, 403)."""

    key = "llm_auth_failed"


class LlmUnreachable(LlmError):
    """Nothing answers at the base URL."""

    key = "llm_unreachable"


class LlmTimedOut(LlmError):
    """The call's budget of seconds was used up."""

    key = "llm_timed_out"


class LlmBusy(LlmError):
    """The endpoint kept answering 429."""

    key = "llm_busy"


class LlmServerFault(LlmError):
    """The endpoint kept answering 5xx, or with something that is no completion."""

    key = "llm_server_fault"


class LlmRejected(LlmError):
    """The endpoint does not accept the request: an unknown model, a parameter (4xx)."""

    key = "llm_rejected"


class LlmRefused(LlmError):
    """The model declined to answer, or answered nothing."""

    key = "llm_refused"


class LlmTruncated(LlmError):
    """The answer was cut off before its end."""

    key = "llm_truncated"


class LlmBadOutput(LlmError):
    """The answer does not fit the schema, after one repair."""

    key = "llm_bad_output"
