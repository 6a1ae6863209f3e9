"""The page: choose topics, talk, see the score card, read the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from interviewer import report
from interviewer.errors import InterviewerError, NotFound
from interviewer.records import PERSONAS, Interview, Mode, Persona
from interviewer.session import Amended, Event, Judged, Said, Sessions
from interviewer.ui import render
from interviewer.ui.api import Api
from interviewer.wiring import Wiring
from interviewer.words import Language, say

_KEPT = "mock-interviewer"
_QUESTIONS = 5
_MOST_QUESTIONS = 20
# A drill is begun from a report and has no choice of its own here.
_MODES: tuple[Mode, ...] = ("practice", "exam", "quick")

Update = dict[Any, Any]
Updates = Iterator[Update]
Steps = Callable[[str], Iterator[Event]]


class Page:
    """Builds the Blocks; every event reads the interview from the store by the id that the browser keeps."""

    def __init__(self, wiring: Wiring) -> None:
        self._sessions: Sessions = wiring.sessions
        self._bank = wiring.bank
        self._settings = wiring.settings
        self._model = wiring.endpoint.url if wiring.endpoint else ""

    def build(self) -> gr.Blocks:
        """Return the page with its named endpoints."""
        language = self._settings.language
        with gr.Blocks(title=say(language, "page.title"), analytics_enabled=False, fill_width=True) as demo:
            self._lay_out(language)
            self._connect(demo)
            Api(self._sessions, self._settings.follow_ups).register()
        return demo

    def _lay_out(self, language: Language) -> None:
        # Which turn the candidate sees: a click in a tab that was left behind must not touch a later one.
        self.turn = gr.State(0)
        # The id lies in the candidate's own browser; a fixed secret lets him go on after the program was restarted.
        self.session = gr.BrowserState("", storage_key=_KEPT, secret=_KEPT)
        self.kept_language = gr.BrowserState(language, storage_key=f"{_KEPT}-language", secret=_KEPT)
        with gr.Row(elem_id="top"):
            self.title = gr.Markdown(self._heading(language), elem_id="title")
            self.language = gr.Radio(
                [("中文", "zh"), ("English", "en")],
                value=language,
                show_label=False,
                container=False,
                elem_id="language",
            )
        with gr.Column(elem_id="setup") as self.setup:
            self.about = gr.Markdown(say(language, "page.about"))
            self.topics = gr.CheckboxGroup(
                render.topic_choices(self._bank, language), label=say(language, "page.topics"), elem_id="topics"
            )
            with gr.Row():
                most = min(_MOST_QUESTIONS, len(self._bank))
                self.count = gr.Slider(
                    1, most, min(_QUESTIONS, most), step=1, label=say(language, "page.count"), elem_id="count"
                )
                self.depth = gr.Slider(
                    0, 3, min(3, self._settings.follow_ups), step=1, label=say(language, "page.depth"), elem_id="depth"
                )
            with gr.Row():
                self.mode = gr.Radio(
                    _modes(language),
                    value=_MODES[0],
                    label=say(language, "page.mode"),
                    elem_id="mode",
                )
                self.persona = gr.Radio(
                    _personas(language),
                    value=PERSONAS[0],
                    label=say(language, "page.persona"),
                    elem_id="persona",
                )
                self.minutes = gr.Slider(
                    0, 120, 0, step=5, label=say(language, "page.minutes"), visible=False, elem_id="minutes"
                )
            self.begin = gr.Button(say(language, "page.start"), variant="primary", elem_id="start")
        with gr.Row(visible=False, elem_id="room") as self.room:
            with gr.Column(scale=3):
                self.clock = gr.HTML("", visible=False, elem_id="time")
                self.chat = gr.Chatbot(
                    height="56vh",
                    show_label=False,
                    latex_delimiters=render.LATEX,
                    allow_tags=False,
                    feedback_options=None,
                    buttons=[],
                    group_consecutive_messages=False,
                    elem_id="chat",
                )
                self.box = gr.Textbox(
                    lines=4,
                    max_lines=12,
                    max_length=100_000,
                    show_label=False,
                    placeholder=say(language, "page.placeholder"),
                    elem_id="reply",
                    autofocus=True,
                )
                with gr.Row():
                    self.send = gr.Button(say(language, "page.send"), variant="primary", elem_id="send")
                    self.as_is = gr.Button(say(language, "page.as_is"), visible=False, elem_id="as_is")
                    self.hint = gr.Button(say(language, "page.hint"), elem_id="hint")
                    self.skip = gr.Button(say(language, "page.skip"), elem_id="skip")
                    self.end = gr.Button(say(language, "page.end"), variant="stop", elem_id="end")
            with gr.Column(scale=2):
                self.card = gr.Markdown(
                    say(language, "page.card_empty"), latex_delimiters=render.LATEX, elem_id="card", container=True
                )
                with gr.Accordion(
                    say(language, "page.answers"), open=False, visible=False, elem_id="answers"
                ) as self.fold:
                    self.answers = gr.Markdown("", latex_delimiters=render.LATEX)
        with gr.Column(visible=False, elem_id="report") as self.result:
            self.report = gr.Markdown("", latex_delimiters=render.LATEX)
            with gr.Row():
                self.again = gr.Button(say(language, "page.again"), variant="primary", elem_id="again")
                self.drill = gr.Button(say(language, "page.drill"), elem_id="drill")
                self.regrade = gr.Button(say(language, "page.regrade"), visible=False, elem_id="regrade")
            with gr.Accordion(say(language, "page.review"), open=False, elem_id="review") as self.review_fold:
                self.review = gr.Markdown("", latex_delimiters=render.LATEX)

    def _connect(self, demo: gr.Blocks) -> None:
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        widgets = self._all_widgets()
        demo.load(self._on_load, [self.session, self.kept_language], widgets, **private)
        self.language.change(self._on_language, [self.language, self.session], widgets, **private)
        chosen = [self.topics, self.count, self.depth, self.language, self.mode, self.persona, self.minutes]
        self.begin.click(self._on_start, chosen, widgets, **private)
        self.mode.change(self._on_mode, [self.mode], [self.minutes, self.depth, self.hint], **private)
        self.as_is.click(self._on_as_is, [self.session, self.turn, self.language], widgets, **private)
        self.drill.click(self._on_drill, [self.session, self.persona, self.language], widgets, **private)
        self.send.click(self._on_reply, [self.session, self.box, self.turn, self.language], widgets, **private)
        self.skip.click(self._on_skip, [self.session, self.turn, self.language], widgets, **private)
        self.hint.click(self._on_hint, [self.session, self.language], widgets, **private)
        self.end.click(self._on_end, [self.session, self.language], widgets, **private)
        self.again.click(self._on_again, None, widgets, **private)
        self.regrade.click(self._on_regrade, [self.session, self.language], widgets, **private)

    def _all_widgets(self) -> list[Any]:
        return [value for value in vars(self).values() if isinstance(value, gr.blocks.Block)]

    def _on_load(self, session: str, language: str) -> Updates:
        yield {self.language: gr.update(value=language), self.setup: gr.update(visible=not session)}
        if not session:
            return
        try:
            yield self._standing(session, language)
            yield from self._follow(session, self._sessions.go_on(session), language)
        except NotFound:  # the browser remembers an interview that this store never had
            yield {self.session: "", self.setup: gr.update(visible=True)}
        except InterviewerError as error:
            gr.Warning(error.say(language))

    def _on_language(self, language: str, session: str) -> Update:
        words: Update = {
            self.kept_language: language,
            self.title: self._heading(language),
            self.about: say(language, "page.about"),
            self.topics: gr.update(
                label=say(language, "page.topics"), choices=render.topic_choices(self._bank, language)
            ),
            self.count: gr.update(label=say(language, "page.count")),
            self.depth: gr.update(label=say(language, "page.depth")),
            self.mode: gr.update(label=say(language, "page.mode"), choices=_modes(language)),
            self.persona: gr.update(label=say(language, "page.persona"), choices=_personas(language)),
            self.minutes: gr.update(label=say(language, "page.minutes")),
            self.box: gr.update(placeholder=say(language, "page.placeholder")),
            self.fold: gr.update(label=say(language, "page.answers")),
            self.review_fold: gr.update(label=say(language, "page.review")),
        }
        buttons = ("begin:start", "send", "as_is", "hint", "skip", "end", "again", "drill", "regrade")
        for name in buttons:
            attribute, _, key = name.partition(":")
            words[getattr(self, attribute)] = gr.update(value=say(language, f"page.{key or attribute}"))
        if session:
            return {**self._standing(session, language), **words}
        return {**words, self.card: say(language, "page.card_empty")}

    def _on_start(
        self,
        topics: list[str],
        count: float,
        depth: float,
        language: Language,
        mode: Mode,
        persona: Persona,
        minutes: float,
    ) -> Update:
        manner: dict[str, Any] = {"mode": mode, "persona": persona, "minutes": int(minutes) if mode == "exam" else 0}
        return self._begun(language, lambda: self._sessions.start(topics, int(count), int(depth), language, **manner))

    def _on_drill(self, session: str, persona: Persona, language: Language) -> Update:
        return self._begun(language, lambda: self._sessions.drill(session, language, persona=persona), self.result)

    def _on_mode(self, mode: Mode) -> Update:
        return {
            self.minutes: gr.update(visible=mode == "exam"),
            self.depth: gr.update(visible=mode != "quick"),
            self.hint: gr.update(visible=mode != "exam"),
        }

    def _begun(self, language: Language, begin: Callable[[], Interview], place: gr.Column | None = None) -> Update:
        try:
            begun = begin()
        except InterviewerError as error:
            gr.Warning(error.say(language))
            return {place or self.setup: gr.update(visible=True)}
        return {self.session: begun.id, self.box: "", **self._room(begun, language)}

    def _on_reply(self, session: str, text: str, turn: int, language: str) -> Updates:
        yield from self._told(session, language, lambda s: self._sessions.reply(s, text, turn), clear=True)

    def _on_as_is(self, session: str, turn: int, language: str) -> Updates:
        """Take for the reply what was understood as something else."""
        asides = self._sessions.load(session).last.asides if session else ()
        said = next((aside.text for aside in reversed(asides) if aside.text), "")
        steps = lambda s: self._sessions.reply(s, said, turn, as_is=True)  # noqa: E731
        yield from self._told(session, language, steps, clear=False)

    def _on_skip(self, session: str, turn: int, language: str) -> Updates:
        yield from self._told(session, language, lambda s: self._sessions.skip(s, turn), clear=False)

    def _on_hint(self, session: str, language: str) -> Update:
        try:
            self._sessions.hint(session)
        except InterviewerError as error:
            gr.Warning(error.say(language))
        return self._standing(session, language)

    def _on_end(self, session: str, language: str) -> Update:
        try:
            self._sessions.end(session)
        except InterviewerError as error:
            gr.Warning(error.say(language))
        return self._standing(session, language)

    def _on_again(self) -> Update:
        return {
            self.session: "",
            self.setup: gr.update(visible=True),
            self.room: gr.update(visible=False),
            self.result: gr.update(visible=False),
            self.box: "",
        }

    def _on_regrade(self, session: str, language: str) -> Update:
        graded = self._sessions.regrade(session)
        gr.Info(say(language, "page.regraded", count=graded))
        return self._standing(session, language)

    def _told(self, session: str, language: str, steps: Steps, clear: bool) -> Updates:
        """Yield what a step of the interview shows; what was typed leaves the box only when it is stored."""
        try:
            events = steps(session)
        except InterviewerError as error:
            gr.Warning(error.say(language))
            # Another tab may have gone on: show where the interview stands, and leave what was typed.
            yield self._standing(session, language) if session else {self.setup: gr.update(visible=True)}
            return
        waiting = {button: gr.update(interactive=False) for button in (self.send, self.skip, self.hint)}
        yield {
            **({self.box: ""} if clear else {}),
            **waiting,
            self.chat: [*render.messages(self._sessions.load(session), language), _thinking(language)],
        }
        yield from self._follow(session, events, language)

    def _follow(self, session: str, events: Iterator[Event], language: str) -> Updates:
        shown = render.messages(self._sessions.load(session), language)
        said = ""
        for event in events:
            if isinstance(event, Judged | Amended):
                current = self._sessions.load(session)
                shown = render.messages(current, language)
                yield {self.chat: shown, **self._card(current, language)}
            elif isinstance(event, Said):
                said += event.text
                yield {self.chat: [*shown, {"role": "assistant", "content": render.spoken(said)}]}
        yield self._standing(session, language)

    def _standing(self, session: str, language: str) -> Update:
        """Return the page as the store has the interview."""
        current = self._sessions.load(session)
        return self._result(current, language) if current.ended else self._room(current, language)

    def _room(self, current: Interview, language: str) -> Update:
        ready = {b: gr.update(interactive=current.last.is_open) for b in (self.send, self.skip)}
        return {
            self.setup: gr.update(visible=False),
            self.room: gr.update(visible=True),
            self.result: gr.update(visible=False),
            self.chat: render.messages(current, language),
            self.clock: gr.update(value=_clock(current, language), visible=bool(current.plan.minutes)),
            self.turn: current.last.number,
            self.hint: gr.update(interactive=current.last.is_open, visible=current.plan.mode != "exam"),
            self.as_is: gr.update(visible=current.last.is_open and any(a.text for a in current.last.asides)),
            **ready,
            **self._card(current, language),
        }

    def _card(self, current: Interview, language: str) -> Update:
        if current.keeps_quiet:
            return {self.card: say(language, "page.exam_quiet"), self.fold: gr.update(visible=False)}
        judged = [turn for turn in current.turns if turn.outcome is not None]
        if not judged:
            return {self.card: say(language, "page.card_empty"), self.fold: gr.update(visible=False)}
        return {
            self.card: render.card(judged[-1], language),
            self.answers: render.answers(judged[-1], self._bank, language, current.plan.mode),
            self.fold: gr.update(visible=True, open=False),
        }

    def _result(self, current: Interview, language: str) -> Update:
        made = self._sessions.report(current.id)
        return {
            self.setup: gr.update(visible=False),
            self.room: gr.update(visible=False),
            self.result: gr.update(visible=True),
            self.report: report.markdown(made, language),
            self.review: render.review(current, self._bank, language),
            self.regrade: gr.update(visible=any(question.ungraded for question in made.questions)),
        }

    def _heading(self, language: str) -> str:
        by = (
            say(language, "page.by_model", url=render.plain(self._model))
            if self._model
            else say(language, "page.by_offline")
        )
        return f"# {say(language, 'page.title')}\n{by}"


def _modes(language: str) -> list[tuple[str, str]]:
    return [(say(language, f"page.mode_{mode}"), mode) for mode in _MODES]


def _personas(language: str) -> list[tuple[str, str]]:
    return [(say(language, f"page.persona_{persona}"), persona) for persona in PERSONAS]


def _clock(current: Interview, language: str) -> str:
    """Return the time that an exam has left, counted down in the browser from the server's time of its end."""
    if not current.plan.minutes or current.ended:
        return ""
    ends = int((current.started.timestamp() + 60 * current.plan.minutes) * 1000)
    label = say(language, "page.time_left", time="%")
    return f'<span id="clock" data-ends="{ends}" data-label="{label}"></span>'


def _thinking(language: str) -> render.Message:
    return {"role": "assistant", "content": say(language, "page.thinking")}
