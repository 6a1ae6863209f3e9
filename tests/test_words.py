"""words.toml and the code that says its sentences, held together by reading the source."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import interviewer
from interviewer import doctor, errors, words
from interviewer.bank import KeyPoint
from interviewer.records import Band, Cap, Grade, Verdict

SECTIONS = "|".join(sorted({key.partition(".")[0] for key in words.catalogue()}))
KEY = re.compile(rf"({SECTIONS})\.(?!css$)[a-z][a-z0-9_]*")
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
LLM_VALUES = {"url", "detail", "seconds"}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@cache
def modules() -> dict[str, ast.Module]:
    root = Path(interviewer.__file__).parent
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.py"))}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in found.items()}


def nodes(kind: type) -> list[tuple[str, ast.AST]]:
    found = [(name, node) for name, tree in modules().items() for node in ast.walk(tree) if isinstance(node, kind)]
    assert found
    return [(f"{name}:{node.lineno}", node) for name, node in found]


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@cache
def spoken() -> dict[str, str]:
    """Return every whole key in the source, and where it stands."""
    pieces = {id(piece) for _, text in nodes(ast.JoinedStr) for piece in text.values}
    found = {
        node.value: place
        for place, node in nodes(ast.Constant)
        if isinstance(node.value, str) and id(node) not in pieces and KEY.fullmatch(node.value)
    }
    for place, node in nodes(ast.Call):
        if called(node) in {*ERRORS, "__init__"} and node.args and isinstance(node.args[0], ast.Constant):
            found[f"error.{node.args[0].value}"] = place
    llm = {f"error.{kind.key}": "errors.py" for kind in errors.LlmError.__subclasses__()}
    return found | llm


@cache
def families() -> dict[str, str]:
    """Return every beginning of a key that an f-string completes, and where it stands."""
    begun = {}
    for place, node in nodes(ast.JoinedStr):
        first = node.values[0]
        if isinstance(first, ast.Constant) and KEY.fullmatch(f"{first.value}x"):
            begun[first.value] = place
    return begun


@cache
def said_apart() -> set[str]:
    """Return every word of the source's strings and every number: what may complete an f-string."""
    values = [node.value for _, node in nodes(ast.Constant)]
    return {word for value in values if isinstance(value, str | int) for word in re.findall(r"[a-z0-9_]+", str(value))}


def test_every_sentence_is_there_in_both_languages_with_the_same_placeholders():
    for key, entry in words.catalogue().items():
        assert set(entry) == set(words.LANGUAGES), key
        assert placeholders(entry["zh"]) == placeholders(entry["en"]), key
        assert all(sentence == sentence.strip() and sentence for sentence in entry.values()), key


def test_every_sentence_is_written_in_its_language():
    han = re.compile(r"[\u4e00-\u9fff]")
    for key, entry in words.catalogue().items():
        assert not han.search(entry["en"]), key
        assert han.search(entry["zh"]) or not re.search(r"[a-z]{4}", re.sub(r"{\w+}", "", entry["zh"])), key


def test_every_key_that_the_code_says_is_in_the_catalogue():
    missing = {key: place for key, place in spoken().items() if key not in words.catalogue()}
    assert not missing
    assert not [begun for begun in families() if not any(key.startswith(begun) for key in words.catalogue())]


def test_every_sentence_of_the_catalogue_is_said_somewhere():
    def said(key: str) -> bool:
        ends = [key.removeprefix(begun) for begun in families() if key.startswith(begun) and begun != "error."]
        return key in spoken() or any(end in said_apart() for end in ends)

    unused = [key for key in words.catalogue() if not said(key)]
    assert not unused


@pytest.mark.parametrize(
    ("begun", "ends"),
    [
        ("verdict.", [verdict.value for verdict in Verdict]),
        ("band.", get_args(Band)),
        ("doctor.state_", get_args(doctor.State)),
        ("grader.", get_args(Grade.model_fields["grader"].annotation)),
        ("page.cap_", [cap for cap in get_args(Cap) if cap]),
        ("page.weight_", get_args(KeyPoint.model_fields["weight"].annotation)),
    ],
)
def test_a_family_of_sentences_has_one_for_each_of_its_values(begun, ends):
    assert begun in families()
    have = {key for key in words.catalogue() if key.startswith(begun)}
    assert have == {f"{begun}{end}" for end in ends}


def test_what_is_filled_in_is_what_the_sentence_has_places_for():
    wrong = []
    for place, node in nodes(ast.Call):
        given = {keyword.arg for keyword in node.keywords}
        if None in given:
            continue
        if called(node) == "say" and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
            key = node.args[1].value
        elif called(node) in ERRORS and node.args and isinstance(node.args[0], ast.Constant):
            key = f"error.{node.args[0].value}"
        else:
            continue
        wanted = placeholders(words.catalogue().get(key, {}).get("zh", ""))
        if wanted != given:
            wrong.append(f"{place}: {key} has places for {sorted(wanted)}, given {sorted(given)}")
    assert not wrong


def test_a_fault_of_the_endpoint_can_always_be_said():
    for kind in errors.LlmError.__subclasses__():
        fault = kind(**dict.fromkeys(LLM_VALUES, "x"))
        assert fault.say("zh") and fault.say("en")
    assert errors.LlmNotConfigured().say("zh")


def test_a_language_that_is_unknown_is_answered_in_chinese_and_values_are_not_filled_twice():
    assert words.say("fr", "report.title") == words.say("zh", "report.title")
    assert "{count}" in words.say("en", "error.unknown_interview", interview="{count} {0} {x!r}")
    assert words.say("en", "error.unknown_interview", interview="a") == str(
        errors.NotFound("unknown_interview", interview="a")
    )
