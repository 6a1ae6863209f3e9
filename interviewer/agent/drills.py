"""What to practise by itself: the follow-ups of one question, or what an interview left open. Pure."""

from __future__ import annotations

from interviewer.bank import Bank, Question
from interviewer.records import DrillItem, Grade, Interview, Skipped, Verdict

MAX_ITEMS = 20


def of_question(question: Question) -> tuple[DrillItem, ...]:
    """Return every authored follow-up of a question, in its order."""
    return tuple(DrillItem(question=question.id, follow_up=number) for number in range(len(question.follow_ups)))


def of_interview(interview: Interview, bank: Bank) -> tuple[DrillItem, ...]:
    """Return what an interview left open: follow-ups that earned less than half, then points missed or contradicted.

    An open point with an authored follow-up is practised by that one.
    """
    items: list[DrillItem] = []
    for turn in interview.turns:
        question = bank.questions.get(turn.question)
        if question is None:
            continue
        if turn.follow_up is not None and not _went_well(turn.outcome):
            items.append(DrillItem(question=turn.question, follow_up=turn.follow_up))
        elif turn.follow_up is None:
            authored = {f.when: n for n, f in enumerate(question.follow_ups)}
            for point in _open_points(turn.outcome, question, turn.point):
                number = authored.get(point)
                items.append(
                    DrillItem(question=turn.question, point=point)
                    if number is None
                    else DrillItem(question=turn.question, follow_up=number)
                )
    return tuple(dict.fromkeys(items))[:MAX_ITEMS]


def _went_well(outcome: object) -> bool:
    return isinstance(outcome, Grade) and outcome.score.value >= 50


def _open_points(outcome: object, question: Question, probed: str) -> list[str]:
    if isinstance(outcome, Grade):
        order = (Verdict.CONTRADICTED, Verdict.MISSING, Verdict.PARTIAL)
        left = [point for point in outcome.points if point.verdict is not Verdict.MET and point.weight > 1]
        return [point.id for point in sorted(left, key=lambda p: (order.index(p.verdict), -p.weight))]
    if isinstance(outcome, Skipped):
        return [probed] if probed else [point.id for point in question.points if point.weight > 1]
    return []
