"""What every verb of the terminal shares: where it prints, the progress bar, the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from interviewer.batch import Advance
from interviewer.settings import Settings, read

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def read_settings() -> Settings:
    """Return the settings of the process's environment."""
    return read(os.environ)


def fault_language() -> str:
    """Return the language of faults, even where the settings cannot be read."""
    return "en" if os.environ.get("INTERVIEWER_LANGUAGE") == "en" else "zh"


def print_plain(text: str) -> None:
    """Print a text as it is, for another program to read."""
    sys.stdout.write(text + "\n")


@contextmanager
def bar() -> Iterator[Advance]:
    """Show a progress bar on standard error as soon as there is something to count."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)
