"""How the offline grader scores replies of known kinds: `make bench-grading` writes the table of docs and README.

With paths of JSONL files ({question, reference, reply, score}) it also prints the correlation with their marks.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from interviewer.grading.examiner import Examiner
from interviewer.grading.reference import rubric_of_reference
from interviewer.records import Grade, Rubric
from interviewer.settings import Settings
from interviewer.wiring import Wiring

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- measured by `make bench-grading` -->", "<!-- end of grading -->"
KINDS = {
    "strong": "很好的回答",
    "good": "好的回答",
    "half": "对一半",
    "thin": "一句空话",
    "off-topic": "别的题的好回答",
    "keywords": "只罗列术语",
    "echo": "重复题目",
    "reversed": "流利的反话",
}


def scores(wiring: Wiring) -> dict[str, list[int]]:
    """Return kind → scores of the replies in tests/replies.jsonl, with off-topic ones and echoes made from them."""
    lines = (ROOT / "tests" / "replies.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    strong = [row for row in rows if row["kind"] == "strong"]
    for number, row in enumerate(strong):
        asked = row["question"]
        rows.append({"question": asked, "kind": "off-topic", "reply": strong[(number + 7) % len(strong)]["reply"]})
        rows.append({"question": asked, "kind": "echo", "reply": f"{asked}这个问题，就是要{asked}"})
    found = defaultdict(list)
    examiner = wiring.examiner("offline")
    for row in rows:
        question = wiring.bank.find(row["question"])
        assert question is not None, row["question"]
        found[row["kind"]].append(_value(examiner, Rubric.of_question(question), row["reply"]))
    return found


def _value(examiner: Examiner, rubric: Rubric, reply: str) -> int:
    outcome = examiner.grade(rubric, reply)
    assert isinstance(outcome, Grade), outcome
    return outcome.score.value


def table(found: dict[str, list[int]]) -> str:
    lines = ["| 回答 | 平均分 | 最低–最高 | ≥ 60 分 |", "|---|---|---|---|"]
    for kind, name in KINDS.items():
        values = found[kind]
        passed = sum(value >= 60 for value in values) / len(values)
        lines.append(
            f"| {name}（{kind}） | {statistics.mean(values):.0f} | {min(values)}–{max(values)} | {passed:.0%} |"
        )
    return "\n".join(lines)


def correlation(wiring: Wiring, path: Path) -> str:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    examiner = wiring.examiner("offline")
    given = [_value(examiner, rubric_of_reference(r["question"], r["reference"]), r["reply"]) for r in rows]
    return f"{path.stem}: {len(rows)} replies, r = {statistics.correlation(given, [r['score'] for r in rows]):.2f}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(Settings(data_dir=Path(folder)))
        made = "\n".join([BEGIN, "", table(scores(wiring)), "", END])
        for name in ("README.md", "docs/benchmarks.md"):
            text = (ROOT / name).read_text("utf-8")
            head, _, rest = text.partition(BEGIN)
            (ROOT / name).write_text(head + made + rest.partition(END)[2], encoding="utf-8")
        print(made)  # noqa: T201
        for path in sys.argv[1:]:
            print(correlation(wiring, Path(path)))  # noqa: T201


if __name__ == "__main__":
    main()
