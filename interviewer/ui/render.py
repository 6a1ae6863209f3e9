"""Records to Markdown and chat messages. What a person typed is shown as he typed it and never as markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

from interviewer.agent import moves
from interviewer.bank import Bank
from interviewer.records import Grade, Interview, Mode, PointVerdict, Skipped, Turn, Ungraded, Verdict
from interviewer.words import say

Message = dict[str, str]
LATEX = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]
# A verdict that the grader is less sure of than this is marked.
UNSURE = 0.5
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")
_AUTHORED = re.compile(r"(`[^`\n]+`|\$\$.+?\$\$|\$[^$\n]+\$)", re.DOTALL)
_SIGNS = {Verdict.MET: "✓", Verdict.PARTIAL: "◐", Verdict.MISSING: "○", Verdict.CONTRADICTED: "✗"}


def plain(text: str) -> str:
    """Return Markdown that shows the text letter for letter: no HTML, no links, no pictures, no formulas."""
    coded = _MARKUP.sub(lambda mark: f"&#{ord(mark[0])};", text)
    lines = (re.sub(r"^ +", lambda spaces: "&nbsp;" * len(spaces[0]), line) for line in coded.split("\n"))
    return "<br>".join(lines)


def spoken(text: str) -> str:
    """Return what the interviewer says as Markdown: formulas and code spans stand, everything else is plain."""
    parts = _AUTHORED.split(text)
    return "".join(part if number % 2 else plain(part) for number, part in enumerate(parts))


def messages(interview: Interview, language: str) -> list[Message]:
    """Return the whole conversation so far."""
    shown: list[Message] = []
    for turn in interview.turns:
        shown.append(_from_interviewer(spoken(turn.said)))
        for aside in turn.asides:
            shown += [{"role": "user", "content": plain(aside.text)}] if aside.text else []
            shown += [_from_interviewer(spoken(aside.said))] if aside.said else []
            if aside.fallback:
                shown.append(
                    _from_interviewer("⚠ " + plain(say(language, "page.understood_by_rules", reason=aside.fallback)))
                )
        if turn.reply is not None:
            shown.append({"role": "user", "content": plain(turn.reply)})
        verdict = "" if interview.keeps_quiet else outcome_line(turn, language)
        if verdict:
            shown.append(_from_interviewer(verdict))
    if interview.ended:
        shown.append(_from_interviewer(plain(say(language, "page.over"))))
    return shown


def _from_interviewer(content: str) -> Message:
    return {"role": "assistant", "content": content}


def outcome_line(turn: Turn, language: str) -> str:
    """Return one line on how a reply did, empty while it is not judged."""
    outcome = turn.outcome
    if isinstance(outcome, Grade):
        band = say(language, f"band.{outcome.score.band}")
        return say(language, "page.scored", score=outcome.score.value, band=band)
    if isinstance(outcome, Ungraded):
        return "⚠ " + plain(say(language, "chat.ungraded", reason=outcome.reason))
    return plain(say(language, "page.skipped")) if isinstance(outcome, Skipped) else ""


def card(turn: Turn, language: str) -> str:
    """Return the score card of a judged turn: what was said rightly and wrongly, with the candidate's own words.

    The texts of points that are not met are left to `answers`: a follow-up may be asking for them.
    """
    outcome = turn.outcome
    if not isinstance(outcome, Grade):
        return outcome_line(turn, language)
    lines = [f"### {outcome.score.value} / 100 · {say(language, f'band.{outcome.score.band}')}", ""]
    views = outcome.score.dimensions
    shown = {
        "correctness": views.correctness,
        "coverage": views.coverage,
        "depth_view": views.depth,
        "clarity": views.clarity,
    }
    lines.append(" · ".join(f"{say(language, f'page.{name}')} {value}" for name, value in shown.items()))
    if outcome.score.cap:
        lines += ["", f"> {say(language, f'page.cap_{outcome.score.cap}')}"]
    for point in outcome.points:
        if point.verdict is Verdict.MET:
            lines.append(_point(point, spoken(point.text), language))
        elif point.verdict is not Verdict.MISSING:
            lines.append(_point(point, "", language))
    missing = sum(point.verdict is Verdict.MISSING for point in outcome.points)
    if missing:
        lines += ["", f"○ {say(language, 'page.missing', count=missing)}"]
    how = say(language, f"grader.{outcome.grader}") + (f" ({plain(outcome.model)})" if outcome.model else "")
    hints = f" · {say(language, 'page.hints_used', count=len(turn.hints))}" if turn.hints else ""
    lines += ["", f"<sub>{how} · {outcome.seconds:.2f} s{hints}</sub>"]
    if outcome.score.hints:
        lines += ["", f"> {say(language, 'page.hints_cost', marks=outcome.score.hints)}"]
    if outcome.verbatim:
        lines += ["", f"> {say(language, 'page.verbatim')}"]
    if outcome.fallback:
        lines += ["", f"> ⚠ {plain(say(language, 'chat.fallback', reason=outcome.fallback))}"]
    return "\n".join(lines)


def _point(point: PointVerdict, text: str, language: str) -> str:
    weight = say(language, f"page.weight_{point.weight}")
    head = f"\n{_SIGNS[point.verdict]} **{say(language, f'verdict.{point.verdict}')}** · {weight}"
    quote = f"\n\n> “{plain(point.quote)}”" if point.quote else ""
    if point.confidence < UNSURE:
        head += f" · {say(language, 'page.unsure')}"
    return head + (f" · {text}" if text else "") + quote


def answers(turn: Turn, bank: Bank, language: str, mode: Mode = "practice") -> str:
    """Return what is folded away: the feedback, every point with its verdict, corrections and the reference answer."""
    if turn.question not in bank.questions:
        return ""
    rubric, question = moves.rubric(turn, bank, mode), bank.get(turn.question)
    lines: list[str] = [] if question.reviewed else [f"> ⚠ {say(language, 'page.unreviewed')}", ""]
    if isinstance(turn.outcome, Grade):
        if turn.outcome.rubric != rubric.digest:
            lines += [f"> ⚠ {say(language, 'page.edited')}", ""]
        lines += [spoken(turn.outcome.feedback), "", *_verdicts(turn.outcome, language)]
    answer = spoken(rubric.answer) if question.origin == "user" else rubric.answer
    lines += ["", f"**{say(language, 'page.reference')}**", "", answer]
    return "\n".join(lines)


def _verdicts(grade: Grade, language: str) -> list[str]:
    lines = [
        f"- {_SIGNS[p.verdict]} {say(language, f'verdict.{p.verdict}')}"
        f" · {say(language, f'page.weight_{p.weight}')} · {_explained(p)}"
        for p in grade.points
    ]
    return lines + [f"- ✗ {spoken(m.claim)} → {spoken(m.correction)}" for m in grade.misconceptions]


def _explained(point: PointVerdict) -> str:
    """Return the point's text and what was said of it, once where the one holds the other."""
    if point.quote or not point.reason:
        return spoken(point.text) + (f" — {plain(point.reason)}" if point.reason else "")
    return plain(point.reason) if point.text in point.reason else f"{spoken(point.text)} — {plain(point.reason)}"


def review(interview: Interview, bank: Bank, language: str) -> str:
    """Return every question of an interview with its replies, verdicts and reference answers."""
    lines: list[str] = []
    for turn in interview.turns:
        if turn.outcome is None:
            continue
        mode = interview.plan.mode
        lines += [f"#### {spoken(turn.said)}", "", outcome_line(turn, language), ""]
        if turn.reply is not None:
            lines += [f"> {plain(turn.reply)}", ""]
        lines += [answers(turn, bank, language, mode), "", "---", ""]
    return "\n".join(lines)


def topic_choices(bank: Bank, language: str) -> list[tuple[str, str]]:
    """Return (label, id) of every topic that has questions, in their order."""
    counts: Sequence[tuple[str, str, int]] = [
        (topic.title(language), topic.id, len(bank.of_topics([topic.id]))) for topic in bank.topics
    ]
    return [(f"{title} ({count})", topic_id) for title, topic_id, count in counts if count]
