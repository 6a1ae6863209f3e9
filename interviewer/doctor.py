"""Looks at every part that an interview needs, and says what to do about the ones that are not well."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from interviewer.errors import InterviewerError
from interviewer.wiring import Wiring
from interviewer.words import say

State = Literal["ok", "off", "fault"]


@dataclass(frozen=True)
class Finding:
    """The state of one part: `ok`, `off` (optional, not set up) or `fault`; `detail` is what was seen or to do."""

    name: str
    state: State
    detail: str


def examine(wiring: Wiring) -> list[Finding]:
    """Return a finding for each part; no part's fault keeps the others from being looked at."""
    parts: list[tuple[str, Callable[[Wiring], tuple[State, str]]]] = [
        ("data_folder", _data_folder),
        ("bank", _bank),
        ("encoder", _encoder),
        ("index", _index),
        ("database", _database),
        ("endpoint", _endpoint),
        ("speech", _speech),
    ]
    return [_finding(wiring, name, look) for name, look in parts]


def as_json(findings: list[Finding]) -> dict[str, object]:
    """Return the findings as the JSON object of `interviewer doctor --json`."""
    return {"ok": all(f.state != "fault" for f in findings), "checks": [asdict(f) for f in findings]}


def _finding(wiring: Wiring, name: str, look: Callable[[Wiring], tuple[State, str]]) -> Finding:
    try:
        state, detail = look(wiring)
        return Finding(name, state, detail)
    except InterviewerError as error:
        return Finding(name, "fault", error.say(wiring.settings.language))
    except Exception as error:  # a doctor that falls ill himself helps nobody
        detail = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Finding(name, "fault", say(wiring.settings.language, "error.internal", detail=detail))


def _data_folder(wiring: Wiring) -> tuple[State, str]:
    wiring.check_data_folder()
    return "ok", str(wiring.settings.data_dir)


def _bank(wiring: Wiring) -> tuple[State, str]:
    topics = len({question.topic for question in wiring.bank})
    return "ok", say(wiring.settings.language, "doctor.bank", questions=len(wiring.bank), topics=topics)


def _encoder(wiring: Wiring) -> tuple[State, str]:
    started = time.perf_counter()
    vector = wiring.encoder.queries(["说说什么是批归一化？"])
    milliseconds = round(1000 * (time.perf_counter() - started))
    return "ok", f"{wiring.encoder.name}, {vector.shape[1]}, {milliseconds} ms"


def _index(wiring: Wiring) -> tuple[State, str]:
    first = next(iter(wiring.bank))
    found = wiring.index.nearest(first.question, 1)
    if not found or found[0].question_id != first.id:
        return "fault", say(wiring.settings.language, "doctor.index_wrong")
    return "ok", say(wiring.settings.language, "doctor.index", entries=wiring.index.size)


def _database(wiring: Wiring) -> tuple[State, str]:
    wiring.store.check()
    return "ok", wiring.store.where


def _endpoint(wiring: Wiring) -> tuple[State, str]:
    language = wiring.settings.language
    if wiring.endpoint is None:
        return "off", say(language, "doctor.endpoint_off")
    health = wiring.endpoint.probe()
    return "ok", say(
        language,
        "doctor.endpoint",
        url=health.url,
        model=health.model,
        rung=health.rung,
        milliseconds=round(1000 * health.seconds),
    )


def _speech(wiring: Wiring) -> tuple[State, str]:
    if importlib.util.find_spec("faster_whisper") is None:
        return "off", say(wiring.settings.language, "doctor.speech_off")
    return "off", say(wiring.settings.language, "doctor.speech_later")
