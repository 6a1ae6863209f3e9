"""An interview in the terminal: typed by a person, or read from a script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from interviewer import report
from interviewer.batch import Row, grade_row
from interviewer.errors import ReplyRefused
from interviewer.records import Grade, Interview, Turn, Ungraded, Verdict
from interviewer.session import Amended, Asked, Ended, Event, Judged, Said, Sessions
from interviewer.words import say

COMMANDS = {"/hint": "hint", "/提示": "hint", "/skip": "skip", "/跳过": "skip", "/end": "end", "/结束": "end"}
_MARKS = {"met": "[green]✓[/]", "partial": "[yellow]◐[/]", "contradicted": "[red]✗[/]"}


class Chat:
    """Takes one interview of the sessions through to its end, line by line."""

    def __init__(self, sessions: Sessions, console: Console, interview: Interview) -> None:
        self._sessions, self._console = sessions, console
        self._id, self._language = interview.id, interview.plan.language
        self.refused = self.ungraded = 0

    def run(self, lines: Iterable[str]) -> None:
        """Take the interview on with these lines, to its end or to theirs; then it is ended and its report shown."""
        self._sessions.regrade(self._id)
        over = self._sessions.load(self._id).ended is not None
        if not over:
            self._show_standing()
            over = self._follow(self._sessions.go_on(self._id))
        source = iter(lines)
        while not over:
            line = next(source, None)
            if line is None:
                break
            over = self._take(line.strip())
        self._sessions.end(self._id)
        made = self._sessions.report(self._id)
        self.ungraded = sum(bool(question.ungraded) for question in made.questions)
        written = report.markdown(made, self._language)
        self._console.print()
        if self._console.is_terminal:
            self._console.print(Markdown(written), soft_wrap=False)
        else:
            self._console.print(written, markup=False, highlight=False)

    def _take(self, line: str) -> bool:
        """Do what a line says and return whether the interview is over."""
        verb = COMMANDS.get(line.lower(), "reply")
        try:
            if verb == "end":
                return True
            if verb == "hint":
                told = self._sessions.hint(self._id).asides[-1].said
                self._console.print(f"[cyan]{escape(told)}[/]")
                return False
            if verb == "reply" and re.fullmatch(r"/\w+", line):
                raise ReplyRefused("unknown_command", command=line[:40])
            steps = self._sessions.skip(self._id) if verb == "skip" else self._sessions.reply(self._id, line)
        except ReplyRefused as error:
            self.refused += 1
            self._console.print(f"[red]{escape(error.say(self._language))}[/]")
            return False
        return self._follow(steps)

    def _follow(self, steps: Iterator[Event]) -> bool:
        while True:
            # A spinner while a grader thinks; what the interviewer says comes without one.
            with self._console.status(say(self._language, "page.thinking")):
                step = next(steps, None)
            if step is None:
                return False
            if isinstance(step, Judged | Amended):
                self._show_outcome(step.turn)
                self._console.print()
            elif isinstance(step, Said):
                self._console.print(escape(step.text), end="", style="bold", highlight=False)
            elif isinstance(step, Asked):
                self._console.print()
            elif isinstance(step, Ended):
                self._console.print()
                return True

    def _show_standing(self) -> None:
        current = self._sessions.load(self._id)
        self._console.print(f"[dim]{escape(say(self._language, 'chat.commands', interview=self._id))}[/]\n")
        self._console.print(escape(current.last.said), style="bold", highlight=False)

    def _show_outcome(self, turn: Turn) -> None:
        if self._sessions.load(self._id).keeps_quiet:
            return
        outcome = turn.outcome
        if isinstance(outcome, Ungraded):
            self._console.print(f"[yellow]{escape(say(self._language, 'chat.ungraded', reason=outcome.reason))}[/]")
        if not isinstance(outcome, Grade):
            return
        band = say(self._language, f"band.{outcome.score.band}")
        self._console.print(f"[bold]{outcome.score.value}[/] / 100 · {band}")
        # The texts of points that are not met wait for the report: a follow-up may be asking for them.
        for point in (point for point in outcome.points if point.verdict is not Verdict.MISSING):
            text = f" {escape(point.text)}" if point.verdict is Verdict.MET else ""
            verdict = say(self._language, f"verdict.{point.verdict}")
            quote = f"[dim]“{escape(point.quote)}”[/]"
            self._console.print(f"  {_MARKS[point.verdict]} {verdict}{text} {quote}", highlight=False)
        missing = sum(point.verdict is Verdict.MISSING for point in outcome.points)
        if missing:
            self._console.print(f"  [dim]○ {escape(say(self._language, 'chat.missing', count=missing))}[/]")
        if outcome.fallback:
            self._console.print(f"[yellow]⚠ {escape(say(self._language, 'chat.fallback', reason=outcome.fallback))}[/]")


def typed(console: Console, prompt: Callable[[str], str], language: str) -> Iterator[str]:
    """Yield the lines that a person types; the end of input (Ctrl+D) pauses the interview as Ctrl+C does."""
    while True:
        try:
            yield prompt(say(language, "chat.prompt"))
        except EOFError:
            raise KeyboardInterrupt from None


def as_json(interview: Interview, sessions: Sessions) -> str:
    """Return a whole interview as one JSON object: its turns with their grades, and its report."""
    turns: list[Row] = []
    for turn in interview.turns:
        row = turn.model_dump(mode="json", exclude={"outcome"})
        row["hints"] = [hint.said for hint in turn.hints]
        outcome = turn.outcome
        row["grade"] = grade_row(outcome) if isinstance(outcome, Grade) else None
        row["ungraded"] = outcome.reason if isinstance(outcome, Ungraded) else ""
        row["skipped"] = outcome is not None and outcome.kind == "skipped"
        turns.append(row)
    whole = {
        "interview": interview.id,
        "language": interview.plan.language,
        "seed": interview.plan.seed,
        "turns": turns,
        "report": sessions.report(interview.id).model_dump(mode="json"),
    }
    return json.dumps(whole, ensure_ascii=False, indent=2)
