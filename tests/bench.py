"""The figures of docs/benchmarks.md: `make bench` measures them anew and writes the file's table."""

from __future__ import annotations

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pages import Program, browser
from servers import completion, scripted

from interviewer.embeddings import Embeddings
from interviewer.encoder import EmbeddedE5, Matrix
from interviewer.grading.llm import LlmGrader
from interviewer.index import Index
from interviewer.prompts import Prompt
from interviewer.records import Rubric
from interviewer.settings import Settings
from interviewer.wiring import Wiring

DOC = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured by `make bench` -->", "<!-- end -->"
Row = tuple[str, str, str]


class Counting(EmbeddedE5):
    """Counts the texts that are encoded as passages."""

    encoded = 0

    def passages(self, texts: Sequence[str]) -> Matrix:
        self.encoded += len(texts)
        return super().passages(texts)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: Sequence[float], unit: str, scale: float = 1.0) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle * scale:.3g} {unit} ({low * scale:.3g}–{high * scale:.3g})"


def resident_mb(program: Program) -> float:
    status = Path(f"/proc/{program.pid}/status").read_text("utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def page_figures() -> list[Row]:
    starts, memory, first = [], [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Path(folder))
            starts.append(timed(program.start))
            try:
                time.sleep(2)
                memory.append(resident_mb(program))
                with browser() as chromium:
                    first.append(timed(lambda c=chromium, url=program.url: _open_page(c.new_page(), url)))
            finally:
                program.kill()
    return [
        ("从启动到首页可以访问（全新数据文件夹）", spread(starts, "s"), "≤ 6 s"),
        ("浏览器打开首页到按钮可用", spread(first, "s"), "—"),
        ("默认页面常驻内存（编码器已载入）", spread(memory, "MB"), "≤ 500 MB"),
    ]


def _open_page(page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#start")


def search_figures(wiring: Wiring) -> list[Row]:
    queries = [alias for question in wiring.bank for alias in question.aliases][:100]
    wiring.index.nearest("热身", 5)
    times = [timed(lambda q=query: wiring.index.nearest(q, 5)) for query in queries]
    with tempfile.TemporaryDirectory() as folder:
        counts = []
        for _ in range(2):
            encoder = Counting()
            Index(wiring.bank, Embeddings(encoder, wiring.shipped_vectors, Path(folder) / "v"), Path(folder) / "index")
            counts.append(encoder.encoded)
    return [
        ("检索一次", spread(times, "ms", 1000), "p50 ≤ 60 ms"),
        ("第一次、第二次启动时编码的文本数", f"{counts[0]}、{counts[1]}", "第二次 0"),
    ]


def grade_figures(wiring: Wiring) -> list[Row]:
    lines = (Path(__file__).parent / "replies.jsonl").read_text("utf-8").splitlines()
    replies = [row for row in map(json.loads, lines) if row["kind"] == "strong" and len(row["reply"]) >= 180]
    examiner = wiring.examiner("offline")
    wiring.warm_up()
    times, sizes = [], []
    for row in replies * 2:
        question = wiring.bank.find(row["question"])
        if question is None or len(question.points) < 6:
            continue
        rubric = Rubric.of_question(question).model_copy(update={"points": question.points[:6]})
        times.append(timed(lambda r=rubric, reply=row["reply"][:200]: examiner.grade(r, reply)))
        sizes.append(len(row["reply"][:200]))
    name = f"离线评一个回答（6 个要点，平均 {statistics.mean(sizes):.0f} 字，{len(times)} 次）"
    return [(name, spread(times, "ms", 1000), "p50 ≤ 250 ms")]


def overhead_figures(wiring: Wiring) -> list[Row]:
    """Time whole turns against a server that answers at once, and the same two calls made barely."""
    question = wiring.bank.get("norm_regularisation/bn-train-vs-test")
    points = [{"id": p.id, "reason": "对", "quote": "滑动平均", "verdict": "met"} for p in question.points]
    answer = completion(json.dumps({"points": points, "misconceptions": []}, ensure_ascii=False))
    words = completion("你提到了滑动平均。那么线上只来一张图时会怎么样？")
    rounds = 15
    with scripted([answer, words] * rounds + [answer, words] * rounds) as server, tempfile.TemporaryDirectory() as data:
        own = Wiring(
            Settings(data_dir=Path(data), base_url=server.url, model="m", knowledge_dir=wiring.settings.knowledge_dir)
        )
        assert own.endpoint is not None
        grader, rubric, reply = LlmGrader(own.endpoint), Rubric.of_question(question), "推理时用滑动平均"
        bare = [
            timed(lambda: (grader.assess(rubric, reply), list(own.endpoint.stream(Prompt("p", "", "追问", "")))))
            for _ in range(rounds)
        ]
        turns = []
        for _ in range(rounds):
            begun = own.sessions.start([], 1, 2, "zh", _seed_for(own, question.id))
            turns.append(timed(lambda i=begun.id: list(own.sessions.reply(i, reply))))
    extra = statistics.median(turns) - statistics.median(bare)
    return [("一轮对话在模型调用之外的开销（中位数之差）", f"{1000 * extra:.3g} ms", "≤ 50 ms")]


def _seed_for(wiring: Wiring, question: str) -> int:
    from interviewer.planning.plan import plan

    return next(s for s in range(100_000) if plan(wiring.bank, [], 1, 2, "zh", s).questions == (question,))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(Settings(data_dir=Path(folder)))
        rows = [*page_figures(), *search_figures(wiring), *grade_figures(wiring), *overhead_figures(wiring)]
    lines = [
        BEGIN,
        "",
        f"{platform.machine()}，{_cores()} 核，Python {platform.python_version()}；中位数（最小–最大）。",
        "",
        "| 量 | 测得 | 目标 |",
        "|---|---|---|",
        *(f"| {name} | {value} | {target} |" for name, value, target in rows),
        "",
        END,
    ]
    text = DOC.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    DOC.write_text(head + "\n".join(lines) + rest.partition(END)[2], encoding="utf-8")
    print("\n".join(lines))  # noqa: T201


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
