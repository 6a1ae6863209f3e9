"""One reply, one grade: who graded, who stood in, and what happens when nobody can."""

from __future__ import annotations

from itertools import count

import pytest
from builders import CONTRADICTED, MET, MISSING, judged, rubric_of

from interviewer.errors import EncoderFault, LlmBusy, LlmNotConfigured, LlmUnreachable
from interviewer.grading.base import Assessment
from interviewer.grading.examiner import Examiner
from interviewer.records import Grade, Rubric, Ungraded

RUBRIC = rubric_of("训练时用当前批统计量", "推理时用滑动平均", question="说说 BN？")
REPLY = "训练时用当前批的均值和方差，推理时用攒下来的滑动平均。"
DOWN = LlmUnreachable(url="http://127.0.0.1:1", detail="refused", seconds="0")
NO_VECTORS = EncoderFault("encoder_failed", encoder="e5", reason="gone")


class Answering:
    """A grader that says the same of every reply, or raises."""

    def __init__(self, name, said):
        self.name, self.said, self.asked = name, said, 0

    def assess(self, rubric, reply):
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


GOOD = Assessment(points=(judged(MET, point="p1", quote="训练时"), judged(MET, point="p2", quote="推理时")))
NONE = Assessment(points=(judged(MISSING, point="p1"), judged(MISSING, point="p2")), model="m", prompt="abc")


def test_the_model_grades_where_there_is_one_and_the_offline_grader_rests():
    offline, llm = Answering("offline", GOOD), Answering("llm", NONE)
    made = Examiner(offline, llm).grade(RUBRIC, REPLY)
    assert (made.grader, made.model, made.prompt, made.fallback) == ("llm", "m", "abc", "")
    assert made.score.value == 0
    assert offline.asked == 0


def test_a_model_that_fails_gives_way_and_the_grade_says_why():
    made = Examiner(Answering("offline", GOOD), Answering("llm", DOWN)).grade(RUBRIC, REPLY)
    assert (made.grader, made.score.value, made.model) == ("offline", 100, "")
    assert made.fallback == DOWN.say("zh")
    assert Examiner(Answering("offline", GOOD), Answering("llm", DOWN)).grade(RUBRIC, REPLY, "en").fallback == str(DOWN)


def test_even_where_the_model_was_chosen_the_offline_grader_stands_in():
    made = Examiner(Answering("offline", GOOD), Answering("llm", DOWN), "llm").grade(RUBRIC, REPLY)
    assert (made.grader, bool(made.fallback)) == ("offline", True)


def test_offline_chosen_asks_no_model():
    llm = Answering("llm", GOOD)
    made = Examiner(Answering("offline", NONE), llm, "offline").grade(RUBRIC, REPLY)
    assert (made.grader, made.fallback, llm.asked) == ("offline", "", 0)


def test_when_both_fail_the_reply_is_ungraded_with_both_reasons_and_has_no_score():
    made = Examiner(Answering("offline", NO_VECTORS), Answering("llm", DOWN)).grade(RUBRIC, REPLY)
    assert made == Ungraded(reason=f"{DOWN.say('zh')} {NO_VECTORS.say('zh')}")


def test_a_fault_of_the_program_gives_way_too_and_does_not_repeat_the_candidate():
    broken = KeyError(REPLY)
    made = Examiner(Answering("offline", GOOD), Answering("llm", broken)).grade(RUBRIC, REPLY)
    assert isinstance(made, Grade) and made.grader == "offline"
    assert "KeyError" in made.fallback and "test_examiner.py" in made.fallback
    assert REPLY not in made.fallback


@pytest.mark.parametrize(
    "error", [KeyError("x"), ZeroDivisionError(), RecursionError(), MemoryError(), OSError("full")]
)
def test_no_exception_of_a_grader_comes_through(error):
    made = Examiner(Answering("offline", error), Answering("llm", error)).grade(RUBRIC, REPLY, "en")
    assert isinstance(made, Ungraded)
    assert made.reason.count(type(error).__name__) == 2


def test_to_stop_the_program_is_not_swallowed():
    class Stopped:
        name = "offline"

        def assess(self, rubric, reply):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Examiner(Stopped()).grade(RUBRIC, REPLY)


def test_a_rubric_without_points_is_ungraded_not_a_crash():
    empty = Rubric(question="说说？", answer="。", points=())
    assert isinstance(Examiner(Answering("offline", Assessment(points=()))).grade(empty, REPLY), Ungraded)


def test_without_any_grader_the_reply_is_ungraded():
    assert Examiner(None).grade(RUBRIC, REPLY).reason == LlmNotConfigured().say("zh")


def test_a_model_wanted_and_not_set_is_refused_at_once():
    with pytest.raises(LlmNotConfigured):
        Examiner(Answering("offline", GOOD), None, "llm")


def test_both_reasons_are_kept_when_the_endpoint_was_busy():
    busy = LlmBusy(url="u", detail="429", seconds="1")
    assert Examiner(Answering("offline", GOOD), Answering("llm", busy)).grade(RUBRIC, REPLY).fallback == busy.say("zh")


def test_the_grade_carries_the_rubric_s_digest_and_the_time_that_it_took():
    ticks = count(start=10, step=1.25)
    made = Examiner(Answering("offline", GOOD), clock=lambda: next(ticks)).grade(RUBRIC, REPLY)
    assert made.seconds == 1.25
    assert made.rubric == RUBRIC.digest
    edited = RUBRIC.model_copy(update={"answer": "改过的答案"})
    assert edited.digest != RUBRIC.digest


def test_the_form_of_the_reply_enters_by_code_whoever_grades():
    listed = "当前批，均值，方差，滑动平均，推理，训练"
    said = Assessment(points=(judged(MET, point="p1", quote="当前批"), judged(MET, point="p2", quote="滑动平均")))
    made = Examiner(None, Answering("llm", said)).grade(RUBRIC, listed)
    assert (made.score.value, made.score.cap) == (30, "keyword_list")


def test_the_feedback_is_in_the_language_that_was_asked_for():
    said = Assessment(
        points=(judged(CONTRADICTED, point="p1", quote="训练时"), judged(MET, point="p2", quote="推理时"))
    )
    examiner = Examiner(Answering("offline", said))
    assert "先改正这一点" in examiner.grade(RUBRIC, REPLY, "zh").feedback
    assert "Correct this first" in examiner.grade(RUBRIC, REPLY, "en").feedback
