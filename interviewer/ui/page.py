"""The page: choose topics, talk, see the score card, read the report."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from interviewer import report
from interviewer.errors import InterviewerError, NotFound, PortInUse
from interviewer.records import Interview
from interviewer.session import Event, Judged, Said, Sessions
from interviewer.ui import render
from interviewer.ui.api import Api
from interviewer.wiring import Wiring
from interviewer.words import Language, say

_HERE = Path(__file__).parent
_KEPT = "mock-interviewer"
_QUESTIONS = 5
_MOST_QUESTIONS = 20
_WORKERS = 16

Update = dict[Any, Any]
Updates = Iterator[Update]
Steps = Callable[[str], Iterator[Event]]


def serve(wiring: Wiring, host: str, port: int) -> None:
    """Start the page and stay until it is stopped; PortInUse when the port is taken."""
    _check_port(host, port)
    wiring.check_data_folder()
    demo = Page(wiring).build()
    shown = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    fonts = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
    mono = ["ui-monospace", "Consolas", "monospace"]
    demo.queue(default_concurrency_limit=_WORKERS).launch(
        server_name=host,
        server_port=port,
        theme=gr.themes.Soft(font=fonts, font_mono=mono),
        css_paths=_HERE / "page.css",
        head_paths=_HERE / "head.html",
        footer_links=["api"],
        quiet=True,
        ssr_mode=False,
        max_file_size="1mb",
        show_error=False,
        prevent_thread_lock=True,
    )
    print(say(wiring.settings.language, "page.address", url=f"http://{shown}:{port}"), flush=True)  # noqa: T201
    # Only now: the first page must not wait for what the first reply needs.
    threading.Thread(target=wiring.warm_up, daemon=True).start()
    demo.block_thread()


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortInUse("host_unusable", host=host, reason=error.strerror or error) from error
            raise PortInUse("port_in_use", port=port, other=port + 1 if port < 65535 else 7860) from error


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
            self.begin = gr.Button(say(language, "page.start"), variant="primary", elem_id="start")
        with gr.Row(visible=False, elem_id="room") as self.room:
            with gr.Column(scale=3):
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
                self.regrade = gr.Button(say(language, "page.regrade"), visible=False, elem_id="regrade")
            with gr.Accordion(say(language, "page.review"), open=False, elem_id="review") as self.review_fold:
                self.review = gr.Markdown("", latex_delimiters=render.LATEX)

    def _connect(self, demo: gr.Blocks) -> None:
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        widgets = self._all_widgets()
        demo.load(self._on_load, [self.session, self.kept_language], widgets, **private)
        self.language.change(self._on_language, [self.language, self.session], widgets, **private)
        self.begin.click(self._on_start, [self.topics, self.count, self.depth, self.language], widgets, **private)
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
            self.box: gr.update(placeholder=say(language, "page.placeholder")),
            self.fold: gr.update(label=say(language, "page.answers")),
            self.review_fold: gr.update(label=say(language, "page.review")),
        }
        buttons = ("begin:start", "send", "hint", "skip", "end", "again", "regrade")
        for name in buttons:
            attribute, _, key = name.partition(":")
            words[getattr(self, attribute)] = gr.update(value=say(language, f"page.{key or attribute}"))
        if session:
            return {**self._standing(session, language), **words}
        return {**words, self.card: say(language, "page.card_empty")}

    def _on_start(self, topics: list[str], count: float, depth: float, language: Language) -> Update:
        try:
            begun = self._sessions.start(topics, int(count), int(depth), language)
        except InterviewerError as error:
            gr.Warning(error.say(language))
            return {self.setup: gr.update(visible=True)}
        return {self.session: begun.id, self.box: "", **self._room(begun, language)}

    def _on_reply(self, session: str, text: str, turn: int, language: str) -> Updates:
        yield from self._told(session, language, lambda s: self._sessions.reply(s, text, turn), clear=True)

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
            if isinstance(event, Judged):
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
        ready = {b: gr.update(interactive=current.last.is_open) for b in (self.send, self.skip, self.hint)}
        return {
            self.setup: gr.update(visible=False),
            self.room: gr.update(visible=True),
            self.result: gr.update(visible=False),
            self.chat: render.messages(current, language),
            self.turn: current.last.number,
            **ready,
            **self._card(current, language),
        }

    def _card(self, current: Interview, language: str) -> Update:
        judged = [turn for turn in current.turns if turn.outcome is not None]
        if not judged:
            return {self.card: say(language, "page.card_empty"), self.fold: gr.update(visible=False)}
        return {
            self.card: render.card(judged[-1], language),
            self.answers: render.answers(judged[-1], self._bank, language),
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


def _thinking(language: str) -> render.Message:
    return {"role": "assistant", "content": say(language, "page.thinking")}
