"""Prompts: Markdown files with `$name`, rendered strictly, each with the digest of its file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from string import Template

from interviewer.errors import PromptFault
from interviewer.settings import packaged

PROMPTS = packaged("prompts")
_PARTING = "---"


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt; `digest` (16 hex digits) names the version of the file that it came from."""

    name: str
    system: str
    user: str
    digest: str


def render(name: str, /, folder: Path = PROMPTS, **values: str) -> Prompt:
    """Return `<folder>/<name>.md` with every `$placeholder` filled once, and `$$` as a dollar.

    The first line that is exactly `---` parts the system text from the user text; without one, all is user text.
    PromptFault when the file is missing, or its placeholders and the values are not the same names.
    """
    try:
        text = (folder / f"{name}.md").read_text(encoding="utf-8")
    except OSError:
        raise PromptFault("prompt_missing", prompt=name) from None
    template = Template(text)
    wanted = set(template.get_identifiers())
    missing, unused = sorted(wanted - values.keys()), sorted(values.keys() - wanted)
    if not template.is_valid():
        missing.append("$? ($$ is a dollar)")
    if missing or unused:
        named = {"missing": ", ".join(missing) or "-", "unused": ", ".join(unused) or "-"}
        raise PromptFault("prompt_values", prompt=name, **named)
    system, user = (Template(part).substitute(values).strip() for part in _parted(text))
    return Prompt(name, system, user, hashlib.sha256(text.encode()).hexdigest()[:16])


def _parted(text: str) -> tuple[str, str]:
    # Parted before the values are filled in: a value that holds a line `---` moves nothing.
    lines = text.splitlines()
    if _PARTING not in lines:
        return "", text
    at = lines.index(_PARTING)
    return "\n".join(lines[:at]), "\n".join(lines[at + 1 :])


def fence(text: str, token: str) -> str:
    """Return untrusted text between delimiters that it cannot forge.

    `token` is fresh and unguessable at each call site (`secrets.token_hex(8)`); the text loses every occurrence of it.
    """
    if not token:
        raise ValueError("a fence needs a token")
    while token in text:  # Removing one can join the halves of another.
        text = text.replace(token, "")
    return f"<<<{token}\n{text}\n{token}>>>"
