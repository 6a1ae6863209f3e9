"""Programs that end, fail, hang, flood and look around."""

from __future__ import annotations

import time

import pytest

from interviewer.sandbox import MAX_OUTPUT, run


def test_a_program_that_ends_well_has_no_fault():
    ran = run("import numpy as np\nprint('好', np.arange(3).sum())\nassert 1 + 1 == 2")
    assert (ran.fault, ran.output) == ("", "好 3\n")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("assert 1 == 2, '不等'", "AssertionError: 不等"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("x = bytearray(2 << 30)", "MemoryError"),
        ("open('big', 'wb').write(b'0' * (2 << 20))", "File too large"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
    ],
)
def test_a_program_that_fails_is_told_by_its_last_line(code, fault):
    assert fault in run(code).fault


def test_a_program_without_an_end_is_ended_with_its_children():
    started = time.monotonic()
    ran = run("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'])", seconds=1)
    assert "no end" in ran.fault
    assert time.monotonic() - started < 5


def test_a_flood_of_output_is_cut():
    assert len(run("print('x' * 100_000)").output) == MAX_OUTPUT


def test_a_program_sees_neither_keys_nor_our_folder(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    ran = run("import os\nprint(os.environ.get('OPENAI_API_KEY'), os.listdir('.'))")
    assert ran.output == "None []\n"
