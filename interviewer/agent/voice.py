"""What the interviewer says: in a model's words where there is one, else in the authored ones; no point given away."""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterator, Sequence

from interviewer.agent.closing import summary
from interviewer.agent.frames import frame, said
from interviewer.agent.hints import near_word
from interviewer.agent.moves import GIVEN_UP, AskFollowUp, AskProbe, AskQuestion, Form, Move, WrapUp
from interviewer.bank import Bank, FollowUp, Question
from interviewer.check import has_term, leaks
from interviewer.errors import InterviewerError
from interviewer.llm import Llm
from interviewer.prompts import fence, render
from interviewer.records import Grade, Interview, PointVerdict, Skipped, Verdict
from interviewer.text import normalise, sentences
from interviewer.words import say

MAX_WORDS = 300
_QUOTED = 40
_NAMED = 12
_HAN = re.compile(r"[\u4e00-\u9fff]")
_TONES = {"friendly": "亲切、鼓励", "neutral": "自然、克制", "tough": "直接、要求严格但有礼貌"}


class Interviewer:
    """Says the next move: by a model where there is one, else in the authored words."""

    def __init__(self, bank: Bank, llm: Llm | None = None) -> None:
        self._bank, self._llm = bank, llm

    def words(self, interview: Interview, move: Move) -> Generator[str, None, str]:
        """Yield what the interviewer says, in pieces; no piece gives away a point that is not yet met.

        The generator returns why the authored words stood in for the model's, an empty string when they did not.
        """
        if isinstance(move, WrapUp):
            opening = frame("time_up" if move.time_up else "closing", interview)
            yield _joined(interview, opening, summary(interview, self._bank))
            return ""
        taken = acknowledged(interview, self._bank)
        if isinstance(move, AskQuestion):
            yield self._opening(interview, move, taken)
            return ""
        question = self._bank.get(move.question or interview.last.question)
        core = self._core(question, interview, move)
        outcome = interview.last.outcome if interview.turns else None
        if self._llm is None or not isinstance(outcome, Grade) or interview.plan.mode == "drill":
            yield _joined(interview, taken, core)
            return ""
        if outcome.fallback:  # the endpoint has just failed: no second wait for it
            yield _joined(interview, taken, core)
            return outcome.fallback
        follow_up = question.follow_ups[move.number] if isinstance(move, AskFollowUp) else None
        secret = _secret(question, interview, follow_up)
        return (yield from self._worded(self._llm, "follow_up", question, interview, core, secret))

    def reworded(self, interview: Interview) -> str:
        """Return what the open turn asks in other words: a wording that people use for the question, or once more."""
        turn = interview.last
        question = self._bank.get(turn.question)
        if turn.is_main:
            told = "\n".join(said(interview))
            own = [a for a in question.aliases if bool(_HAN.search(a)) == (interview.plan.language == "zh")]
            fit = [a for a in own if a not in told and not any(leaks(a, p.text) for p in question.points)]
            asked = fit[0] if fit else question.question
        elif turn.follow_up is not None and turn.follow_up < len(question.follow_ups):
            asked = question.follow_ups[turn.follow_up].ask
        else:
            asked = sentences(turn.said)[-1]
        return frame("clarify", interview, ask=asked)

    def _opening(self, interview: Interview, move: AskQuestion, taken: str) -> str:
        number = len({turn.question for turn in interview.turns}) + 1
        start = frame("opening", interview) if number == 1 else frame("next", interview)
        key = "agent.question_quick" if interview.plan.mode == "quick" else "agent.question"
        asked = self._bank.get(move.question).question
        total = len(interview.plan.questions)
        label = say(interview.plan.language, key, number=number, total=total, question=asked)
        return _joined(interview, taken, start, label)

    def _core(self, question: Question, interview: Interview, move: AskFollowUp | AskProbe) -> str:
        """Return the authored words of a follow-up or probe, with the candidate's own phrase where it is about one."""
        drilling = interview.plan.mode == "drill"
        judged = None if drilling else _main_point(interview, move)
        quote = "" if judged is None else _short(judged.quote)
        if isinstance(move, AskFollowUp):
            ask = question.follow_ups[move.number].ask
            if drilling:
                return say(interview.plan.language, "agent.drill", question=question.question, ask=ask)
            if move.form is Form.CHALLENGE and quote:
                return frame("challenge", interview, quote=quote, ask=ask)
            return frame("deeper" if move.form is Form.DEEPER else "follow", interview, ask=ask)
        if quote:
            kinds = {Form.CHALLENGE: "challenge_alone", Form.PROBE: "probe_partial"}
            return frame(kinds.get(move.form, move.form.value), interview, quote=quote)
        point = next(p for p in question.points if p.id == move.point)
        word = near_word(point, question.question, [p.text for p in question.points])
        if drilling:
            return frame("drill_point", interview, question=question.question, word=word or say_kind(interview))
        return frame("probe_near", interview, word=word) if word else frame("probe_missing", interview)

    def _worded(
        self, llm: Llm, name: str, question: Question, interview: Interview, authored: str, secret: Sequence[str]
    ) -> Generator[str, None, str]:
        """Yield the model's wording sentence by sentence; what is left of a bad one gives way to the authored words."""
        told = ""
        reason = say(interview.plan.language, "agent.unusable_words")
        try:
            prompt = render(
                name,
                question=question.question,
                ask=authored,
                language="English" if interview.plan.language == "en" else "中文",
                tone=_TONES[interview.plan.persona],
                so_far=_so_far(interview),
                reply=fence(interview.last.reply or "", secrets.token_hex(8)),
            )
            for sentence in _whole_sentences(llm.stream(prompt)):
                if any(leaks(told + sentence, text) for text in secret) or len(told) + len(sentence) > MAX_WORDS:
                    break
                told += sentence
                yield sentence
            else:
                if normalise(told):
                    return ""
        except InterviewerError as error:
            reason = error.say(interview.plan.language)
        yield ("\n" if told else "") + authored
        return reason


def say_kind(interview: Interview) -> str:
    """Return the word for a key point that has no term of its own."""
    return "要点" if interview.plan.language == "zh" else "the key point"


def acknowledged(interview: Interview, bank: Bank) -> str:
    """Return how the last reply is taken: only points that were met are called clear, and none in an exam."""
    if not interview.turns or interview.last.reply is None and not isinstance(interview.last.outcome, Skipped):
        return ""
    last = interview.last
    if last.intent == GIVEN_UP:
        return frame("ack_given_up", interview)
    if isinstance(last.outcome, Skipped):
        return ""
    if isinstance(last.outcome, Grade) and interview.plan.mode != "exam":
        words = _clear_words(last.outcome.points, last.reply or "", last.question, bank)
        if words and words not in "\n".join(said(interview)):
            return frame("ack_met", interview, words=words)
    return frame("ack_plain", interview)


def _clear_words(points: Sequence[PointVerdict], reply: str, question_id: str, bank: Bank) -> str:
    """Return one or two short terms of the weightiest met point, as the candidate put them; empty if there are none."""
    question = bank.questions.get(question_id)
    if question is None:
        return ""
    known = {p.text: p for p in (*question.points, *(p for f in question.follow_ups for p in f.points))}
    open_terms = [g for p in points if p.verdict is not Verdict.MET and p.text in known for g in known[p.text].terms]
    closed = {normalise(wording) for group in open_terms for wording in group}
    for point in sorted(points, key=lambda p: -p.weight):
        if point.verdict is not Verdict.MET or point.text not in known:
            continue
        found = []
        for group in known[point.text].terms:
            spoken = [w for w in group if 1 < len(w) <= _NAMED and has_term(point.quote or reply, (w,)) and w in reply]
            if spoken and not closed & {normalise(w) for w in spoken}:
                found.append(max(spoken, key=len))
        distinct = [w for w in dict.fromkeys(found) if not any(w != other and w in other for other in found)]
        if distinct:
            return "、".join(distinct[:2])
    return ""


def _main_point(interview: Interview, move: AskFollowUp | AskProbe) -> PointVerdict | None:
    target = move.target if isinstance(move, AskFollowUp) else move.point
    return next((point for point in _main_grade(interview).points if point.id == target), None)


def _main_grade(interview: Interview) -> Grade:
    main = next(turn for turn in interview.turns if turn.question == interview.last.question)
    assert isinstance(main.outcome, Grade)
    return main.outcome


def _secret(question: Question, interview: Interview, follow_up: FollowUp | None) -> list[str]:
    met = {p.id for p in _main_grade(interview).points if p.verdict is Verdict.MET}
    own = follow_up.points if follow_up else ()
    return [point.text for point in question.points if point.id not in met] + [point.text for point in own]


def _so_far(interview: Interview) -> str:
    """Return the interview in one line of bounded length: how many questions, and how the last five replies did."""
    grades = [turn.outcome.score.value for turn in interview.turns if isinstance(turn.outcome, Grade)]
    questions = len({turn.question for turn in interview.turns})
    return f"{questions}/{len(interview.plan.questions)}；{' '.join(map(str, grades[-5:]))}"


def _short(quote: str) -> str:
    return quote if len(quote) <= _QUOTED else quote[:_QUOTED] + "…"


def _joined(interview: Interview, *parts: str) -> str:
    return ("" if interview.plan.language == "zh" else " ").join(part for part in parts if part)


def _whole_sentences(pieces: Iterator[str]) -> Iterator[str]:
    pending = ""
    for piece in pieces:
        pending += piece
        parts = sentences(pending)
        if len(parts) > 1:
            at = pending.rfind(parts[-1])
            yield pending[:at]
            pending = pending[at:]
    if pending.strip():
        yield pending
