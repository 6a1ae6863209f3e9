"""What the tests of the client ask for, and what a good answer is."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from interviewer.prompts import Prompt

KEY = "sk-secret-0123456789"
PROMPT = Prompt("grade", "You grade.", "Grade this.", "0" * 16)


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    verdict: Literal["met", "missing"] = "missing"


class Grade(BaseModel):
    """A grade."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=3)]
    points: list[Point]
    note: str | None = None


VALID = {"reason": "说到了均值", "points": [{"id": "mean", "verdict": "met"}], "note": None}
GOOD = json.dumps(VALID, ensure_ascii=False)
GRADE = Grade.model_validate(VALID)
NO_FORMAT = {"error": {"message": "'response_format' of type 'json_schema' is not supported", "code": 400}}


def proven(endpoint):
    """Let the endpoint find out that its server keeps a JSON schema, by its first scripted answer."""
    assert endpoint.ask(PROMPT, Grade) == GRADE
    return endpoint
