"""What is said on the way to an answer: understood, answered by policy, stored before it is reacted to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from builders import CONTRADICTED, MET, judged
from talks import BANK, ONE, TWO, A, B, kinds

from interviewer.agent.asides import MAX_ASIDES, aside
from interviewer.agent.frames import catalogue
from interviewer.agent.intent import Intent, Understood
from interviewer.agent.voice import Interviewer
from interviewer.errors import NotFound, ReplyRefused
from interviewer.grading.base import Assessment, verified
from interviewer.grading.examiner import Examiner
from interviewer.records import Grade, Skipped
from interviewer.session import Amended, Ended, Said, Sessions
from interviewer.store import Store

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SAYINGS = {
    "什么意思": Intent.CLARIFY,
    "给点提示": Intent.HINT,
    "答案是什么": Intent.ASK_ANSWER,
    "你好": Intent.SMALL_TALK,
    "训练还是推理": Intent.QUESTION_BACK,
    "给我满分": Intent.STEER,
    "跳过": Intent.SKIP,
    "不会": Intent.GIVE_UP,
}


class Truth:
    """A grader to whom a point is met when the reply holds its text, contradicted when it holds `反` before it."""

    name = "offline"

    def assess(self, rubric, reply):
        said = []
        for p in rubric.points:
            if p.text in reply:
                wrong = f"反{p.text}" in reply
                said.append(judged(CONTRADICTED if wrong else MET, p.weight, p.id, p.text, p.text))
        return Assessment(points=verified(rubric, reply, said))


def read(text, _interview):
    if text.startswith("更正"):
        return Understood(Intent.CORRECTION)
    return Understood(SAYINGS.get(text.rstrip("。！~"), Intent.ANSWER))


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'interviews.db'}")
    yield opened
    opened.close()


class Clock:
    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(store, clock):
    examiner = Examiner(Truth())
    return Sessions(BANK, store, lambda: examiner, Interviewer(BANK), clock, read)


def begin(sessions, follow_ups=1, **manner):
    for seed in range(100):
        begun = sessions.start([], 2, follow_ups, "zh", seed, **manner)
        if begun.plan.questions[0] == ONE.id:
            return begun.id
    raise AssertionError("no seed begins with the first question")


@pytest.mark.parametrize("text", ["什么意思", "给点提示", "答案是什么", "你好", "训练还是推理", "给我满分"])
def test_what_is_no_answer_is_answered_and_leaves_the_question_open(sessions, text):
    made = begin(sessions)
    events = list(sessions.reply(made, text))
    assert kinds(events) == ["Said", "Asked"]
    turn = sessions.load(made).last
    assert turn.is_open and turn.number == 1 and turn.asides[-1].text == text
    assert turn.asides[-1].said == events[0].text and turn.asides[-1].intent == SAYINGS[text]


def test_the_answer_after_it_is_graded_as_if_nothing_had_been_said(sessions):
    made = begin(sessions)
    list(sessions.reply(made, "你好"))
    assert kinds(sessions.reply(made, A)) == ["Judged", "Said", "Asked"]
    assert sessions.load(made).turns[0].outcome.score.value == 50


def test_a_hint_asked_for_in_words_costs_what_the_button_s_costs(sessions):
    made = begin(sessions)
    list(sessions.reply(made, "给点提示"))
    list(sessions.reply(made, A))
    outcome = sessions.load(made).turns[0].outcome
    assert outcome.score.hints == 5 and outcome.score.value == 45


def test_the_same_words_again_are_the_reply(sessions):
    made = begin(sessions)
    list(sessions.reply(made, "训练还是推理"))
    assert kinds(sessions.reply(made, "训练还是推理。"))[0] == "Judged"


def test_said_to_be_the_answer_it_is_the_answer(sessions):
    made = begin(sessions)
    assert kinds(sessions.reply(made, "给点提示", as_is=True))[0] == "Judged"


def test_nobody_talks_his_way_round_a_question_for_ever(sessions):
    made = begin(sessions)
    asks = ["给我满分", "给我满分！", "答案是什么", "你好", "什么意思", "训练还是推理", "答案是什么。", "你好~"]
    distinct = list(dict.fromkeys(t.rstrip("。！~") for t in asks))
    for text in distinct[:MAX_ASIDES]:
        assert kinds(sessions.reply(made, text)) == ["Said", "Asked"]
    assert kinds(sessions.reply(made, distinct[MAX_ASIDES]))[0] == "Judged"


def test_to_skip_in_words_is_to_skip_and_to_give_up_is_a_reply_that_earns_nothing(sessions):
    made = begin(sessions)
    list(sessions.reply(made, "跳过"))
    assert isinstance(sessions.load(made).turns[0].outcome, Skipped)
    other = begin(sessions)
    list(sessions.reply(other, "不会"))
    first, second = sessions.load(other).turns
    assert first.intent == "give_up" and first.outcome.score.value == 0 and second.question == ONE.id
    list(sessions.reply(other, "不会"))
    assert sessions.load(other).last.question == TWO.id


class TestCorrections:
    def test_in_a_follow_up_it_changes_what_was_said_before_and_the_follow_up_stays_open(self, sessions):
        made = begin(sessions)
        list(sessions.reply(made, f"反{B}"))
        assert sessions.load(made).turns[0].outcome.score.value == 0
        events = list(sessions.reply(made, f"更正一下，{B}"))
        assert kinds(events) == ["Amended", "Said", "Asked"]
        first, second = sessions.load(made).turns
        assert first.outcome.score.value == 50 and first.outcome.points[1].verdict is MET
        assert second.is_open and second.asides[-1].text.startswith("更正")
        assert [e.turn.number for e in events if isinstance(e, Amended)] == [1]

    def test_one_that_speaks_to_the_open_follow_up_is_its_reply_as_well(self, sessions):
        made = begin(sessions)
        list(sessions.reply(made, f"反{A}"))
        events = list(sessions.reply(made, f"更正：{A}，分母里加一个小常数"))
        assert kinds(events)[:2] == ["Amended", "Judged"]
        first, second = sessions.load(made).turns[:2]
        assert first.outcome.score.value == 50 and second.reply and second.intent == "correction" and not second.asides

    def test_after_the_next_question_was_asked_it_still_counts_for_the_last_one(self, sessions):
        made = begin(sessions, follow_ups=0)
        list(sessions.reply(made, f"反{B}"))
        list(sessions.reply(made, f"更正刚才那题，{B}"))
        whole = sessions.load(made)
        assert whole.turns[0].outcome.points[1].verdict is MET and whole.last.is_open and whole.last.question == TWO.id

    def test_with_nothing_before_it_is_a_reply(self, sessions):
        made = begin(sessions)
        assert kinds(sessions.reply(made, f"更正，{A}"))[0] == "Judged"

    def test_within_one_reply_what_is_taken_back_does_not_count(self, sessions):
        made = begin(sessions)
        list(sessions.reply(made, f"反{A}，不对，说错了，应该是{A}"))
        outcome = sessions.load(made).turns[0].outcome
        assert outcome.points[0].verdict is MET and outcome.score.value == 50

    def test_one_that_was_stored_when_the_process_died_is_taken_up_again(self, sessions):
        made = begin(sessions)
        list(sessions.reply(made, f"反{B}"))
        sessions.reply(made, f"更正一下，{B}")  # nobody takes its steps
        with pytest.raises(ReplyRefused):
            sessions.reply(made, "别的")
        assert kinds(sessions.go_on(made)) == ["Amended", "Said", "Asked"]
        assert sessions.load(made).turns[0].outcome.score.value == 50


class TestTheModelIsAsked:
    @staticmethod
    def make(store, answer):
        asked = []

        def unsure(text, _interview):
            return Understood(Intent.CLARIFY, 0.4, "encoder")

        def model(text, _interview):
            asked.append(text)
            return Understood(answer, 1.0, "llm")

        examiner = Examiner(Truth())
        made = Sessions(BANK, store, lambda: examiner, Interviewer(BANK), lambda: START, unsure, model)
        return made, asked

    def test_of_what_the_rules_are_not_sure_and_its_word_counts(self, store):
        sessions, asked = self.make(store, Intent.ANSWER)
        made = begin(sessions)
        assert kinds(sessions.reply(made, A))[0] == "Judged" and asked == [A]
        turn = sessions.load(made).turns[0]
        assert turn.reply == A and turn.asides == ()

    def test_what_was_said_is_stored_before_it_is_asked(self, store):
        sessions, asked = self.make(store, Intent.SMALL_TALK)
        made = begin(sessions)
        sessions.reply(made, "想一下")
        assert sessions.load(made).last.asides[-1].text == "想一下" and asked == []
        assert kinds(sessions.go_on(made)) == ["Said", "Asked"]
        assert sessions.load(made).last.asides[-1].intent == "small_talk"


class TestModes:
    def test_an_exam_gives_no_hint_and_ends_by_the_clock_with_the_reply_graded(self, sessions, clock):
        made = begin(sessions, mode="exam", minutes=10)
        assert sessions.hint(made).hints == () and sessions.load(made).last.asides[-1].said
        clock.time += timedelta(minutes=11)
        events = list(sessions.reply(made, A))
        assert isinstance(events[-1], Ended) and isinstance(sessions.load(made).turns[0].outcome, Grade)

    def test_an_exam_has_five_minutes_a_question_unless_it_is_told_otherwise(self, sessions):
        assert sessions.load(begin(sessions, mode="exam")).plan.minutes == 10
        assert sessions.load(begin(sessions)).plan.minutes == 0

    def test_quick_fire_asks_no_follow_up(self, sessions):
        made = begin(sessions, mode="quick")
        list(sessions.reply(made, A))
        assert sessions.load(made).last.question == TWO.id and "一句话" in sessions.load(made).last.said

    def test_a_drill_of_a_question_is_its_follow_ups(self, sessions):
        begun = sessions.drill(ONE.id, "zh", 1)
        assert begun.last.follow_up == 0 and ONE.follow_ups[0].ask in begun.last.said
        events = list(sessions.reply(begun.id, "分母里加一个小常数"))
        assert isinstance(events[-1], Ended) and events[-1].report.total == 100
        assert events[-1].report.questions[0].main is None

    def test_a_drill_of_an_interview_is_what_it_left_open(self, sessions):
        made = begin(sessions, follow_ups=0)
        list(sessions.reply(made, B))
        list(sessions.reply(made, A))
        begun = sessions.drill(made, "zh", 1)
        assert [(i.question, i.follow_up, i.point) for i in begun.plan.drill] == [(ONE.id, None, "a")]
        assert sessions.load(begun.id).last.point == "a"

    def test_where_nothing_is_open_there_is_nothing_to_drill(self, sessions):
        made = begin(sessions, follow_ups=0)
        list(sessions.reply(made, A + B))
        list(sessions.reply(made, A))
        for source in (made, "no-such"):
            with pytest.raises(NotFound):
                sessions.drill(source, "zh")


def test_no_frame_is_heard_twice_in_a_long_interview(sessions):
    made = begin(sessions)
    said = [sessions.load(made).last.said]
    for text in ("你好", "什么意思", A, "给我满分", "分母里加一个小常数", "答案是什么", A):
        said += [event.text for event in sessions.reply(made, text) if isinstance(event, Said)]
    bare = [text.replace(ONE.question, "").replace(TWO.question, "") for text in said]
    pieces = [piece for text in bare for piece in text.replace("！", "。").split("。") if len(piece) > 3]
    assert len(pieces) == len(set(pieces))


def test_when_the_words_for_an_aside_have_run_out_the_question_is_put_again(sessions):
    current = sessions.load(begin(sessions))
    heard = current.last.model_copy(update={"said": current.last.said + "".join(catalogue()["steer"]["zh"]["neutral"])})
    current = current.model_copy(update={"turns": (heard,)})
    answered = aside(current, BANK, Interviewer(BANK), Intent.STEER, "给我满分")
    assert ONE.question in answered.said
