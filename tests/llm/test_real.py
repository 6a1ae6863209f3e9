"""The client against a server that no one here wrote: llama.cpp with a small real model."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict
from servers import llama_server

from interviewer.llm import Endpoint
from interviewer.prompts import Prompt

pytestmark = pytest.mark.real


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Literal["covered", "absent", "wrong"]
    verdict: Literal["met", "partial", "missing"]
    certain: bool


@pytest.fixture(scope="module")
def url():
    with llama_server() as url:
        yield url


@pytest.fixture
def endpoint(url, tmp_path):
    endpoint = Endpoint(base_url=url, memory=tmp_path / "endpoints.json")
    yield endpoint
    endpoint.close()


def test_a_real_server_keeps_the_schema(endpoint, tmp_path):
    prompt = Prompt("grade", "You grade answers.", "Point: mean of the batch. Answer: it averages the batch.", "")
    verdict = endpoint.ask(prompt, Verdict)
    assert verdict.verdict in ("met", "partial", "missing")
    assert endpoint.model == "smollm2"
    [found] = json.loads((tmp_path / "endpoints.json").read_text("utf-8")).values()
    assert found["rung"] == "json_schema"
    assert endpoint.usage.calls >= 1
    assert endpoint.usage.prompt_tokens > 10
    assert endpoint.usage.completion_tokens > 3
    assert endpoint.usage.seconds > 0


def test_a_real_server_streams_in_pieces(endpoint):
    pieces = list(endpoint.stream(Prompt("say", "", "Say hello in one short sentence.", "")))
    assert len(pieces) > 1
    assert "".join(pieces).strip()
    assert endpoint.usage.completion_tokens >= len(pieces) // 2


def test_a_stream_that_is_left_early_leaves_the_server_free(endpoint):
    stream = endpoint.stream(Prompt("say", "", "Count from 1 to 500.", ""))
    next(stream)
    stream.close()
    assert list(endpoint.stream(Prompt("say", "", "Say hi.", "")))


def test_the_probe_finds_the_rung_of_a_real_server(endpoint):
    health = endpoint.probe()
    assert (health.model, health.rung) == ("smollm2", "json_schema")
    assert 0 < health.seconds < 30
