"""Python code run in a process of its own, with limits; never in this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

MAX_OUTPUT = 4_000
MEMORY_BYTES = 1 << 30
FILE_BYTES = 1 << 20
# One thread each: the pools of numerical libraries would count against the limit of memory. Nothing of ours is seen.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": os.defpath}


@dataclass(frozen=True)
class Ran:
    """How a program ended: `fault` is empty when it ran to its end, else the last line of what went wrong."""

    fault: str
    output: str


def run(code: str, seconds: float = 10.0) -> Ran:
    """Run Python code in an empty folder, with bounded time, memory, files and output.

    The limits of memory and files need POSIX; elsewhere only time and output are bounded. It keeps honest mistakes from
    doing harm; it is no jail for hostile code.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_ENVIRONMENT,
            start_new_session=True,
            preexec_fn=_limits(seconds),
        )
        try:
            process.communicate(code.encode("utf-8"), timeout=seconds)
            fault = ""
        except subprocess.TimeoutExpired:
            fault = f"no end after {seconds:g} s"
        finally:
            _kill(process)
        out.seek(0)
        output = out.read(MAX_OUTPUT).decode("utf-8", "replace")
    if not fault and process.returncode:
        lines = [line for line in output.splitlines() if line.strip()]
        fault = lines[-1] if lines else f"exit code {process.returncode}"
    return Ran(fault, output)


def _limits(seconds: float) -> Callable[[], None] | None:
    if sys.platform == "win32":
        return None
    import resource

    def apply() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))

    return apply


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    if sys.platform == "win32":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
