"""An interview to its report: scores a question, the total, and what to study. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from interviewer.agent.closing import summary
from interviewer.bank import Bank
from interviewer.grading.scoring import band, question_score
from interviewer.records import (
    Grade,
    Interview,
    PointVerdict,
    QuestionReport,
    Report,
    Skipped,
    Study,
    Turn,
    Ungraded,
    Verdict,
)
from interviewer.words import say

_ORDER = (Verdict.CONTRADICTED, Verdict.MISSING, Verdict.PARTIAL)


def build(interview: Interview, bank: Bank) -> Report:
    """Return the report of an interview so far.

    A skipped question scores 0, a question that waits for its reply is left out, and one whose reply no grader could
    grade is listed without a score and stays out of the total.
    """
    by_question: dict[str, list[Turn]] = {}
    for turn in interview.turns:
        by_question.setdefault(turn.question, []).append(turn)
    questions = [_question(turns, bank) for turns in by_question.values() if turns[0].outcome is not None]
    scores = [question.score for question in questions if question.score is not None]
    total = round(sum(scores) / len(scores)) if scores else None
    grades = [turn.outcome for turn in interview.turns if isinstance(turn.outcome, Grade)]
    return Report(
        interview=interview.id,
        ended=interview.ended is not None,
        total=total,
        band=None if total is None else band(total),
        questions=tuple(questions),
        study=_study(interview, bank),
        graders=tuple(dict.fromkeys(f"{g.grader}:{g.model}" if g.model else g.grader for g in grades)),
        fallbacks=tuple(
            dict.fromkeys(f for f in (*(g.fallback for g in grades), *(t.fallback for t in interview.turns)) if f)
        ),
        summary=summary(interview, bank),
    )


def _question(turns: Sequence[Turn], bank: Bank) -> QuestionReport:
    main = next((turn for turn in turns if turn.is_main), None)  # a drill has follow-ups alone
    own = None if main is None else _value(main)
    values = [_value(turn) for turn in turns if not turn.is_main]
    follow_ups = tuple(value for value in values if value is not None)
    question = bank.questions.get(turns[0].question)
    return QuestionReport(
        question=turns[0].question,
        text=question.question if question else turns[0].question,
        topic=turns[0].question.partition("/")[0],
        score=_score(own, follow_ups, drilled=main is None),
        main=own,
        follow_ups=follow_ups,
        hints=sum(len(turn.hints) for turn in turns),
        skipped=main is not None and isinstance(main.outcome, Skipped),
        ungraded=next((t.outcome.reason for t in turns if isinstance(t.outcome, Ungraded)), ""),
    )


def _score(main: int | None, follow_ups: Sequence[int], drilled: bool) -> int | None:
    if drilled:
        return round(sum(follow_ups) / len(follow_ups)) if follow_ups else None
    return None if main is None else question_score(main, follow_ups)


def _value(turn: Turn) -> int | None:
    if isinstance(turn.outcome, Grade):
        return turn.outcome.score.value
    return 0 if isinstance(turn.outcome, Skipped) else None


def _study(interview: Interview, bank: Bank) -> tuple[Study, ...]:
    found: dict[tuple[str, str], tuple[int, Study]] = {}
    for turn in interview.turns:
        question = bank.questions.get(turn.question)
        if question is None:
            continue
        if isinstance(turn.outcome, Grade):
            judged = list(turn.outcome.points)
            corrections = {m.point: m.correction for m in turn.outcome.misconceptions}
        elif isinstance(turn.outcome, Skipped) and turn.is_main:
            judged = [
                PointVerdict(id=p.id, text=p.text, weight=p.weight, verdict=Verdict.MISSING) for p in question.points
            ]
            corrections = {}
        else:
            continue
        for point in judged:
            place = (turn.question, point.text)
            if point.verdict is Verdict.MET:
                found.pop(place, None)
            elif point.verdict is Verdict.MISSING and place in found:
                continue  # a later reply that says nothing of the point leaves what an earlier one said
            elif point.weight > 1:
                correction = corrections.get(point.id, "")
                item = Study(
                    question=question.question,
                    text=point.text,
                    point=point.id,
                    verdict=point.verdict,
                    correction=correction,
                )
                found[place] = (_ORDER.index(point.verdict) * 10 - point.weight, item)
    return tuple(item for _, item in sorted(found.values(), key=lambda pair: pair[0]))


def markdown(report: Report, language: str) -> str:
    """Return the report as Markdown; it holds words of the bank and of the program only, none of the candidate's."""
    lines = [f"# {say(language, 'report.title')}", ""]
    if report.total is None or report.band is None:
        lines.append(say(language, "report.nothing"))
    else:
        lines.append(say(language, "report.total", total=report.total, band=say(language, f"band.{report.band}")))
    if report.summary:
        lines += ["", report.summary]
    if report.questions:
        heads = ("question", "score", "main", "follow_ups", "hints")
        lines += [
            "",
            "| " + " | ".join(say(language, f"report.{head}") for head in heads) + " |",
            "|---" * len(heads) + "|",
        ]
        lines += [_table_row(question, language) for question in report.questions]
        lines += ["", say(language, "report.rule")]
    if report.study:
        lines += ["", f"## {say(language, 'report.study')}", ""]
        lines += [
            f"- **{say(language, f'verdict.{item.verdict}')}** · {item.question} — {item.text}"
            + (f" ({item.correction})" if item.correction else "")
            for item in report.study
        ]
    if report.graders:
        names = ", ".join(_grader_name(name, language) for name in report.graders)
        lines += ["", say(language, "report.graders", graders=names)]
    # A fallback can hold words of a server, which are no markup of ours.
    lines += [f"\n> ⚠ {' '.join(text.split()).replace('<', '&lt;')}" for text in report.fallbacks]
    return "\n".join(lines) + "\n"


def _table_row(question: QuestionReport, language: str) -> str:
    score = "—" if question.score is None else str(question.score)
    main = say(language, "report.skipped") if question.skipped else "—" if question.main is None else str(question.main)
    later = [str(value) for value in question.follow_ups]
    if question.ungraded and question.main is None:
        main = say(language, "report.ungraded")
    elif question.ungraded:
        later.append(say(language, "report.ungraded"))
    follow_ups = ", ".join(later) or "—"
    return f"| {question.text.replace('|', '｜')} | {score} | {main} | {follow_ups} | {question.hints} |"


def _grader_name(name: str, language: str) -> str:
    kind, _, model = name.partition(":")
    return say(language, f"grader.{kind}") + (f" ({model})" if model else "")
