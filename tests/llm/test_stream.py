"""`stream`: text in pieces, and every way in which it can break off."""

from __future__ import annotations

import threading
import time

import pytest
from calls import PROMPT
from servers import (
    completion,
    empty,
    raw,
    scripted,
    stalled_stream,
    status,
    truncated_stream,
)

from interviewer.errors import (
    LlmRefused,
    LlmServerFault,
    LlmTimedOut,
    LlmTruncated,
)


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
