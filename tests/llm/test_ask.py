"""`ask`: one answer, and every way in which it can fail to come."""

from __future__ import annotations

import json
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from calls import GOOD, GRADE, KEY, PROMPT, Grade, proven
from pydantic import BaseModel
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
    status,
)

from interviewer.errors import (
    LlmAuthFailed,
    LlmBadOutput,
    LlmBusy,
    LlmError,
    LlmRefused,
    LlmRejected,
    LlmServerFault,
    LlmTimedOut,
    LlmTruncated,
    LlmUnreachable,
)
from interviewer.llm_schema import strict_schema


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
