"""One import from the file to the report: nothing is written before every row was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from interviewer.bank import Bank
from interviewer.errors import DataFolderError, FileRefused, LlmError
from interviewer.importing.draft import Draft, draft
from interviewer.importing.files import Entry, Folder, question_of, to_mend
from interviewer.importing.rows import Row, read
from interviewer.llm import Llm
from interviewer.words import say

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What an import did: an entry a row, in order, and the encoding that the file was read in."""

    entries: tuple[Entry, ...]
    encoding: str

    def of(self, outcome: str) -> tuple[Entry, ...]:
        """Return the entries with this outcome."""
        return tuple(entry for entry in self.entries if entry.outcome == outcome)


def run(
    source: Path,
    target: Path,
    bank: Bank,
    llm: Llm | None = None,
    *,
    dry: bool = False,
    topic: str = "",
    progress: Progress | None = None,
) -> Report:
    """Write the rows of `source` as question files below `target`, and say what became of each.

    A row whose question the bank already has is left alone. One without an answer is drafted by `llm`, and left out
    when there is none. With `dry` nothing is written and nothing drafted. `topic` stands in where a row names none.
    FileRefused when the file as a whole cannot be used, DataFolderError when `target` cannot be written.
    """
    sheet = read(source)
    folder = Folder(target, bank)
    entries = [Entry(Row(place, ""), "refused", fault=fault) for place, fault in sheet.faults]
    try:
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(str(target / ".import.lock"), timeout=10):
            for done, row in enumerate(sheet.rows, start=1):
                placed = row if row.topic or not topic else Row(**{**vars(row), "topic": topic})
                entries.append(_imported(placed, folder, llm, dry))
                if progress:
                    progress(done, len(sheet.rows))
    except (OSError, TimeoutError) as error:
        raise DataFolderError("data_folder", path=target, reason=str(error)) from error
    return Report(tuple(sorted(entries, key=lambda entry: entry.row.place)), sheet.encoding)


def _imported(row: Row, folder: Folder, llm: Llm | None, dry: bool) -> Entry:
    known = folder.existing(row)
    if known:
        return Entry(row, "exists", known)
    drafted: Draft | None = None
    try:
        place = folder.place(row)
        if not row.answer:
            if llm is None or dry:
                return Entry(row, "unanswered", fault=FileRefused("row_no_answer"))
            drafted = draft(llm, row)
        question = question_of(row, place, drafted)
    except LlmError as error:
        return Entry(row, "unanswered", fault=error)
    except FileRefused as error:
        return Entry(row, "refused", fault=error)
    folder.keep(question) if dry else folder.write(question)
    return Entry(row, "written", place, to_mend(question, drafted is not None))


def as_json(report: Report, language: str) -> dict[str, Any]:
    """Return a report as plain values, its reasons in `zh` or `en`."""
    rows = [
        {
            "place": entry.row.place,
            "question": entry.row.question,
            "outcome": entry.outcome,
            "id": entry.id,
            "look": _to_look_at(entry, language),
        }
        for entry in report.entries
    ]
    return {"encoding": report.encoding, "rows": rows}


def _to_look_at(entry: Entry, language: str) -> list[str]:
    named = [say(language, f"import.look_{name}") for name in entry.look]
    return [entry.fault.say(language)] if entry.fault else named
