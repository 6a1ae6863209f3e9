"""The grading figures of the README and of docs/benchmarks.md: `make bench-grading` measures them anew.

It is `interviewer bench grading` over the test part of the labelled replies, written between the marks of both files.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from interviewer.bench import grading, replies
from interviewer.settings import Settings
from interviewer.wiring import Wiring

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- measured by `make bench-grading` -->", "<!-- end of grading -->"
AGAIN = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(Settings(data_dir=Path(folder)))
        examiner = wiring.examiner("offline")
        rows = replies.own(wiring.settings.knowledge_dir, wiring.bank, "test")
        graded = grading.grade_all(examiner, rows, "zh")
        made = grading.as_json(rows, graded)
        same = grading.repeated(examiner, rows[:AGAIN], graded[:AGAIN], "zh")
        text = f"{grading.as_markdown(made)} Graded twice, {same:.0%} of {AGAIN} came out the same."
        for name in ("README.md", "docs/benchmarks.md"):
            page = (ROOT / name).read_text("utf-8")
            head, _, rest = page.partition(BEGIN)
            written = "\n".join([BEGIN, "", text, "", END])
            (ROOT / name).write_text(head + written + rest.partition(END)[2], encoding="utf-8")
        print(text)  # noqa: T201


if __name__ == "__main__":
    main()
