"""What an endpoint is found to accept, and what is remembered of it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from calls import GOOD, GRADE, KEY, NO_FORMAT, PROMPT, VALID, Grade, proven
from pydantic import SecretStr
from servers import (
    completion,
    free_port,
    scripted,
    status,
)

from interviewer.errors import (
    LlmError,
    LlmNotConfigured,
    LlmRejected,
)
from interviewer.llm import OPENAI, Endpoint
from interviewer.llm_schema import without_thoughts
from interviewer.settings import Settings


def test_the_ladder_goes_down_to_the_text_rung_and_is_remembered(connect, tmp_path):
    memory = tmp_path / "new" / "endpoints.json"
    fenced = f"Here you are:\n```json\n{GOOD}\n```\nAnything else?"
    with scripted([status(400, body=NO_FORMAT), status(422), completion(fenced), completion(GOOD)]) as server:
        assert connect(server.url, memory=memory).ask(PROMPT, Grade) == GRADE
        assert connect(server.url, memory=memory).ask(PROMPT, Grade) == GRADE
    formats = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert formats == ["json_schema", "json_object", None, None]
    systems = [body["messages"][0]["content"] for body in server.bodies]
    assert systems[0] == "You grade."
    assert all("JSON schema" in text and '"points"' in text for text in systems[1:])
    assert KEY not in memory.read_text("utf-8")
    assert [path.name for path in memory.parent.iterdir()] == ["endpoints.json"]


def test_the_ladder_stops_at_json_object_where_that_is_taken(connect):
    with scripted([status(400, body=NO_FORMAT), completion(GOOD), completion(GOOD)]) as server:
        endpoint = proven(connect(server.url))
        endpoint.ask(PROMPT, Grade)
    formats = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert formats == ["json_schema", "json_object", "json_object"]


@pytest.mark.parametrize("code", [400, 404, 415, 422, 500, 501])
def test_a_proven_rung_is_left_when_the_endpoint_names_it(connect, code):
    with scripted([completion(GOOD), status(code, body=NO_FORMAT), completion(GOOD)]) as server:
        assert proven(connect(server.url)).ask(PROMPT, Grade) == GRADE
    assert server.bodies[-1]["response_format"] == {"type": "json_object"}


def test_a_proven_rung_is_kept_when_the_request_is_bad_for_another_reason(connect):
    too_long = {"error": {"message": "This model's maximum context length is 8192"}}
    with scripted([completion(GOOD), status(400, body=too_long)]) as server, pytest.raises(LlmRejected):
        proven(connect(server.url)).ask(PROMPT, Grade)


def test_when_every_rung_is_rejected_the_first_reason_is_told(connect, tmp_path):
    memory = tmp_path / "endpoints.json"
    steps = [status(400, body={"error": {"message": reason}}) for reason in ("first", "second", "third")]
    with scripted(steps) as server, pytest.raises(LlmRejected, match="first"):
        connect(server.url, memory=memory).ask(PROMPT, Grade)
    assert not memory.exists()


def test_an_endpoint_that_ignores_the_schema_is_asked_in_words_from_then_on(connect):
    with scripted([completion("Well, it is fine."), completion(GOOD), completion(GOOD)]) as server:
        endpoint = proven(connect(server.url))
        endpoint.ask(PROMPT, Grade)
    assert "response_format" in server.bodies[1]
    assert "response_format" not in server.bodies[2]


def test_a_fenced_answer_shows_that_the_schema_was_ignored(connect):
    with scripted([completion(f"```json\n{GOOD}\n```"), completion(GOOD)]) as server:
        endpoint = proven(connect(server.url))
        endpoint.ask(PROMPT, Grade)
    assert "response_format" not in server.bodies[1]


def test_a_value_out_of_range_does_not_prove_that_the_schema_was_ignored(connect):
    short = json.dumps(VALID | {"reason": "x"})
    with scripted([completion(short), completion(GOOD), completion(GOOD)]) as server:
        endpoint = proven(connect(server.url))
        endpoint.ask(PROMPT, Grade)
    assert server.bodies[2]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"x": 1}', "[" * 100_000])
def test_a_corrupt_memory_is_ignored_and_replaced(connect, tmp_path, text):
    memory = tmp_path / "endpoints.json"
    memory.write_text(text, encoding="utf-8")
    with scripted([completion(GOOD)]) as server:
        connect(server.url, memory=memory).ask(PROMPT, Grade)
    assert json.loads(memory.read_text("utf-8"))[f"{server.url} m"]["proven"] is True


def test_a_memory_that_cannot_be_written_is_ignored(connect, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with scripted([completion(GOOD)]) as server:
        assert connect(server.url, memory=tmp_path / "file" / "endpoints.json").ask(PROMPT, Grade) == GRADE


def test_memory_is_kept_by_model(connect, tmp_path):
    memory = tmp_path / "endpoints.json"
    with scripted([status(400, body=NO_FORMAT), completion(GOOD), completion(GOOD)]) as server:
        connect(server.url, memory=memory, model="a").ask(PROMPT, Grade)
        connect(server.url, memory=memory, model="b").ask(PROMPT, Grade)
    assert server.bodies[-1]["response_format"]["type"] == "json_schema"
    assert len(json.loads(memory.read_text("utf-8"))) == 2


def test_parameters_that_the_endpoint_names_are_dropped_and_remembered(connect, tmp_path):
    memory = tmp_path / "endpoints.json"
    seed = {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}
    heat = {"error": {"message": "Unsupported value: 'temperature' does not support 0 with this model."}}
    steps = [status(422, body=seed), status(400, body=heat), completion(GOOD), completion(GOOD)]
    with scripted(steps) as server:
        proven(connect(server.url, memory=memory))
        proven(connect(server.url, memory=memory))
    for body in server.bodies[2:]:
        assert not {"seed", "temperature"} & body.keys()
        assert body["response_format"]["type"] == "json_schema"


def test_max_tokens_gives_way_to_max_completion_tokens(connect):
    renamed = {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}
    with scripted([status(400, body=renamed), completion(GOOD), completion(GOOD)]) as server:
        proven(connect(server.url)).ask(PROMPT, Grade)
    sent = [{"max_tokens", "max_completion_tokens"} & body.keys() for body in server.bodies]
    assert sent == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


def test_no_limit_is_sent_where_none_is_taken(connect):
    first, second = ({"error": {"message": f"unknown {name}"}} for name in ("max_tokens", "max_completion_tokens"))
    with scripted([status(400, body=first), status(400, body=second), completion(GOOD)]) as server:
        connect(server.url).ask(PROMPT, Grade)
    assert not {"max_tokens", "max_completion_tokens"} & server.bodies[-1].keys()


def test_an_unnamed_model_is_the_first_that_is_listed_asked_for_once(connect):
    with scripted([completion(GOOD)] * 2, models=["qwen", "other"]) as server:
        endpoint = connect(server.url, model="")
        assert endpoint.model == "qwen"
        proven(endpoint).ask(PROMPT, Grade)
    assert server.listings == 1
    assert {body["model"] for body in server.bodies} == {"qwen"}


def test_a_server_without_models_is_told(connect):
    with scripted([], models=[]) as server, pytest.raises(LlmRejected, match="no model"):
        connect(server.url, model="").ask(PROMPT, Grade)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>hm {}</think>\n\nanswer", "answer"),
        ("\n<think>\nhm\n</think>answer", "answer"),
        ("answer <think>no</think>", "answer <think>no</think>"),
        ("<thin", "<thin"),
        ("<think>for ever", ""),
        ("", ""),
    ],
)
def test_thoughts_at_the_start_are_dropped(text, shown):
    assert without_thoughts(text) == shown


def test_an_answer_after_thoughts_is_read(connect):
    with scripted([completion(f"<think>points? {{}}</think>\n{GOOD}"), completion(GOOD)]) as server:
        proven(connect(server.url)).ask(PROMPT, Grade)
    assert "response_format" in server.bodies[1]


def test_usage_is_summed(connect):
    with scripted([completion(GOOD), completion('{"a": 1}'), completion(GOOD), completion("好的")]) as server:
        endpoint = proven(connect(server.url))
        endpoint.ask(PROMPT, Grade)
        list(endpoint.stream(PROMPT))
    usage = endpoint.usage
    assert (usage.calls, usage.prompt_tokens, usage.completion_tokens) == (4, 28, 12)
    assert usage.seconds > 0


def test_concurrent_asks_share_one_endpoint(connect):
    with scripted([completion(GOOD)] * 12, models=["qwen"]) as server:
        endpoint = connect(server.url, model="")
        with ThreadPoolExecutor(6) as pool:
            grades = list(pool.map(lambda _: endpoint.ask(PROMPT, Grade), range(12)))
    assert grades == [GRADE] * 12
    assert endpoint.usage.calls == 12
    assert server.listings == 1


def test_no_thread_outlives_its_call(connect):
    with scripted([completion(GOOD)] * 3) as server:
        before = threading.active_count()
        endpoint = connect(server.url)
        for _ in range(3):
            endpoint.ask(PROMPT, Grade)
    end = time.monotonic() + 2
    while threading.active_count() >= before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() < before


def test_the_probe_finds_everything_anew(connect, tmp_path):
    memory = tmp_path / "endpoints.json"
    with scripted([status(400, body=NO_FORMAT), completion(GOOD), completion('{"ok": true}')]) as server:
        endpoint = proven(connect(server.url, memory=memory))
        health = endpoint.probe()
    assert (health.url, health.model, health.rung) == (server.url, "m", "json_schema")
    assert health.seconds > 0
    assert json.loads(memory.read_text("utf-8"))[f"{server.url} m"]["rung"] == "json_schema"


def test_the_probe_of_a_dead_endpoint_is_an_error(connect):
    with pytest.raises(LlmError):
        connect(f"http://127.0.0.1:{free_port()}/v1").probe()


def test_an_endpoint_is_made_of_settings(tmp_path):
    settings = Settings(model="gpt", api_key=SecretStr(KEY), data_dir=tmp_path)
    endpoint = Endpoint.of(settings)
    assert (endpoint.url, endpoint.model) == (OPENAI, "gpt")
    assert KEY not in repr(endpoint)


def test_without_settings_there_is_no_endpoint(tmp_path):
    with pytest.raises(LlmNotConfigured):
        Endpoint.of(Settings(api_key=SecretStr(KEY), data_dir=tmp_path))
