"""`interviewer bench`: what a user can measure himself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from interviewer.bench import attacks, grading, replies, retrieval
from interviewer.grading.examiner import Which
from interviewer.terminal import Json, bar, err, out, print_plain, read_settings
from interviewer.wiring import Wiring
from interviewer.words import say

app = typer.Typer(name="bench", help="测量 / Measure.", no_args_is_help=True)


@app.command(name="retrieval")
def bench_retrieval(
    data: Annotated[Path | None, typer.Option(help="JSONL：query, question, kind? / your own queries")] = None,
    as_json: Json = False,
) -> None:
    """用别的问法能否找到题目 / How surely a question is found by other wordings."""
    with bar() as advance:
        wiring = Wiring(read_settings(), advance)
        queries = retrieval.read_queries(data, wiring.bank) if data else retrieval.own_queries(wiring.bank)
        found = retrieval.as_json(retrieval.retrieval(wiring.index, queries, advance))
    if as_json:
        print_plain(json.dumps(found, ensure_ascii=False, indent=2))
        return
    out.print("| kind | queries | recall@1 | recall@3 | ms |\n|---|--:|--:|--:|--:|", highlight=False)
    for row in found:
        shares = f"{row['recall_1']:.3f} | {row['recall_3']:.3f} | {row['seconds'] * 1000:.0f}"
        out.print(f"| {escape(row['kind'])} | {row['queries']} | {shares} |", highlight=False)


@app.command(name="grading")
def bench_grading(
    data: Annotated[
        Path | None, typer.Option(help="JSONL：question, reply, mark|score, reference? / your own marked replies")
    ] = None,
    grader: Annotated[str, typer.Option(help="offline | llm")] = "offline",
    part: Annotated[str, typer.Option(help="test | train | all")] = "test",
    limit: Annotated[int, typer.Option(min=0, help="只评前几条，0 为全部 / first replies only, 0 for all")] = 0,
    again: Annotated[int, typer.Option(min=0, help="再评几条看是否一致 / how many to grade twice")] = 30,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="不询问费用 / do not ask about the cost")] = False,
    as_json: Json = False,
) -> None:
    """评分与人的一致程度，以及什么能骗过它 / How well a grader agrees with people, and what fools it."""
    if grader not in ("offline", "llm"):
        raise typer.BadParameter("offline | llm", param_hint="--grader")
    if part not in ("test", "train", "all"):
        raise typer.BadParameter("test | train | all", param_hint="--part")
    wiring = Wiring(read_settings())
    language = wiring.settings.language
    which: Which = grader  # type: ignore[assignment]
    examiner = wiring.examiner(which)
    rows = replies.read(data, wiring.bank) if data else replies.own(wiring.settings.knowledge_dir, wiring.bank)
    rows = [row for row in rows if data or part in ("all", row.part)][: limit or None]
    kept = _kept(wiring, data, grader) if grader == "llm" else None
    if kept:
        cost = {
            "calls": len(rows),
            "sent": len(rows) * grading.TOKENS_A_CALL,
            "received": len(rows) * grading.TOKENS_ANSWERED,
        }
        err.print(say(language, "bench.before", **cost, path=kept), highlight=False)
        if not yes and not typer.confirm(say(language, "bench.go_on"), err=True):
            raise typer.Exit(1)
    try:
        with bar() as advance:
            graded = grading.grade_all(examiner, rows, language, kept, advance)
    except KeyboardInterrupt:
        err.print(say(language, "bench.stopped"), highlight=False)
        raise typer.Exit(130) from None
    made = grading.as_json(rows, graded)
    if again and grader == "offline":
        made["identical"] = grading.repeated(examiner, rows[:again], graded[:again], language)
    if as_json:
        print_plain(json.dumps(made, ensure_ascii=False, indent=2))
    else:
        out.print(grading.as_markdown(made), highlight=False, markup=False)
    if wiring.endpoint and wiring.endpoint.usage.calls:
        used = wiring.endpoint.usage
        cost = {"calls": used.calls, "sent": used.prompt_tokens, "received": used.completion_tokens}
        err.print(say(language, "bench.after", **cost), highlight=False)
    if made["ungraded"] == len(rows):
        raise typer.Exit(1)


@app.command(name="attacks")
def bench_attacks(
    topics: Annotated[str, typer.Option(help="主题，逗号分隔；默认全部 / topics, comma-separated; default all")] = "",
    as_json: Json = False,
) -> None:
    """骗分的回答能得多少分（离线评分） / What replies that only fish for marks get from the offline grader."""
    wiring = Wiring(read_settings())
    chosen = [topic.strip() for topic in topics.split(",") if topic.strip()]
    with bar() as advance:
        questions = wiring.bank.of_topics(chosen)
        found = attacks.attack(wiring.examiner("offline"), wiring.bank, questions, wiring.settings.language, advance)
    if as_json:
        print_plain(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
        return
    out.print("| attack | questions | ≥ 60 | mean | worst |\n|---|--:|--:|--:|---|", highlight=False)
    for one in found:
        worst = ", ".join(f"{name} {value}" for name, value in one.worst)
        passed = f"{one.passed / max(1, one.tries):.1%}"
        out.print(f"| {one.kind} | {one.tries} | {passed} | {one.mean:.0f} | {worst} |", highlight=False)


def _kept(wiring: Wiring, data: Path | None, grader: str) -> Path:
    """Return the file that keeps what was graded, one for each grader, model and data file."""
    model = wiring.endpoint.model if wiring.endpoint else ""
    name = hashlib.sha256(f"{grader} {model} {data.resolve() if data else ''}".encode()).hexdigest()[:12]
    folder = wiring.settings.data_dir / "bench"
    wiring.make_folder(folder)
    return folder / f"grading-{name}.jsonl"
