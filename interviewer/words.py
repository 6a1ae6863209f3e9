"""The words of the program, Chinese and English, from one catalogue (words.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return `section.key` → {language: sentence with {placeholders}}."""
    raw = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": entry for section, entries in raw.items() for key, entry in entries.items()}


def say(language: str, key: str, /, **values: object) -> str:
    """Return the sentence `key` in `language` (Chinese when the language is unknown), its placeholders filled."""
    entry = catalogue()[key]
    return entry.get(language, entry["zh"]).format(**values)
