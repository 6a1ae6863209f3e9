"""The interviewer: what to do next (pure policy), and how to say it without giving a key point away."""

from __future__ import annotations

import random
import secrets
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from interviewer.bank import DEEPER, Bank, FollowUp, KeyPoint, Question
from interviewer.check import leaks
from interviewer.errors import InterviewerError, NotFound
from interviewer.grading.scoring import MUST
from interviewer.llm import Llm
from interviewer.prompts import fence, render
from interviewer.records import Grade, Interview, Plan, Rubric, Turn, Verdict
from interviewer.text import normalise, sentences
from interviewer.words import Language, say

MAX_QUESTIONS = 50
MAX_WORDS = 300


@dataclass(frozen=True)
class AskQuestion:
    """Go on to a question of the plan."""

    question: str


@dataclass(frozen=True)
class AskFollowUp:
    """Ask the authored follow-up with this number; `target` is the point it is after, or `deeper`."""

    number: int
    target: str


@dataclass(frozen=True)
class AskProbe:
    """Ask after a point of the question that has no authored follow-up."""

    point: str


@dataclass(frozen=True)
class WrapUp:
    """End the interview: the plan is done."""


Move = AskQuestion | AskFollowUp | AskProbe | WrapUp


def plan(bank: Bank, topics: Sequence[str], count: int, follow_ups: int, language: Language, seed: int) -> Plan:
    """Return a plan of up to `count` questions of these topics (of all when none is named), from easy to hard.

    NotFound for an unknown topic, for topics without questions and for a count that is no count.
    """
    if not 1 <= count <= MAX_QUESTIONS:
        raise NotFound("bad_count", count=count, limit=MAX_QUESTIONS)
    pool = list(bank.of_topics(topics))
    if not pool:
        raise NotFound("empty_topics", topics=", ".join(topics))
    random.Random(seed).shuffle(pool)
    taken: dict[str, int] = {}
    turn_of = {}
    for question in pool:  # one question of each topic before the second of any
        turn_of[question.id] = taken[question.topic] = taken.get(question.topic, 0) + 1
    chosen = sorted(pool, key=lambda q: turn_of[q.id])[:count]
    ordered = sorted(chosen, key=lambda q: q.level)
    return Plan(
        questions=tuple(q.id for q in ordered),
        topics=tuple(topics),
        follow_ups=follow_ups,
        language=language,
        seed=seed,
    )


def next_move(interview: Interview, bank: Bank) -> Move:
    """Return what comes after the last turn, which has its outcome.

    A contradicted must-point first, then a missing or half-met one, then (with all must-points met) a deeper question;
    never after the same point twice nor with the same words, never more follow-ups than planned, and only one after a
    reply that met nothing.
    """
    asked = [turn for turn in interview.turns if turn.question == interview.last.question]
    main, later = asked[0], asked[1:]
    grade = main.outcome
    if isinstance(grade, Grade) and isinstance(interview.last.outcome, Grade) and main.question in bank.questions:
        allowed = min(interview.plan.follow_ups, 1 if grade.score.value == 0 else interview.plan.follow_ups)
        if len(later) < allowed:
            move = _follow_up(bank.get(main.question), grade, later)
            if move is not None:
                return move
    return _next_question(interview, bank)


def _next_question(interview: Interview, bank: Bank) -> Move:
    done = {turn.question for turn in interview.turns}
    for question in interview.plan.questions:
        if question not in done and question in bank.questions:  # the bank may have lost it since the plan
            return AskQuestion(question)
    return WrapUp()


def _follow_up(question: Question, grade: Grade, later: Sequence[Turn]) -> Move | None:
    used = {turn.follow_up for turn in later if turn.follow_up is not None}
    targets = {f.when for n, f in enumerate(question.follow_ups) if n in used} | {turn.point for turn in later}
    authored = {f.when: n for n, f in reversed(list(enumerate(question.follow_ups))) if n not in used}
    known = {point.id for point in question.points}  # the question may have been edited since it was graded
    wanted = [point for point in _open_points(grade) if point in known - targets]
    # Of two points worth the same, the one with an authored follow-up.
    for point in sorted(wanted, key=lambda p: (_urgency(grade, p), p not in authored)):
        return AskFollowUp(authored[point], point) if point in authored else AskProbe(point)
    if not _open_points(grade) and DEEPER in authored:
        return AskFollowUp(authored[DEEPER], DEEPER)
    return None


def _open_points(grade: Grade) -> list[str]:
    return [p.id for p in grade.points if p.weight == MUST and p.verdict is not Verdict.MET]


def _urgency(grade: Grade, point: str) -> int:
    return (Verdict.CONTRADICTED, Verdict.MISSING, Verdict.PARTIAL).index(grade.verdict(point))


def rubric(turn: Turn, bank: Bank) -> Rubric:
    """Return what the reply of a turn is graded against; NotFound when it has left the bank since it was asked."""
    question = bank.get(turn.question)
    if turn.is_main:
        return Rubric.of_question(question)
    if turn.follow_up is not None and turn.follow_up < len(question.follow_ups):
        return Rubric.of_follow_up(question.follow_ups[turn.follow_up])
    if any(point.id == turn.point for point in question.points):
        return Rubric.of_point(question, turn.point)
    raise NotFound("unknown_question", question=turn.said[:80])


def hint(turn: Turn, bank: Bank, language: str) -> str:
    """Return the next hint of a turn: a direction, never the text of a point; the last one again when none is left."""
    points = sorted(rubric(turn, bank).points, key=lambda p: -p.weight)
    asked = bank.get(turn.question).question
    words = [_hint_word(point, asked + turn.said, [p.text for p in points]) for point in points]
    words = list(dict.fromkeys(word for word in words if word))
    if len(turn.hints) >= len(words):
        return turn.hints[-1] if turn.hints else say(language, "agent.hint_general", count=len(points))
    return say(language, "agent.hint", word=words[len(turn.hints)])


def _hint_word(point: KeyPoint, known: str, texts: Sequence[str]) -> str:
    for group in point.terms:
        if group[0].casefold() not in known.casefold() and not any(leaks(group[0], text) for text in texts):
            return group[0]
    return ""


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
            word = _hint_word(point, question.question, [p.text for p in question.points])
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
