"""What the interviewer does next, on hand-made grades."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    CONTRADICTED,
    MET,
    MISSING,
    NOON,
    PARTIAL,
    grade,
    interview,
    judged,
    key_point,
    question,
    small_bank,
    turn,
)
from cases import BANK, BOTH, INNER, ONE, POINTS, TWO, main_grade

from interviewer.agent import moves
from interviewer.agent.moves import AskFollowUp, AskProbe, AskQuestion, Form, WrapUp
from interviewer.bank import FollowUp
from interviewer.errors import NotFound
from interviewer.records import DrillItem, Interview, Plan, Rubric, Skipped, Ungraded, Verdict


def move_after(main, *later, follow_ups=2, questions=BOTH):
    turns = [turn(1, ONE.id, main, reply="回答" if isinstance(main, Ungraded) else None)]
    turns += [turn(n, ONE.id, outcome, **what) for n, (outcome, what) in enumerate(later, start=2)]
    return moves.next_move(interview(*turns, questions=questions, follow_ups=follow_ups), BANK)


FULL = grade(judged(MET))


class TestPolicy:
    def test_a_contradicted_must_point_comes_before_a_missing_one_and_that_before_half_a_one(self):
        assert move_after(main_grade(a=CONTRADICTED, b=MISSING, c=PARTIAL)) == AskProbe("a", Form.CHALLENGE)
        assert move_after(main_grade(a=PARTIAL, b=CONTRADICTED, c=MISSING)) == AskFollowUp(1, "b", Form.CHALLENGE)
        assert move_after(main_grade(a=PARTIAL, c=MISSING)) == AskFollowUp(2, "c")
        assert move_after(main_grade(a=PARTIAL)) == AskProbe("a")

    def test_of_two_points_worth_the_same_the_one_with_an_authored_follow_up_is_asked_after(self):
        assert move_after(main_grade(a=MISSING, b=MISSING)) == AskFollowUp(1, "b")

    def test_the_next_target_is_the_next_worst_never_the_same_one_twice(self):
        main = main_grade(a=MISSING, b=CONTRADICTED, c=MISSING)
        asked_b = (grade(judged(MISSING)), {"follow_up": 1})
        asked_c = (FULL, {"follow_up": 2})
        asked_a = (FULL, {"point": "a"})
        assert move_after(main, follow_ups=5) == AskFollowUp(1, "b", Form.CHALLENGE)
        assert move_after(main, asked_b, follow_ups=5) == AskFollowUp(2, "c")
        assert move_after(main, asked_b, asked_c, follow_ups=5) == AskProbe("a")
        assert move_after(main, asked_b, asked_c, asked_a, follow_ups=5) == AskQuestion(TWO.id)

    def test_a_second_authored_follow_up_after_the_same_point_is_not_asked(self):
        twice = FollowUp(ask="乙再问一次？", when="b", answer="答", points=INNER)
        bank = small_bank(ONE.model_copy(update={"follow_ups": (*ONE.follow_ups, twice)}), TWO)
        turns = (turn(1, ONE.id, main_grade(b=MISSING)), turn(2, ONE.id, FULL, follow_up=1))
        assert moves.next_move(interview(*turns, questions=BOTH), bank) == AskQuestion(TWO.id)

    def test_a_deeper_question_only_when_every_must_point_is_met(self):
        assert move_after(main_grade(s=MISSING)) == AskFollowUp(0, "deeper", Form.DEEPER)
        assert move_after(main_grade(s=MISSING), (FULL, {"follow_up": 0})) == AskQuestion(TWO.id)
        assert move_after(main_grade(a=PARTIAL), (FULL, {"point": "a"})) == AskQuestion(TWO.id)

    def test_two_deeper_questions_are_both_asked_in_their_order(self):
        second = FollowUp(ask="再深一层？", when="deeper", answer="答", points=INNER)
        bank = small_bank(ONE.model_copy(update={"follow_ups": (*ONE.follow_ups, second)}), TWO)
        turns = (turn(1, ONE.id, main_grade()), turn(2, ONE.id, FULL, follow_up=0))
        assert moves.next_move(interview(*turns, questions=BOTH), bank) == AskFollowUp(3, "deeper", Form.DEEPER)

    def test_the_planned_depth_is_respected(self):
        main = main_grade(a=CONTRADICTED, b=MISSING, c=MISSING)
        assert move_after(main, follow_ups=0) == AskQuestion(TWO.id)
        assert move_after(main, (FULL, {"point": "a"}), follow_ups=1) == AskQuestion(TWO.id)
        assert move_after(main, (FULL, {"point": "a"}), follow_ups=2) == AskFollowUp(1, "b")

    def test_after_a_reply_that_met_nothing_there_is_one_follow_up(self):
        nothing = main_grade(MISSING, CONTRADICTED, MISSING, MISSING)
        assert nothing.score.value == 0
        assert move_after(nothing, follow_ups=5) == AskFollowUp(1, "b", Form.CHALLENGE)
        assert move_after(nothing, (FULL, {"follow_up": 1}), follow_ups=5) == AskQuestion(TWO.id)

    def test_a_should_point_left_out_is_asked_after_only_in_authored_words(self):
        alone = question("alone", points=POINTS)
        said = interview(turn(1, alone.id, main_grade(s=MISSING)), questions=(alone.id,))
        assert moves.next_move(said, small_bank(alone)) == WrapUp()
        asked = alone.model_copy(
            update={"follow_ups": (FollowUp(ask="平移呢？", when="s", answer="答", points=INNER),)}
        )
        assert moves.next_move(said, small_bank(asked)) == AskFollowUp(0, "s")

    def test_a_should_point_said_wrongly_comes_after_the_must_points(self):
        assert move_after(main_grade(a=PARTIAL, s=CONTRADICTED)) == AskProbe("a")
        assert move_after(main_grade(s=CONTRADICTED)) == AskProbe("s", Form.CHALLENGE)
        assert move_after(main_grade(s=PARTIAL)) == AskProbe("s")

    def test_after_a_follow_up_that_was_given_up_comes_the_next_question(self):
        gave_up = (grade(judged(MISSING)), {"follow_up": 1, "intent": "give_up"})
        assert move_after(main_grade(a=MISSING, b=MISSING), gave_up, follow_ups=5) == AskQuestion(TWO.id)

    def test_the_form_fits_what_is_half_said(self):
        for text, form in (
            ("偏差约为 1/3 左右", Form.EXAMPLE),
            ("这样做防止梯度消失", Form.REASON),
            ("前者偏差大，后者方差大", Form.COMPARE),
            ("对输入做线性变换", Form.PROBE),
        ):
            half = grade(judged(PARTIAL, 3, "a", text, "候选人的原话"))
            assert move_after(half) == AskProbe("a", form)

    def test_a_must_point_that_was_only_named_is_asked_why_and_graded_with_what_was_named(self):
        why = key_point("a", "使用残差连接，缓解梯度消失")
        asked = question("why", points=(why,))
        named = grade(judged(MET, 3, "a", why.text, "用残差连接"))
        main = turn(1, asked.id, named, reply="可以用残差连接。")
        standing = interview(main, questions=(asked.id,))
        assert moves.next_move(standing, small_bank(asked)) == AskProbe("a", Form.REASON)
        explained = main.model_copy(update={"reply": "可以用残差连接，因为梯度能直接传回去。"})
        assert moves.next_move(interview(explained, questions=(asked.id,)), small_bank(asked)) == WrapUp()
        probe = turn(2, asked.id, point="a", form="reason", reply="因为梯度有一条直通的路。")
        assert moves.graded_text(probe, interview(main, probe)) == "用残差连接。因为梯度有一条直通的路。"
        assert moves.graded_text(main, standing) == "可以用残差连接。"


class TestModes:
    def test_an_exam_ends_when_its_time_is_up_and_an_interview_without_a_clock_does_not(self):
        main = turn(1, ONE.id, main_grade(a=MISSING))
        timed = interview(main, questions=BOTH)
        late = NOON + timedelta(minutes=10)
        assert moves.next_move(timed, BANK, late) == AskProbe("a")
        timed = timed.model_copy(update={"plan": timed.plan.model_copy(update={"minutes": 10})})
        assert moves.next_move(timed, BANK, late - timedelta(seconds=1)) == AskProbe("a")
        assert moves.next_move(timed, BANK, late) == WrapUp(time_up=True)

    def test_quick_fire_has_no_follow_ups_and_asks_for_the_must_points_alone(self):
        standing = interview(turn(1, ONE.id, main_grade(a=MISSING)), questions=BOTH)
        quick = standing.model_copy(update={"plan": standing.plan.model_copy(update={"mode": "quick"})})
        assert moves.next_move(quick, BANK) == AskQuestion(TWO.id)
        assert [p.id for p in moves.rubric(quick.last, BANK, "quick").points] == ["a", "b", "c"]

    def test_a_drill_asks_its_items_in_order_and_passes_over_those_that_left_the_bank(self):
        items = (
            DrillItem(question=ONE.id, follow_up=1),
            DrillItem(question="first/gone", follow_up=0),
            DrillItem(question=ONE.id, point="gone"),
            DrillItem(question=ONE.id, point="a"),
        )
        plan = Plan(mode="drill", drill=items, seed=1)
        begun = Interview(id="test", plan=plan, started=NOON)
        assert moves.first_move(begun, BANK) == AskFollowUp(1, "b", question=ONE.id)
        one = begun.model_copy(update={"turns": (turn(1, ONE.id, FULL, follow_up=1),)})
        assert moves.next_move(one, BANK) == AskProbe("a", question=ONE.id)
        two = one.model_copy(update={"turns": (*one.turns, turn(2, ONE.id, FULL, point="a"))})
        assert moves.next_move(two, BANK) == WrapUp()

    @pytest.mark.parametrize("outcome", [Skipped(), Ungraded(reason="没有评分器")])
    def test_a_skipped_or_ungraded_turn_leads_to_the_next_question(self, outcome):
        assert move_after(outcome) == AskQuestion(TWO.id)
        assert move_after(main_grade(a=MISSING), (outcome, {"point": "a"}), follow_ups=5) == AskQuestion(TWO.id)

    def test_after_the_last_question_the_interview_is_wrapped_up(self):
        assert move_after(main_grade(), questions=(ONE.id,), follow_ups=0) == WrapUp()

    def test_what_has_left_the_bank_since_is_passed_over(self):
        main = main_grade(b=MISSING)
        assert move_after(main_grade(), questions=(ONE.id, "first/gone", TWO.id), follow_ups=0) == AskQuestion(TWO.id)
        edited = small_bank(ONE.model_copy(update={"points": POINTS[:1], "follow_ups": ()}), TWO)
        turns = (turn(1, ONE.id, main), turn(2, ONE.id, FULL, follow_up=2))
        assert moves.next_move(interview(*turns, questions=BOTH, follow_ups=5), edited) == AskQuestion(TWO.id)
        assert moves.next_move(interview(turn(1, ONE.id, main), questions=BOTH), small_bank(TWO)) == AskQuestion(TWO.id)


class TestRubric:
    def test_each_kind_of_turn_is_graded_against_its_own_points(self):
        assert moves.rubric(turn(1, ONE.id), BANK) == Rubric.of_question(ONE)
        assert moves.rubric(turn(2, ONE.id, follow_up=1), BANK).points == INNER
        assert [p.id for p in moves.rubric(turn(2, ONE.id, point="b"), BANK).points] == ["b"]

    @pytest.mark.parametrize("what", [{"follow_up": 9}, {"point": "gone"}])
    def test_a_follow_up_or_point_that_has_left_the_bank_is_not_found(self, what):
        with pytest.raises(NotFound):
            moves.rubric(turn(2, ONE.id, **what), BANK)


def test_every_verdict_has_an_urgency():
    for verdict in set(Verdict) - {MET}:
        assert move_after(main_grade(a=verdict)).point == "a"
