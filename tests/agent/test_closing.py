"""The last two sentences of an interview: what stood, and what is most worth working on."""

from __future__ import annotations

from builders import CONTRADICTED, MET, MISSING, grade, interview, judged, question, small_bank, turn

from interviewer.agent.closing import summary
from interviewer.records import Skipped

ONE, TWO = question("one"), question("two")
BANK = small_bank(ONE, TWO)


def of(*outcomes, **fields):
    asked = (ONE.id, TWO.id)
    return summary(interview(*(turn(n, asked[n - 1], o) for n, o in enumerate(outcomes, 1)), **fields), BANK)


def test_the_strongest_topic_comes_first_then_the_weightiest_gap():
    told = of(grade(judged(MET)), grade(judged(MISSING, 2, "x", "次要的"), judged(CONTRADICTED, 3, "y", "要紧的")))
    assert told.index("第一") < told.index("要紧的") and "次要的" not in told and "two是怎么回事" in told


def test_where_nothing_stood_nothing_is_praised():
    told = of(grade(judged(MISSING, 3, "x", "要紧的")))
    assert "第一" not in told and "要紧的" in told


def test_where_nothing_is_missing_nothing_is_made_up():
    assert "要点" in of(grade(judged(MET))) and "最值得补" not in of(grade(judged(MET)))


def test_without_a_grade_there_is_nothing_to_say():
    assert of(Skipped()) == ""


def test_it_is_two_sentences_in_the_interview_s_language():
    told = of(grade(judged(MET)), language="en")
    assert told.count(".") == 2
