"""One reply in, one grade out: by the endpoint where there is one, by the offline grader where it fails."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from interviewer.errors import InterviewerError, LlmNotConfigured
from interviewer.grading.amend import amended, parted
from interviewer.grading.base import Assessment, Grader, only_lists_keywords
from interviewer.grading.feedback import explained, feedback
from interviewer.grading.form import clarity, is_verbatim
from interviewer.grading.scoring import score
from interviewer.records import Grade, Rubric, Ungraded
from interviewer.words import say

Which = Literal["auto", "offline", "llm"]


class Examiner:
    """Grades replies with the graders it is given; what stood in for what is written into the grade."""

    def __init__(
        self,
        offline: Grader | None,
        llm: Grader | None = None,
        which: Which = "auto",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._offline, self._llm, self._which, self._clock = offline, llm, which, clock
        if which == "llm" and llm is None:
            raise LlmNotConfigured

    def grade(
        self, rubric: Rubric, reply: str, language: str = "zh", hinted: Mapping[str, float] | None = None
    ) -> Grade | Ungraded:
        """Return the grade of a reply, or Ungraded with every grader's reason; never a default score.

        `hinted` is what the hints cost, per point id, as a share of the point's credit.
        """
        graders = [g for g in ((self._llm if self._which != "offline" else None), self._offline) if g is not None]
        faults: list[str] = []
        started = self._clock()
        for grader in graders:
            try:
                assessment = _hinted(_assessed(grader, rubric, reply), hinted or {})
                return self._grade(grader, assessment, rubric, reply, language, " ".join(faults), started)
            except InterviewerError as error:
                faults.append(error.say(language))
            except Exception as error:  # a fault of ours must not cost the candidate his interview
                faults.append(say(language, "error.internal", detail=_where(error)))
        return Ungraded(reason=" ".join(faults) or LlmNotConfigured().say(language))

    def amend(self, rubric: Rubric, before: Grade, reply: str, correction: str, language: str = "zh") -> Grade | None:
        """Return a grade as a later correction leaves it, None when the correction changes none of its verdicts."""
        after = self.grade(rubric, correction, language, {point.id: point.hinted for point in before.points})
        if not isinstance(after, Grade):
            return None
        told = amended(Assessment(before.points, before.misconceptions), Assessment(after.points, after.misconceptions))
        if [point.verdict for point in told.points] == [point.verdict for point in before.points]:
            return None
        scored = score(told.points, clarity(reply), only_lists_keywords(rubric, reply))
        return before.model_copy(
            update={
                "points": told.points,
                "misconceptions": told.misconceptions,
                "score": scored,
                "feedback": feedback(told, scored, language),
                "fallback": before.fallback or after.fallback,
            }
        )

    def _grade(
        self,
        grader: Grader,
        assessment: Assessment,
        rubric: Rubric,
        reply: str,
        language: str,
        fallback: str,
        started: float,
    ) -> Grade:
        scored = score(assessment.points, clarity(reply), only_lists_keywords(rubric, reply))
        return Grade(
            points=explained(assessment, language),
            misconceptions=assessment.misconceptions,
            score=scored,
            feedback=feedback(assessment, scored, language),
            grader=grader.name,
            model=assessment.model,
            fallback=fallback,
            prompt=assessment.prompt,
            rubric=rubric.digest,
            seconds=round(self._clock() - started, 3),
            verbatim=is_verbatim(reply, rubric.answer),
        )


def _assessed(grader: Grader, rubric: Rubric, reply: str) -> Assessment:
    """Return the verdicts on a reply; what it takes back itself counts as corrected (a model reads that by itself)."""
    parts = parted(reply) if grader.name == "offline" else None
    if parts is None:
        return grader.assess(rubric, reply)
    return amended(grader.assess(rubric, parts[0]), grader.assess(rubric, parts[1]))


def _hinted(assessment: Assessment, costs: Mapping[str, float]) -> Assessment:
    points = (point.model_copy(update={"hinted": costs.get(point.id, 0.0)}) for point in assessment.points)
    return replace(assessment, points=tuple(points))


def _where(error: Exception) -> str:
    """Return the kind and the place of an error, without its text, which may hold the candidate's."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}, {Path(last.filename).name}:{last.lineno}"
