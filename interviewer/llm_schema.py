"""The answer of a model and its schema: asked for strictly, read leniently at the edges, validated strictly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from interviewer.prompts import Prompt

T = TypeVar("T", bound=BaseModel)
Rung = Literal["json_schema", "json_object", "text"]
RUNGS: tuple[Rung, ...] = ("json_schema", "json_object", "text")
Message = dict[str, str]

_ASK = "Answer with one JSON object that fits this JSON schema, and with nothing else (no Markdown, no comment):\n"
_REPAIR = "Your answer cannot be used: {fault}\nAnswer again, whole and corrected. "
# What strict structured output accepts everywhere; pydantic checks the rest of the schema after the answer.
_STRICT = frozenset(
    "type properties required items enum const anyOf description additionalProperties minItems maxItems minimum"
    " maximum $defs".split()
)
_THOUGHT, _THOUGHT_ENDS = "<think>", "</think>"
_ANSWER_SHOWN = 8000
_OPENINGS_TRIED = 20


def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema in the strict subset: closed objects, every property required.

    TypeError when the schema has an open dictionary or a tuple, which that subset cannot say.
    """
    return _strict(schema.model_json_schema(), schema.__name__)


def _strict(node: dict[str, Any], name: str) -> dict[str, Any]:
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    if "prefixItems" in node or (node.get("type") == "object" and "properties" not in node):
        raise TypeError(f"{name}: a strict schema has neither open dictionaries nor tuples")
    node = {("anyOf" if key == "oneOf" else key): value for key, value in node.items()}
    node = {key: value for key, value in node.items() if key in _STRICT}
    for key in ("properties", "$defs"):
        if key in node:
            node[key] = {field: _strict(value, f"{name}.{field}") for field, value in node[key].items()}
    if "items" in node:
        node["items"] = _strict(node["items"], name)
    if "anyOf" in node:
        node["anyOf"] = [_strict(value, name) for value in node["anyOf"]]
    if "properties" in node:
        node |= {"required": list(node["properties"]), "additionalProperties": False}
    return node


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What an answer gave: the value, or the fault in words for the model.

    `conforming` is False where an endpoint that keeps a JSON schema could not have answered so.
    """

    value: T | None
    fault: str
    conforming: bool


class Form(Generic[T]):
    """One schema as the messages and parameters that ask for it, and as the reader of what comes back."""

    def __init__(self, schema: type[T]) -> None:
        self._schema = schema
        self._strict = strict_schema(schema)
        self._text = _ASK + json.dumps(schema.model_json_schema(), ensure_ascii=False)

    def response_format(self, rung: Rung) -> dict[str, Any]:
        """Return the request's parameters for the rung."""
        if rung == "text":
            return {}
        if rung == "json_object":
            return {"response_format": {"type": "json_object"}}
        name = re.sub(r"[^A-Za-z0-9_-]", "_", self._schema.__name__)[:64]
        wanted = {"name": name, "strict": True, "schema": self._strict}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}

    def messages(self, prompt: Prompt, rung: Rung) -> list[Message]:
        """Return the prompt's messages, with the schema in words below the rung of json_schema."""
        asked = messages(prompt)
        if rung != "json_schema":
            asked[0] = asked[0] | {"content": f"{asked[0]['content']}\n\n{self._text}"}
        return asked

    def repair(self, answer: str, fault: str) -> list[Message]:
        """Return the messages that show the model its own answer and what is wrong with it."""
        told = {"role": "user", "content": _REPAIR.format(fault=fault) + self._text}
        return [{"role": "assistant", "content": answer[:_ANSWER_SHOWN]}, told]

    def read(self, answer: str) -> Reading[T]:
        """Return the reading of an answer: a fence or prose around the JSON is forgiven, nothing inside it is."""
        text = _object_in(answer)
        try:
            value = self._schema.model_validate_json(text, strict=True)
        except ValidationError as error:
            return Reading(None, _faults(error), not any(_of_shape(fault["type"]) for fault in error.errors()))
        return Reading(value, "", text == answer.strip())


def messages(prompt: Prompt) -> list[Message]:
    """Return the prompt as chat messages; no system message when there is no system text."""
    parts = [("system", prompt.system), ("user", prompt.user)]
    return [{"role": role, "content": text} for role, text in parts if text or role == "user"]


def _object_in(answer: str) -> str:
    text = answer.strip()
    if text.startswith("{") and text.endswith("}"):
        return text
    decoder = json.JSONDecoder()
    for opening in list(re.finditer(r"\{", text))[:_OPENINGS_TRIED]:
        try:
            _, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        return text[opening.start() : end]
    return text


def _of_shape(kind: str) -> bool:
    return kind in ("json_invalid", "missing", "extra_forbidden", "literal_error", "enum") or kind.endswith("_type")


def _faults(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)
    lines = [f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in found[:8]]
    return "; ".join(lines)


class Thoughts:
    """Drops a `<think>…</think>` at the start of an answer, whole or as it comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._open = True

    def feed(self, piece: str) -> str:
        """Return what of the text so far can be shown now."""
        if not self._open:
            return piece
        self._held += piece
        start = self._held.lstrip()
        if not start.startswith(_THOUGHT):
            return "" if _THOUGHT.startswith(start) else self._released(start)
        _, ended, rest = start.partition(_THOUGHT_ENDS)
        # White space after the thought is held back until the answer begins.
        return self._released(rest.lstrip()) if ended and rest.strip() else ""

    def rest(self) -> str:
        """Return what was held back when the text is over: the start of a tag that never was one."""
        start = self._held.lstrip()
        return "" if not self._open or start.startswith(_THOUGHT) else self._released(start)

    def _released(self, text: str) -> str:
        self._open, self._held = False, ""
        return text


def without_thoughts(text: str) -> str:
    """Return the answer without a thought at its start."""
    thoughts = Thoughts()
    return thoughts.feed(text) + thoughts.rest()
