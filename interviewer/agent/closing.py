"""The last words of an interview: two fair sentences on what stood and what is most worth working on."""

from __future__ import annotations

from collections.abc import Sequence

from interviewer.agent.frames import frame
from interviewer.bank import Bank
from interviewer.grading.scoring import question_score
from interviewer.records import Grade, Interview, PointVerdict, Turn, Verdict

# A question from this score on is called firm; a point's weight and verdict say what is missing most.
FIRM = 60
_LOST = {Verdict.CONTRADICTED: 2.0, Verdict.MISSING: 1.0, Verdict.PARTIAL: 0.5, Verdict.MET: 0.0}


def summary(interview: Interview, bank: Bank) -> str:
    """Return two sentences, the strongest topic first, then the weightiest gap; empty when nothing was graded."""
    by_question: dict[str, list[Turn]] = {}
    for turn in interview.turns:
        if isinstance(turn.outcome, Grade) and turn.question in bank.questions:
            by_question.setdefault(turn.question, []).append(turn)
    if not by_question:
        return ""
    scores = {question: _score(turns) for question, turns in by_question.items()}
    best = max(scores, key=lambda q: scores[q])
    separator = "" if interview.plan.language == "zh" else " "
    if scores[best] >= FIRM:
        topic = bank.get(best).topic
        title = next((t.title(interview.plan.language) for t in bank.topics if t.id == topic), topic)
        first = frame("summary_good", interview, good=title)
    else:
        first = frame("summary_flat", interview)
    gap = _gap(by_question, bank)
    second = frame("summary_gap", interview, gap=gap) if gap else frame("summary_full", interview)
    return f"{first}{separator}{second}"


def _score(turns: Sequence[Turn]) -> int:
    values = [(turn.is_main, turn.outcome.score.value) for turn in turns if isinstance(turn.outcome, Grade)]
    main = next((value for is_main, value in values if is_main), None)
    later = [value for is_main, value in values if not is_main]
    return round(sum(later) / len(later)) if main is None else question_score(main, later)


def _gap(by_question: dict[str, list[Turn]], bank: Bank) -> str:
    lost: list[tuple[float, str, PointVerdict]] = []
    for question, turns in by_question.items():
        later_met = {p.id for t in turns for p in _points(t) if p.verdict is Verdict.MET}
        lost += [
            (_LOST[p.verdict] * p.weight, question, p)
            for p in _points(turns[0])
            if p.id not in later_met and p.verdict is not Verdict.MET
        ]
    if not lost:
        return ""
    _, question, point = max(lost, key=lambda entry: entry[0])
    asked = bank.get(question).question.rstrip("？?。").removeprefix("说说")
    return f"“{asked}”（{point.text}）"


def _points(turn: Turn) -> Sequence[PointVerdict]:
    return turn.outcome.points if isinstance(turn.outcome, Grade) else ()
