from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviewer.errors import PromptFault
from interviewer.prompts import PROMPTS, fence, render

TEXT = "You grade $topic.\n\n---\n\nQuestion: $question\nIt costs $$5.\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "grade.md").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_a_prompt_is_parted_filled_and_digested(folder):
    prompt = render("grade", folder, topic="归一化", question="BN 是什么？")
    assert (prompt.name, prompt.system) == ("grade", "You grade 归一化.")
    assert prompt.user == "Question: BN 是什么？\nIt costs $5."
    assert prompt.digest == hashlib.sha256(TEXT.encode()).hexdigest()[:16]


def test_a_value_is_never_substituted_again(folder):
    prompt = render("grade", folder, topic="$question", question="$topic ${topic} $$ {x}")
    assert prompt.system == "You grade $question."
    assert prompt.user.startswith("Question: $topic ${topic} $$ {x}")


def test_a_value_with_a_parting_line_stays_where_it_is(folder):
    prompt = render("grade", folder, topic="a\n---\nb", question="c\n---\nd")
    assert prompt.system == "You grade a\n---\nb."
    assert prompt.user.startswith("Question: c\n---\nd")


def test_a_prompt_without_a_parting_line_is_all_user_text(tmp_path):
    (tmp_path / "short.md").write_text("Hello $name\n", encoding="utf-8")
    prompt = render("short", tmp_path, name="Ann")
    assert (prompt.system, prompt.user) == ("", "Hello Ann")


def test_missing_and_unused_values_are_named(folder):
    with pytest.raises(PromptFault) as caught:
        render("grade", folder, question="q", extra="e")
    assert caught.value.name == "prompt_values"
    assert (caught.value.values["missing"], caught.value.values["unused"]) == ("topic", "extra")


def test_a_lone_dollar_is_a_fault(tmp_path):
    (tmp_path / "bad.md").write_text("It costs $5.", encoding="utf-8")
    with pytest.raises(PromptFault, match=r"\$\$ is a dollar"):
        render("bad", tmp_path)


def test_a_prompt_that_does_not_exist_is_named(folder):
    with pytest.raises(PromptFault, match="no-such") as caught:
        render("no-such", folder)
    assert caught.value.name == "prompt_missing"


def test_the_digest_changes_with_the_file_alone(folder):
    before = render("grade", folder, topic="a", question="b").digest
    assert render("grade", folder, topic="c", question="d").digest == before
    (folder / "grade.md").write_text(TEXT + "\n", encoding="utf-8")
    assert render("grade", folder, topic="a", question="b").digest != before


def test_no_prompt_file_has_a_stray_placeholder():
    stray = {path.name: re.findall(r"(?<![{$])\{[a-z_]+\}", path.read_text("utf-8")) for path in PROMPTS.glob("*.md")}
    assert not {name: found for name, found in stray.items() if found}


@given(st.text(alphabet="tok<>{}\n ", max_size=60))
def test_fenced_text_cannot_close_its_fence(text):
    fenced = fence(text, "tok")
    assert fenced.startswith("<<<tok\n")
    assert fenced.endswith("\ntok>>>")
    assert fenced.count("tok") == 2


def test_a_fence_needs_a_token():
    with pytest.raises(ValueError, match="token"):
        fence("text", "")
