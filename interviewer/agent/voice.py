"""What the interviewer says: in a model's words where there is one, else in the authored ones; no point given away."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator

from interviewer.agent.hints import near_word
from interviewer.agent.moves import AskFollowUp, AskProbe, AskQuestion, Move, WrapUp
from interviewer.bank import Bank, FollowUp, Question
from interviewer.check import leaks
from interviewer.errors import InterviewerError
from interviewer.llm import Llm
from interviewer.prompts import fence, render
from interviewer.records import Grade, Interview, Verdict
from interviewer.text import normalise, sentences
from interviewer.words import say

MAX_WORDS = 300


class Interviewer:
    """Says the next move: by a model where there is one, else in the authored words."""

    def __init__(self, bank: Bank, llm: Llm | None = None) -> None:
        self._bank, self._llm = bank, llm

    def words(self, interview: Interview, move: Move) -> Generator[str, None, str]:
        """Yield what the interviewer says, in pieces; no piece gives away a point that is not yet met.

        The generator returns why the authored words stood in for the model's, an empty string when they did not.
        """
        language = interview.plan.language
        if isinstance(move, WrapUp):
            yield say(language, "agent.wrap_up")
            return ""
        if isinstance(move, AskQuestion):
            yield self._opening(interview, move, language)
            return ""
        question = self._bank.get(interview.last.question)
        authored = self._authored(question, interview, move, language)
        outcome = interview.last.outcome
        if self._llm is None:
            yield authored
            return ""
        if isinstance(outcome, Grade) and outcome.fallback:  # the endpoint has just failed: no second wait for it
            yield authored
            return outcome.fallback
        return (yield from self._spoken(self._llm, question, interview, move, authored))

    def _opening(self, interview: Interview, move: AskQuestion, language: str) -> str:
        number = len({turn.question for turn in interview.turns}) + 1
        key = "agent.first" if number == 1 else "agent.next"
        asked = self._bank.get(move.question).question
        return say(language, key, number=number, total=len(interview.plan.questions), question=asked)

    def _authored(self, question: Question, interview: Interview, move: AskFollowUp | AskProbe, language: str) -> str:
        if isinstance(move, AskFollowUp):
            return say(language, "agent.follow_up", ask=question.follow_ups[move.number].ask)
        judged = next(p for p in _main_grade(interview).points if p.id == move.point)
        if judged.verdict is Verdict.MISSING:
            point = next(p for p in question.points if p.id == move.point)
            word = near_word(point, question.question, [p.text for p in question.points])
            return (
                say(language, "agent.probe_missing_near", word=word) if word else say(language, "agent.probe_missing")
            )
        quote = judged.quote if len(judged.quote) <= 40 else judged.quote[:40] + "…"
        key = "agent.probe_contradicted" if judged.verdict is Verdict.CONTRADICTED else "agent.probe_partial"
        return say(language, key, quote=quote)

    def _spoken(
        self, llm: Llm, question: Question, interview: Interview, move: AskFollowUp | AskProbe, authored: str
    ) -> Generator[str, None, str]:
        """Yield the model's wording sentence by sentence; what is left of a bad one gives way to the authored words."""
        follow_up = question.follow_ups[move.number] if isinstance(move, AskFollowUp) else None
        secret = _secret(question, interview, follow_up)
        said = ""
        reason = say(interview.plan.language, "agent.unusable_words")
        try:
            prompt = render(
                "follow_up",
                question=question.question,
                ask=authored,
                language="English" if interview.plan.language == "en" else "中文",
                reply=fence(interview.last.reply or "", secrets.token_hex(8)),
            )
            for sentence in _whole_sentences(llm.stream(prompt)):
                if any(leaks(said + sentence, text) for text in secret) or len(said) + len(sentence) > MAX_WORDS:
                    break
                said += sentence
                yield sentence
            else:
                if normalise(said):
                    return ""
        except InterviewerError as error:
            reason = error.say(interview.plan.language)
        yield ("\n" if said else "") + authored
        return reason


def _main_grade(interview: Interview) -> Grade:
    main = next(turn for turn in interview.turns if turn.question == interview.last.question)
    assert isinstance(main.outcome, Grade)
    return main.outcome


def _secret(question: Question, interview: Interview, follow_up: FollowUp | None) -> list[str]:
    met = {p.id for p in _main_grade(interview).points if p.verdict is Verdict.MET}
    own = follow_up.points if follow_up else ()
    return [point.text for point in question.points if point.id not in met] + [point.text for point in own]


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
