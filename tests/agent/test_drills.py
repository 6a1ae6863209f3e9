"""What is practised by itself: a question's follow-ups, or what an interview left open."""

from __future__ import annotations

from builders import CONTRADICTED, MET, MISSING, PARTIAL, grade, interview, judged, small_bank, turn
from cases import BANK, ONE, TWO, main_grade

from interviewer.agent.drills import MAX_ITEMS, of_interview, of_question
from interviewer.records import DrillItem, Skipped


def item(follow_up=None, point="", question=ONE.id):
    return DrillItem(question=question, follow_up=follow_up, point=point)


def test_a_question_s_follow_ups_in_their_order():
    assert of_question(ONE) == (item(0), item(1), item(2))
    assert of_question(TWO) == ()


def test_what_was_contradicted_comes_before_what_was_missed_and_by_its_authored_follow_up():
    standing = interview(turn(1, ONE.id, main_grade(a=MISSING, b=CONTRADICTED, c=MET, s=PARTIAL)))
    assert of_interview(standing, BANK) == (item(1), item(point="a"), item(point="s"))


def test_a_follow_up_that_went_badly_is_asked_again_and_one_that_went_well_is_not():
    bad, good = grade(judged(MISSING)), grade(judged(MET))
    standing = interview(
        turn(1, ONE.id, main_grade()), turn(2, ONE.id, bad, follow_up=0), turn(3, ONE.id, good, follow_up=2)
    )
    assert of_interview(standing, BANK) == (item(0),)


def test_a_skipped_question_is_practised_point_by_point_up_to_the_bound():
    standing = interview(turn(1, ONE.id, Skipped()))
    assert of_interview(standing, BANK) == (item(point="a"), item(1), item(2), item(point="s"))
    assert len(of_interview(standing, BANK)) <= MAX_ITEMS


def test_what_left_the_bank_is_left_out():
    assert of_interview(interview(turn(1, ONE.id, main_grade(a=MISSING))), small_bank(TWO)) == ()
