"""The verbs of the program in a terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from interviewer import batch, chat, check, cli_bench, cli_simulate, doctor, embeddings
from interviewer.batch import Row
from interviewer.errors import BankError, FileRefused, InterviewerError
from interviewer.grading import proof
from interviewer.grading.examiner import Which
from interviewer.importing import run as importing
from interviewer.records import PERSONAS
from interviewer.settings import Settings
from interviewer.terminal import Json, bar, err, fault_language, out, print_plain, read_settings
from interviewer.wiring import Wiring
from interviewer.words import say

app = typer.Typer(
    name="interviewer",
    help="模拟面试官：提问、追问、按要点评分。 / A mock interviewer: asks, follows up, grades by key points.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_bench.app)
app.command()(cli_simulate.simulate)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="监听地址 / address to listen on")] = "",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="端口 / port")] = None,
) -> None:
    """打开网页 / Start the web page."""
    from interviewer.ui import serve as web  # gradio takes 2.4 s to import: only when the page is wanted

    wiring = Wiring(read_settings())
    web.serve(wiring, host or wiring.settings.host, wiring.settings.port if port is None else port)


@app.command(name="chat")
def chat_command(
    topics: Annotated[str, typer.Option(help="主题，逗号分隔；默认全部 / topics, comma-separated; default all")] = "",
    count: Annotated[int, typer.Option(help="题目数量 / number of questions")] = 3,
    follow_ups: Annotated[
        int | None, typer.Option(min=0, max=5, help="每题最多追问几次 / follow-ups a question")
    ] = None,
    script: Annotated[Path | None, typer.Option(help="每行一个回答的文件 / file with a reply a line")] = None,
    resume: Annotated[str, typer.Option(help="继续一场面试的编号 / id of an interview to go on with")] = "",
    seed: Annotated[int | None, typer.Option(help="选题的随机种子 / seed for the choice of questions")] = None,
    mode: Annotated[str, typer.Option(help="practice | exam | quick")] = "practice",
    persona: Annotated[str, typer.Option(help="neutral | friendly | tough")] = "neutral",
    minutes: Annotated[int, typer.Option(min=0, max=300, help="考试时长 / minutes of an exam")] = 0,
    drill: Annotated[str, typer.Option(help="只练追问：题目编号或面试编号 / a question or an interview to drill")] = "",
    as_json: Json = False,
) -> None:
    """在终端里面试 / Take an interview in the terminal."""
    if mode not in ("practice", "exam", "quick"):
        raise typer.BadParameter("practice | exam | quick", param_hint="--mode")
    if persona not in PERSONAS:
        raise typer.BadParameter(" | ".join(PERSONAS), param_hint="--persona")
    settings = read_settings()
    wiring = Wiring(settings)
    lines = _script_lines(script) if script else None
    sessions = wiring.sessions
    if resume:
        interview = sessions.load(resume)
    elif drill:
        interview = sessions.drill(drill, settings.language, seed, persona)
    else:
        chosen = [topic.strip() for topic in topics.split(",") if topic.strip()]
        limit = settings.follow_ups if follow_ups is None else follow_ups
        manner: dict[str, Any] = {"mode": mode, "persona": persona, "minutes": minutes}
        interview = sessions.start(chosen, count, limit, settings.language, seed, **manner)
    talk = chat.Chat(sessions, err if as_json else out, interview)
    try:
        talk.run(chat.typed(out, _prompt, settings.language) if lines is None else lines)
    except KeyboardInterrupt:
        err.print(f"\n{say(settings.language, 'chat.paused', interview=interview.id)}", highlight=False)
        raise typer.Exit(130) from None
    if as_json:
        print_plain(chat.as_json(sessions.load(interview.id), sessions))
    if talk.refused or talk.ungraded:
        raise typer.Exit(1)


@app.command()
def grade(
    question: Annotated[str, typer.Option(help="题目编号或题面 / id or wording of a question")] = "",
    reply: Annotated[
        str, typer.Option(help="回答的文件，- 为标准输入 / file with the reply, - for standard input")
    ] = "",
    reference: Annotated[Path | None, typer.Option(help="参考答案的文件 / file with a reference answer")] = None,
    source: Annotated[
        Path | None, typer.Option("--batch", help="JSONL：question, reply, reference? / many replies")
    ] = None,
    target: Annotated[Path | None, typer.Option("--out", help="--batch 的结果文件 / where the results go")] = None,
    grader: Annotated[str, typer.Option(help="auto | offline | llm")] = "",
    as_json: Json = False,
) -> None:
    """给一个或一批回答评分 / Grade one reply, or a file of them."""
    if grader not in ("", "auto", "offline", "llm"):
        raise typer.BadParameter("auto | offline | llm", param_hint="--grader")
    wiring = Wiring(read_settings())
    which: Which | None = grader or None  # type: ignore[assignment]
    examiner = wiring.examiner(which)
    if source is not None:
        if target is None:
            raise typer.BadParameter("--batch needs --out", param_hint="--out")
        _run_batch(source, target, batch.graded_rows(wiring, examiner), wiring.settings.language)
        return
    if not question or not reply:
        raise typer.BadParameter("--question and --reply, or --batch and --out", param_hint="grade")
    said = _standard_input() if reply == "-" else batch.read_text(Path(reply))
    expected = batch.read_text(reference) if reference else None
    row = batch.grade(wiring, examiner, question, said, expected)
    if "error" in row:
        err.print(row["error"], style="red", markup=False)
        raise typer.Exit(1)
    if as_json:
        print_plain(json.dumps(row, ensure_ascii=False, indent=2))
    else:
        _show_grade(row, wiring.settings.language)
    if row["fallback"]:
        err.print(say(wiring.settings.language, "chat.fallback", reason=row["fallback"]), style="yellow", markup=False)
        if which == "llm":  # asked for by name, and not what graded
            raise typer.Exit(1)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="要找的问题 / what to look for")] = "",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="返回几条 / how many")] = 5,
    source: Annotated[Path | None, typer.Option("--batch", help="JSONL：query / many queries")] = None,
    target: Annotated[Path | None, typer.Option("--out", help="--batch 的结果文件 / where the results go")] = None,
    as_json: Json = False,
) -> None:
    """在题库里查找问题 / Find questions of the bank by meaning."""
    with bar() as advance:
        wiring = Wiring(read_settings(), advance)
        if source is not None:
            if target is None:
                raise typer.BadParameter("--batch needs --out", param_hint="--out")
            _ = wiring.index
        rows = [] if source else batch.search(wiring, text, k)
    if source is not None and target is not None:
        _run_batch(source, target, batch.found_rows(wiring, k), wiring.settings.language)
    elif as_json:
        print_plain(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            out.print(f"{row['similarity']:.3f}  {row['question']}  [dim]{row['id']}[/]", highlight=False)


@app.command(name="import")
def import_command(
    source: Annotated[Path, typer.Argument(help="CSV、TSV、JSONL、Markdown 或每行一题的 TXT / your questions")],
    topic: Annotated[str, typer.Option(help="没有主题的题目归到哪里 / topic of rows that name none")] = "",
    dry: Annotated[bool, typer.Option("--dry-run", help="只看报告，不写文件 / report only, write nothing")] = False,
    as_json: Json = False,
) -> None:
    """把自己的题目导入题库 / Import your own questions."""
    settings = read_settings()
    wiring = Wiring(settings)
    for folder in settings.bank_dirs[:1]:
        wiring.make_folder(folder)
    with bar() as advance:
        target, llm = settings.import_dir, wiring.endpoint
        report = importing.run(source, target, wiring.bank, llm, dry=dry, topic=topic, progress=advance)
    if as_json:
        print_plain(json.dumps(importing.as_json(report, settings.language), ensure_ascii=False, indent=2))
    else:
        _show_import(report, settings, dry)
    if llm and llm.usage.calls:
        used = {"calls": llm.usage.calls, "sent": llm.usage.prompt_tokens, "received": llm.usage.completion_tokens}
        err.print(say(settings.language, "import.cost", **used), highlight=False)
    if not report.of("written") and not report.of("exists"):
        raise typer.Exit(1)


@app.command(name="check")
def check_command(
    deep: Annotated[
        bool, typer.Option("--deep", help="也运行代码并试评每道题 / run the code, grade every file")
    ] = False,
    topics: Annotated[str, typer.Option(help="--deep 只看这些主题 / --deep for these topics only")] = "",
) -> None:
    """检查题库文件与随附向量 / Check the question files and the vectors shipped with them."""
    wiring = Wiring(read_settings())
    language = wiring.settings.language
    faults = check.check(wiring.bank, wiring.asked)
    shipped = embeddings.stale(wiring.bank, wiring.encoder.name, wiring.shipped_vectors)
    if faults:
        raise BankError(faults)
    if shipped:
        err.print(say(language, "check.stale", topics=", ".join(shipped)), style="red", markup=False)
        raise typer.Exit(1)
    out.print(say(language, "check.fine", questions=len(wiring.bank)))
    if not deep:
        return
    chosen = [topic.strip() for topic in topics.split(",") if topic.strip()]
    with bar() as advance:
        proved = proof.prove(wiring.bank, chosen, wiring.offline_grader, wiring.embeddings, advance)
    for tried in proved.wrong:
        line = f"{tried.question}: {tried.point}: {tried.kind}: {tried.verdict}: {tried.line}"
        out.print(line, markup=False, highlight=False)
    for kind, (right, tries) in proved.lines.items():
        values = {"kind": kind, "right": right, "tries": tries, "share": f"{right / max(1, tries):.1%}"}
        out.print(say(language, "check.lines", **values), highlight=False)
    if proved.faults:
        raise BankError(list(proved.faults))


@app.command()
def index(rebuild: Annotated[bool, typer.Option("--rebuild", help="重新建立 / build anew")] = False) -> None:
    """同步检索索引 / Bring the search index in line with the bank."""
    with bar() as advance:
        wiring = Wiring(read_settings(), advance)
        if rebuild:
            wiring.index.rebuild()
        entries = wiring.index.size
    out.print(say(wiring.settings.language, "check.index", entries=entries))


@app.command()
def vectors() -> None:
    """更新随题库附带的向量 / Refresh the vectors that are shipped with the bank."""
    with bar() as advance:
        wiring = Wiring(read_settings())
        total = embeddings.ship(wiring.bank, wiring.encoder, wiring.shipped_vectors, advance)
    out.print(say(wiring.settings.language, "check.shipped", total=total))


@app.command(name="doctor")
def doctor_command(as_json: Json = False) -> None:
    """检查每个部件是否可用 / Look at every part and say what to do about those that are not well."""
    wiring = Wiring(read_settings())
    findings = doctor.examine(wiring)
    if as_json:
        print_plain(json.dumps(doctor.as_json(findings), ensure_ascii=False, indent=2))
    else:
        language = wiring.settings.language
        marks = {"ok": "[green]✓[/]", "off": "[dim]–[/]", "fault": "[red]✗[/]"}
        for finding in findings:
            name, state = say(language, f"doctor.name_{finding.name}"), say(language, f"doctor.state_{finding.state}")
            out.print(f"{marks[finding.state]} {name} · {state}", end=": ")
            out.print(finding.detail, markup=False, highlight=False)
    if any(finding.state == "fault" for finding in findings):
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> None:
    """Run the program, by default with the process's arguments; a fault is one sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    # Between texts the encoder's threads would spin and take the cores from everybody else; read when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        app(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except InterviewerError as error:
        err.print(error.say(fault_language()), style="red", markup=False, highlight=False)
        sys.exit(1)


def _prompt(label: str) -> str:
    return out.input(f"[bold green]{label}[/] › ")


def _standard_input() -> str:
    data = sys.stdin.buffer.read(batch.MAX_FILE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused("file_not_text", path="-", byte=error.start) from error


def _script_lines(script: Path) -> list[str]:
    return batch.read_text(script).rstrip().splitlines()


def _run_batch(source: Path, target: Path, work: batch.Work, language: str) -> None:
    try:
        with bar() as advance:
            lines, faults = batch.run(source, target, work, language, advance)
    except KeyboardInterrupt:
        err.print(say(language, "chat.stopped", path=target), markup=False, highlight=False)
        raise typer.Exit(130) from None
    err.print(say(language, "check.batch", lines=lines, faults=faults, path=target), markup=False, highlight=False)
    if lines and faults == lines:
        raise typer.Exit(1)


def _show_import(report: importing.Report, settings: Settings, dry: bool) -> None:
    language = settings.language
    columns = [say(language, f"import.{name}") for name in ("place", "question", "outcome", "look")]
    table = Table(*columns)
    for entry in importing.as_json(report, language)["rows"]:
        outcome = say(language, f"import.outcome_{entry['outcome']}")
        table.add_row(str(entry["place"]), escape(entry["question"]), outcome, escape("；".join(entry["look"])))
    out.print(table)
    if report.encoding != "utf-8":
        out.print(say(language, "import.read", encoding=report.encoding), highlight=False)
    counts = {name: len(report.of(name)) for name in ("written", "exists", "unanswered", "refused")}
    out.print(say(language, "import.summary", **counts, folder=settings.import_dir), markup=False, highlight=False)
    out.print(say(language, "import.dry" if dry else "import.next"), highlight=False)


def _show_grade(row: Row, language: str) -> None:
    band = say(language, f"band.{row['band']}")
    out.print(f"[bold]{row['score']}[/] / 100 · {band}")
    out.print(row["feedback"], markup=False)
    table = Table("", say(language, "page.point"), say(language, "page.quote"))
    for point in row["points"]:
        table.add_row(say(language, f"verdict.{point['verdict']}"), point["text"], point["quote"])
    out.print(table)


if __name__ == "__main__":
    main()
