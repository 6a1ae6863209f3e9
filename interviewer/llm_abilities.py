"""What an endpoint was found to accept, and the file that remembers it between runs."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from interviewer.llm_schema import RUNGS, Rung

Limit = Literal["max_tokens", "max_completion_tokens", ""]
# Local servers know max_tokens alone, newer hosted models max_completion_tokens alone; some take neither.
_LIMITS: tuple[Limit, ...] = ("max_tokens", "max_completion_tokens", "")
_OPTIONAL = ("seed", "temperature", "stream_options")


class Abilities(BaseModel):
    """The form of answer that an endpoint keeps (`proven` once it did), and the parameters that it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rung: Rung = "json_schema"
    proven: bool = False
    limit: Limit = "max_tokens"
    dropped: tuple[str, ...] = ()

    def fitted(self, body: dict[str, Any], max_tokens: int) -> dict[str, Any]:
        """Return the request without the parameters that the endpoint does not know, and with its length limit."""
        kept = {key: value for key, value in body.items() if key not in self.dropped}
        return kept | ({self.limit: max_tokens} if self.limit else {})

    def without(self, body: dict[str, Any], complaint: str) -> Abilities | None:
        """Return the abilities after a rejection of this request that names parameters in it; None if it names none."""
        named = {name for name in (*_OPTIONAL, self.limit) if name in body and re.search(rf"\b{name}\b", complaint)}
        if not named:
            return None
        limit = _LIMITS[_LIMITS.index(self.limit) + 1] if self.limit in named else self.limit
        dropped = {*self.dropped, *named.difference(_LIMITS)}
        return self.model_copy(update={"limit": limit, "dropped": tuple(sorted(dropped))})

    def below(self) -> Abilities | None:
        """Return the abilities one rung down, unproven; None below the last."""
        at = RUNGS.index(self.rung) + 1
        return self.model_copy(update={"rung": RUNGS[at], "proven": False}) if at < len(RUNGS) else None


class Memory:
    """A JSON file of abilities by endpoint and model; one that cannot be read or written is as good as none."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()

    def recall(self, url: str, model: str) -> Abilities:
        """Return what was found out before, or what is tried first."""
        try:
            return Abilities.model_validate(self._all()[_key(url, model)])
        except (KeyError, ValidationError):
            return Abilities()

    def keep(self, url: str, model: str, abilities: Abilities) -> None:
        """Write what was found out; the file is whole at any moment."""
        if self._file is None:
            return
        with self._lock, suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            known = self._all() | {_key(url, model): abilities.model_dump(mode="json")}
            _replace(self._file, json.dumps(known, ensure_ascii=False, indent=1))

    def _all(self) -> dict[str, Any]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8")) if self._file else {}
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}


def _key(url: str, model: str) -> str:
    return f"{url} {model}"


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as part:
            part.write(text)
        os.replace(name, file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
