"""The named endpoints by which a program takes an interview (`gradio_client`): JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from interviewer import report
from interviewer.batch import grade_row
from interviewer.errors import InterviewerError, ReplyRefused, SettingsError
from interviewer.records import PERSONAS, Grade, Interview, Report, Turn, Ungraded
from interviewer.session import Amended, Asked, Ended, Event, Judged, Said, Sessions
from interviewer.words import LANGUAGES

Json = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")


def told(work: Callable[P, R]) -> Callable[P, R]:
    """Turn an InterviewerError into the sentence that the caller is shown."""

    @wraps(work)
    def telling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except InterviewerError as error:
            raise gr.Error(error.say("zh"), print_exception=False) from None
        except (TypeError, ValueError, AttributeError) as error:  # gradio passes on whatever the caller sent
            detail = " ".join(str(error).split())[:200]
            raise gr.Error(SettingsError("bad_arguments", detail=detail).say("zh"), print_exception=False) from None

    return telling


class Api:
    """The endpoints; a session id is all that a caller holds."""

    def __init__(self, sessions: Sessions, follow_ups: int) -> None:
        self._sessions, self._follow_ups = sessions, follow_ups

    def register(self) -> None:
        """Add the endpoints to the Blocks that are being built."""
        for verb in (self.start, self.drill, self.reply, self.hint, self.skip, self.end, self.report, self.resume):
            gr.api(told(verb), api_name=verb.__name__, concurrency_limit=None)

    def start(
        self,
        topics: list[str] | str,
        count: int = 3,
        language: str = "zh",
        follow_ups: int = -1,
        seed: int = -1,
        mode: str = "practice",
        persona: str = "neutral",
        minutes: int = 0,
    ) -> dict:  # type: ignore[type-arg]
        """Start an interview: topic ids (none: all), number of questions, zh or en; −1 leaves the choice to us.

        `mode` is practice, exam or quick; `persona` neutral, friendly or tough; `minutes` the length of an exam.
        """
        if language not in LANGUAGES:
            raise SettingsError("bad_language", language=str(language)[:40])
        if mode not in ("practice", "exam", "quick") or persona not in PERSONAS or not 0 <= minutes <= 300:
            raise ValueError("mode: practice, exam, quick; persona: neutral, friendly, tough; minutes: 0 to 300")
        topics = [name.strip() for name in topics.split(",") if name.strip()] if isinstance(topics, str) else topics
        if not all(isinstance(name, str) for name in topics) or not isinstance(count, int):
            raise TypeError("topics: list of text, count: whole number")
        depth = self._follow_ups if follow_ups < 0 else min(follow_ups, 5)
        manner: Json = {"mode": mode, "persona": persona, "minutes": minutes}
        begun = self._sessions.start(topics, count, depth, language, None if seed < 0 else seed, **manner)
        return _begun(begun)

    def drill(self, source: str, language: str = "zh", seed: int = -1, persona: str = "neutral") -> dict:  # type: ignore[type-arg]
        """Practise follow-ups alone: of a question (its id), or of what an interview left open (its session)."""
        if language not in LANGUAGES:
            raise SettingsError("bad_language", language=str(language)[:40])
        if persona not in PERSONAS:
            raise ValueError("persona: neutral, friendly, tough")
        return _begun(self._sessions.drill(source, language, None if seed < 0 else seed, persona))

    def reply(self, session: str, text: str, turn: int = 0, as_is: bool = False) -> dict:  # type: ignore[type-arg]
        """Reply to the open question (to the turn with this number, if given): its grade, and what comes next.

        What is no answer (a question back, a request for a hint) is answered and leaves the turn open, without a grade;
        with `as_is` it is taken for the answer.
        """
        return self._outcome(session, self._sessions.reply(session, text, turn, as_is))

    def skip(self, session: str, turn: int = 0) -> dict:  # type: ignore[type-arg]
        """Pass over the open question."""
        return self._outcome(session, self._sessions.skip(session, turn))

    def resume(self, session: str) -> dict:  # type: ignore[type-arg]
        """Go on where an interview stands, and grade again what could not be graded."""
        self._sessions.regrade(session)
        return self._outcome(session, self._sessions.go_on(session))

    def hint(self, session: str) -> dict:  # type: ignore[type-arg]
        """Ask for a hint on the open question."""
        turn = self._sessions.hint(session)
        return {"hint": turn.asides[-1].said, "hints": [hint.said for hint in turn.hints]}

    def end(self, session: str) -> dict:  # type: ignore[type-arg]
        """End the interview now: its report."""
        return report_row(self._sessions.end(session), self._language(session))

    def report(self, session: str) -> dict:  # type: ignore[type-arg]
        """Return the report of the interview so far."""
        current = self._sessions.load(session)
        if current.keeps_quiet:
            raise ReplyRefused("exam_quiet")
        return report_row(self._sessions.report(session), self._language(session))

    def _language(self, session: str) -> str:
        return self._sessions.load(session).plan.language

    def _outcome(self, session: str, events: Iterator[Event]) -> Json:
        row: Json = {
            "grade": None,
            "ungraded": "",
            "said": "",
            "turn": None,
            "ended": False,
            "report": None,
            "amended": [],
        }
        for event in events:
            if isinstance(event, Judged):
                outcome = None if self._sessions.load(session).keeps_quiet else event.turn.outcome
                row["grade"] = grade_row(outcome) if isinstance(outcome, Grade) else None
                row["ungraded"] = outcome.reason if isinstance(outcome, Ungraded) else ""
            elif isinstance(event, Amended):
                row["amended"].append(event.turn.number)
            elif isinstance(event, Said):
                row["said"] += event.text
            elif isinstance(event, Asked):
                row["turn"] = turn_row(event.turn)
            elif isinstance(event, Ended):
                row["ended"], row["report"] = True, report_row(event.report, self._language(session))
        current = self._sessions.load(session)
        if current.ended:
            row["ended"] = True
            row["report"] = row["report"] or report_row(self._sessions.report(session), current.plan.language)
        elif row["turn"] is None:
            row["turn"] = turn_row(current.last)
        return row


def _begun(begun: Interview) -> Json:
    return {"session": begun.id, "said": begun.last.said, "turn": turn_row(begun.last)}


def turn_row(turn: Turn) -> Json:
    """Return an open turn as JSON: what was asked, and whether it is a follow-up."""
    return {
        "number": turn.number,
        "question": turn.question,
        "said": turn.said,
        "follow_up": not turn.is_main,
        "hints": [hint.said for hint in turn.hints],
        "fallback": turn.fallback,
    }


def report_row(made: Report, language: str) -> Json:
    """Return a report as JSON, with its Markdown beside it."""
    return {**made.model_dump(mode="json"), "markdown": report.markdown(made, language)}
