from __future__ import annotations

import importlib
import json
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from servers import (
    broken,
    completion,
    drip,
    empty,
    free_port,
    hang,
    raw,
    refusal,
    scripted,
    stalled_stream,
    status,
    truncated_stream,
)

from interviewer.errors import (
    LlmAuthFailed,
    LlmBadOutput,
    LlmBusy,
    LlmError,
    LlmNotConfigured,
    LlmRefused,
    LlmRejected,
    LlmServerFault,
    LlmTimedOut,
    LlmTruncated,
    LlmUnreachable,
)
from interviewer.llm import OPENAI, Endpoint
from interviewer.llm_schema import strict_schema, without_thoughts
from interviewer.prompts import Prompt
from interviewer.settings import Settings

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


@pytest.fixture(scope="module", autouse=True)
def _openai_is_imported():
    """Keep the second of its import out of the budgets of the tests."""
    importlib.import_module("openai.resources.chat")


@pytest.fixture
def sleeps():
    return []


@pytest.fixture
def connect(sleeps):
    """Return endpoints that do not really sleep between attempts."""
    opened = []

    def connect(url, **options):
        values = {"api_key": KEY, "model": "m", "budget_s": 30.0, "sleep": sleeps.append} | options
        opened.append(Endpoint(base_url=url, **values))
        return opened[-1]

    yield connect
    for endpoint in opened:
        endpoint.close()


def proven(endpoint):
    """Let the endpoint find out that its server keeps a JSON schema, by its first scripted answer."""
    assert endpoint.ask(PROMPT, Grade) == GRADE
    return endpoint


def test_ask_returns_a_validated_value(connect):
    with scripted([completion(GOOD)]) as server:
        assert connect(server.url).ask(PROMPT, Grade) == GRADE
    [request] = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    body = request.body
    assert (body["model"], body["temperature"], body["seed"]) == ("m", 0, 0)
    assert body["messages"] == [
        {"role": "system", "content": "You grade."},
        {"role": "user", "content": "Grade this."},
    ]
    asked = body["response_format"]["json_schema"]
    assert (asked["name"], asked["strict"]) == ("Grade", True)


def test_the_schema_asked_for_is_strict_all_the_way_down():
    schema = strict_schema(Grade)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["reason", "points", "note"]
    point = schema["$defs"]["Point"]
    assert (point["required"], point["additionalProperties"]) == (["id", "verdict"], False)
    assert point["properties"]["verdict"] == {"type": "string", "enum": ["met", "missing"]}
    assert schema["properties"]["reason"] == {"type": "string"}
    assert schema["properties"]["points"]["items"] == {"$ref": "#/$defs/Point"}


def test_a_schema_with_an_open_dictionary_is_a_mistake_of_the_programmer():
    class Open(BaseModel):
        scores: dict[str, int]

    with pytest.raises(TypeError, match="Open.scores"):
        strict_schema(Open)


def test_a_missing_key_is_sent_as_a_dummy(connect):
    with scripted([completion(GOOD)]) as server:
        connect(server.url, api_key="").ask(PROMPT, Grade)
    assert server.requests[0].headers["authorization"] == "Bearer none"


def test_429_then_success(connect, sleeps):
    with scripted([status(429), status(429), completion(GOOD)]) as server:
        assert connect(server.url).ask(PROMPT, Grade) == GRADE
    assert len(sleeps) == 2
    assert all(0.5 <= seconds <= 2 for seconds in sleeps)


def test_retry_after_is_honoured_in_seconds_and_as_a_date(connect, sleeps):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    steps = [status(429, {"Retry-After": "3"}), status(503, {"Retry-After": soon}), completion(GOOD)]
    with scripted(steps) as server:
        connect(server.url).ask(PROMPT, Grade)
    assert sleeps[0] == 3
    assert 6 <= sleeps[1] <= 9


def test_a_retry_after_beyond_the_budget_is_not_waited_for(connect, sleeps):
    with scripted([status(429, {"Retry-After": "120"})]) as server, pytest.raises(LlmBusy):
        connect(server.url).ask(PROMPT, Grade)
    assert sleeps == []


def test_429_to_the_end_is_busy(connect):
    with scripted([status(429)] * 5) as server, pytest.raises(LlmBusy):
        connect(server.url).ask(PROMPT, Grade)


def test_a_used_up_quota_is_not_retried(connect):
    quota = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    with scripted([status(429, body=quota)]) as server, pytest.raises(LlmBusy):
        connect(server.url).ask(PROMPT, Grade)


@pytest.mark.parametrize("code", [408, 409, 500, 502, 503, 504, 529])
def test_a_passing_fault_is_retried(connect, code):
    with scripted([status(code), completion(GOOD)]) as server:
        assert connect(server.url).ask(PROMPT, Grade) == GRADE


def test_500_to_the_end_is_a_server_fault(connect):
    page = b"<html><head><title>x</title></head><body><h1>Bad\ngateway</h1></body></html>"
    with scripted([status(502, body=page)] * 5) as server, pytest.raises(LlmServerFault) as caught:
        connect(server.url).ask(PROMPT, Grade)
    assert caught.value.values["detail"] == "502 Bad gateway"


@pytest.mark.parametrize("code", [401, 403])
def test_a_wrong_key_is_told_at_once_and_never_shown(connect, code):
    echo = {"error": {"message": f"Incorrect API key provided: {KEY}\n" + "x" * 500}}
    with scripted([status(code, body=echo)]) as server, pytest.raises(LlmAuthFailed) as caught:
        connect(server.url).ask(PROMPT, Grade)
    detail = caught.value.values["detail"]
    assert detail.startswith(f"{code} Incorrect API key provided: ***")
    assert len(detail) <= 200
    assert "\n" not in detail


@pytest.mark.parametrize(
    "steps",
    [
        [status(400, body={"error": {"message": f"bad {KEY}"}})] * 3,
        [status(404, body=f"{'x' * 180} {KEY} is not known".encode())],
        [raw(f"what is {KEY}?".encode())],
        [raw(json.dumps({"error": {"message": KEY}}).encode())],
        [refusal(f"I will not say {KEY}")],
        [completion(json.dumps({KEY: 1}))] * 2,
    ],
)
def test_the_key_is_in_no_error_text(connect, steps):
    with scripted(steps) as server, pytest.raises(LlmError) as caught:
        connect(server.url).ask(PROMPT, Grade)
    assert "***" in str(caught.value)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in told
    assert KEY[:8] not in told


def test_a_key_with_impossible_characters_is_refused_before_any_request(connect):
    with scripted([]) as server, pytest.raises(LlmAuthFailed) as caught:
        connect(server.url, api_key="密钥\n1").ask(PROMPT, Grade)
    assert "密钥" not in str(caught.value)


def test_a_refused_connection_is_told_fast(connect):
    started = time.monotonic()
    with pytest.raises(LlmUnreachable) as caught:
        connect(f"http://127.0.0.1:{free_port()}/v1", sleep=time.sleep).ask(PROMPT, Grade)
    assert time.monotonic() - started < 4
    assert "refused" in str(caught.value)


def test_a_refused_connection_is_tried_three_times(connect, sleeps):
    with pytest.raises(LlmUnreachable):
        connect(f"http://127.0.0.1:{free_port()}/v1").ask(PROMPT, Grade)
    assert len(sleeps) == 2
    assert sum(sleeps) <= 1.5


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/v1", "http://", "http://[::1/v1", "ftp://host/v1"])
def test_a_url_that_leads_nowhere_is_unreachable(connect, url):
    with pytest.raises(LlmUnreachable):
        connect(url).ask(PROMPT, Grade)


def test_a_url_with_a_password_is_shown_without_it(connect):
    assert connect("https://ann:hunter2@host/v1/").url == "https://host/v1"


@pytest.mark.parametrize(
    "step",
    [
        hang(20),
        drip(json.dumps({"choices": []}).encode() + b" " * 400, every=0.05),
        drip(b"HTTP/1.0 200 OK\r\nX-Slow: " + b"y" * 400, every=0.05, code=0),
        drip(b" " * 400, every=0.05, code=503),
    ],
    ids=["hang", "drip", "dripped headers", "dripped fault"],
)
def test_the_budget_holds_against_a_slow_server(connect, step):
    with scripted([step]) as server:
        started = time.monotonic()
        with pytest.raises(LlmTimedOut) as caught:
            connect(server.url, budget_s=0.5).ask(PROMPT, Grade)
        assert time.monotonic() - started < 1.5
    assert "0.5 s" in str(caught.value)


def test_the_budget_covers_retries(connect):
    with scripted([status(500), hang(20)]) as server:
        started = time.monotonic()
        with pytest.raises(LlmTimedOut):
            connect(server.url, budget_s=1.5, sleep=time.sleep).ask(PROMPT, Grade)
        assert time.monotonic() - started < 2.5


def test_a_wait_that_would_pass_the_deadline_is_not_begun(connect):
    with scripted([status(500)]) as server:
        started = time.monotonic()
        with pytest.raises(LlmServerFault):
            connect(server.url, budget_s=0.4, sleep=time.sleep).ask(PROMPT, Grade)
        assert time.monotonic() - started < 0.4


def test_a_broken_answer_is_asked_for_again(connect):
    with scripted([broken(), completion(GOOD)]) as server:
        assert connect(server.url).ask(PROMPT, Grade) == GRADE


def test_a_server_that_keeps_breaking_off_is_at_fault(connect):
    with scripted([broken()] * 3) as server, pytest.raises(LlmServerFault):
        connect(server.url).ask(PROMPT, Grade)


@pytest.mark.parametrize(
    "body", [b"<html>Welcome</html>", b"", b"[]", b'{"choices": []}', b'{"error": {"message": "no credit"}}']
)
def test_a_200_that_is_no_completion_is_a_server_fault(connect, body):
    with scripted([raw(body)]) as server, pytest.raises(LlmServerFault):
        connect(server.url).ask(PROMPT, Grade)


def test_an_endless_answer_is_not_read_to_its_end(connect):
    with (
        scripted([raw(b'{"choices": "' + b"x" * (3 << 20) + b'"}')]) as server,
        pytest.raises(LlmServerFault, match="above"),
    ):
        connect(server.url).ask(PROMPT, Grade)


def test_invalid_json_is_repaired_by_showing_the_fault(connect):
    with scripted([completion(GOOD), completion('{"reason": '), completion(GOOD)]) as server:
        assert proven(connect(server.url)).ask(PROMPT, Grade) == GRADE
    *_, shown, told = server.bodies[-1]["messages"]
    assert shown == {"role": "assistant", "content": '{"reason":'}
    assert "cannot be used" in told["content"]
    assert '"points"' in told["content"]


def test_the_repair_names_every_faulty_field(connect):
    bad = json.dumps({"reason": "x", "points": [{"id": "a", "verdict": "maybe"}], "note": None, "score": 99})
    with scripted([completion(bad), completion(GOOD)]) as server:
        connect(server.url).ask(PROMPT, Grade)
    told = server.bodies[-1]["messages"][-1]["content"]
    assert all(name in told for name in ("reason:", "points.0.verdict:", "score:"))


def test_an_answer_that_breaks_the_schema_twice_is_bad_output(connect):
    with scripted([completion('{"reason": "okay"}')] * 2) as server, pytest.raises(LlmBadOutput) as caught:
        connect(server.url).ask(PROMPT, Grade)
    assert "points" in str(caught.value)


def test_types_are_not_coerced(connect):
    class Count(BaseModel):
        n: int

    with scripted([completion('{"n": "3"}'), completion('{"n": 3.0}')]) as server, pytest.raises(LlmBadOutput):
        connect(server.url).ask(PROMPT, Count)


def test_a_refusal_is_told_and_not_repaired(connect):
    with scripted([refusal("I cannot\ngrade.")]) as server, pytest.raises(LlmRefused, match="I cannot grade"):
        connect(server.url).ask(PROMPT, Grade)


def test_a_content_filter_is_a_refusal(connect):
    with scripted([completion("", "content_filter")]) as server, pytest.raises(LlmRefused):
        connect(server.url).ask(PROMPT, Grade)


def test_an_empty_answer_is_asked_for_once_more(connect):
    with scripted([empty(), completion(GOOD)]) as server:
        assert connect(server.url).ask(PROMPT, Grade) == GRADE
    with scripted([empty(), completion("  \n")]) as server, pytest.raises(LlmRefused):
        connect(server.url).ask(PROMPT, Grade)


def test_an_answer_cut_off_by_its_length_is_truncated(connect):
    with scripted([completion(GOOD[:20], "length")]) as server, pytest.raises(LlmTruncated):
        connect(server.url).ask(PROMPT, Grade)


def test_an_unknown_model_is_rejected(connect):
    unknown = {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}
    with scripted([status(404, body=unknown)]) as server, pytest.raises(LlmRejected, match="does not exist"):
        connect(server.url).ask(PROMPT, Grade)


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


def test_stream_yields_the_text_in_pieces(connect):
    with scripted([completion("很好，说得对")]) as server:
        pieces = list(connect(server.url).stream(PROMPT))
    assert "".join(pieces) == "很好，说得对"
    assert len(pieces) == 6
    assert server.bodies[0]["stream"] is True
    assert "response_format" not in server.bodies[0]


def test_stream_drops_thoughts(connect):
    with scripted([completion("<think>let me see</think>\n\n你好")]) as server:
        assert list(connect(server.url).stream(PROMPT)) == ["你", "好"]


def test_stream_options_are_dropped_where_they_are_not_known(connect):
    unknown = {"error": {"message": "Unrecognized request argument supplied: stream_options"}}
    with scripted([status(400, body=unknown), completion("好"), completion("好")]) as server:
        endpoint = connect(server.url)
        assert list(endpoint.stream(PROMPT)) == ["好"]
        assert list(endpoint.stream(PROMPT)) == ["好"]
    assert ["stream_options" in body for body in server.bodies] == [True, False, False]


def test_stream_is_retried_before_its_first_piece(connect):
    steps = [status(503), truncated_stream(abruptly=True), truncated_stream(""), completion("好")]
    with scripted(steps) as server:
        assert list(connect(server.url).stream(PROMPT)) == ["好"]


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_stream_that_breaks_is_truncated_after_what_it_yielded(connect, abruptly):
    heard = []
    with scripted([truncated_stream("你", "好", abruptly=abruptly)]) as server, pytest.raises(LlmTruncated):
        for piece in connect(server.url).stream(PROMPT):
            heard.append(piece)
    assert heard == ["你", "好"]


def test_a_stream_cut_off_by_its_length_is_truncated(connect):
    with scripted([completion("好", "length")]) as server, pytest.raises(LlmTruncated):
        list(connect(server.url).stream(PROMPT))


def test_an_error_inside_a_stream_is_told(connect):
    events = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"error": {"message": "overloaded"}}\n\n'
    with scripted([raw(events, "text/event-stream")]) as server, pytest.raises(LlmTruncated, match="overloaded"):
        list(connect(server.url).stream(PROMPT))


def test_a_stream_that_stalls_ends_with_the_budget(connect):
    heard = []
    with scripted([stalled_stream("你")]) as server:
        started = time.monotonic()
        with pytest.raises(LlmTimedOut):
            for piece in connect(server.url, budget_s=0.5).stream(PROMPT):
                heard.append(piece)
        assert time.monotonic() - started < 1.5
    assert heard == ["你"]


def test_a_stream_of_nothing_is_refused_and_no_stream_is_a_fault(connect):
    with scripted([empty(), empty()]) as server, pytest.raises(LlmRefused):
        list(connect(server.url).stream(PROMPT))
    with scripted([raw(b"{}")]) as server, pytest.raises(LlmServerFault, match="no stream"):
        list(connect(server.url).stream(PROMPT))


def test_a_stream_that_is_left_early_closes_its_connection(connect):
    hung_up = threading.Event()

    def endless(handler):
        try:
            while not handler.server.script.stopping.is_set():
                handler.wfile.write(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
                time.sleep(0.01)
        except ConnectionError:
            hung_up.set()

    def step(handler):
        handler.begin(200, {"Content-Type": "text/event-stream"})
        endless(handler)

    with scripted([step]) as server:
        stream = connect(server.url).stream(PROMPT)
        assert next(stream) == "a"
        stream.close()
        assert hung_up.wait(2)


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
