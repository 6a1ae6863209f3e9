"""Transcripts of whole interviews as Markdown, to be read as an interviewer would read them."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from interviewer.agent.understanding import by_rules
from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.bench.simulate import take
from interviewer.grading.base import Grader
from interviewer.grading.examiner import Examiner
from interviewer.records import Grade, Interview
from interviewer.session import Sessions
from interviewer.store import Store
from interviewer.words import say

KINDS = ("strong", "half", "weak")
_START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


def transcripts(bank: Bank, grader: Grader, seed: int) -> str:
    """Return one interview each of a strong, a half and a weak candidate on the same questions, as Markdown."""
    examiner = Examiner(grader)
    parts = ["# Transcripts", "", f"Made by `interviewer simulate --transcripts --seed {seed}`; nothing is edited."]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'interviews.db'}")
        sessions = Sessions(bank, store, lambda: examiner, Interviewer(bank), lambda: _START, by_rules)
        for kind in KINDS:
            interview, _, total = take(sessions, bank, kind, seed)
            parts += ["", f"## {kind} ({total} / 100)", "", *_lines(interview)]
            parts += ["", f"**I:** {sessions.report(interview.id).summary}"]
        store.close()
    return "\n".join(parts) + "\n"


def _lines(interview: Interview) -> list[str]:
    lines: list[str] = []
    for turn in interview.turns:
        lines += [f"**I:** {turn.said}", ""]
        for aside in turn.asides:
            lines += [f"**C:** {aside.text}", "", f"**I:** {aside.said}", ""]
        if turn.reply:
            lines += [f"**C:** {turn.reply}", ""]
        if isinstance(turn.outcome, Grade):
            band = say(interview.plan.language, f"band.{turn.outcome.score.band}")
            lines += [f"*{turn.outcome.score.value} / 100 · {band}*", ""]
    return lines
