"""A reference answer drafted by a model for a question that came without one."""

from __future__ import annotations

import secrets
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from interviewer.importing.rows import Row
from interviewer.llm import Llm
from interviewer.prompts import fence, render


class DraftPoint(BaseModel):
    """One key point as a model drafts it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=2, max_length=200)
    weight: Literal[1, 2, 3]
    terms: list[str] = Field(max_length=12)
    says: list[str] = Field(max_length=6)
    denies: list[str] = Field(max_length=6)


class Draft(BaseModel):
    """A drafted answer with its points."""

    model_config = ConfigDict(extra="forbid")

    brief: str = Field(min_length=5, max_length=300)
    answer: str = Field(min_length=20, max_length=6000)
    points: list[DraftPoint] = Field(min_length=1, max_length=7)


def draft(llm: Llm, row: Row) -> Draft:
    """Return an answer to the question of a row; LlmError when the model gives none."""
    return llm.ask(render("draft", question=fence(row.question, secrets.token_hex(8))), Draft)
