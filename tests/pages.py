"""A running page for tests: the real program in a process of its own, and a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import free_port

SCREENSHOTS = Path(__file__).parent.parent / "screenshots"


class Program:
    """`interviewer serve` on a free port with a data folder of its own; can be killed and started again."""

    def __init__(self, data: Path, **environ: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("INTERVIEWER_", "OPENAI_"))}
        self._environ = {**clean, "INTERVIEWER_DATA_DIR": str(data), **environ}
        self._log = data / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "interviewer.cli", "serve", "--port", str(self.port)]
            self._process = subprocess.Popen(command, env=self._environ, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url, timeout=2) as answer:
                    answer.read(1)
                return
            except OSError:
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.1)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Stop it the hard way: no handler runs, nothing is flushed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def log(self) -> str:
        return self._log.read_text("utf-8")


@contextmanager
def program(data: Path, **environ: str) -> Iterator[Program]:
    running = Program(data, **environ)
    running.start()
    try:
        yield running
    finally:
        running.kill()
        assert "Traceback" not in running.log(), running.log()


@contextmanager
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=[*quiet, "--disable-sync", "--no-first-run"])
        yield chromium
        chromium.close()


def shoot(page, name: str) -> None:
    """Keep a screenshot for a person to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=True)
