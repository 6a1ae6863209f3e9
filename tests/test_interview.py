"""The transitions of one interview: each returns a new value and refuses what cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import MET, NOON, grade, interview, judged, turn

from interviewer import interview as transitions
from interviewer.agent.moves import AskFollowUp, AskProbe, AskQuestion
from interviewer.errors import ReplyRefused
from interviewer.records import Aside, Plan, Skipped, Ungraded
from interviewer.text import MAX_REPLY

ASKED = "first/one"
OPEN = interview(turn(1, ASKED), questions=(ASKED, "first/two"))
REPLIED = transitions.replied(OPEN, "回答")
JUDGED = transitions.judged(REPLIED, grade(judged(MET)))


def test_an_interview_from_its_start_to_its_end():
    plan = Plan(questions=(ASKED,), seed=1)
    begun = transitions.start("id", plan, NOON)
    assert begun.turns == () and begun.ended is None
    asked = transitions.asked(begun, AskQuestion(ASKED), "请讲。")
    assert asked.last.is_open and asked.last.is_main and asked.last.number == 1
    replied = transitions.replied(asked, " 训练时\u200b用当前批。\r\n ")
    assert replied.last.reply == "训练时用当前批。" and not replied.last.is_open
    judged_ = transitions.judged(replied, Ungraded(reason="没有"))
    probed = transitions.asked(judged_, AskProbe("a"), "再说说？", "原因")
    probe = probed.last
    assert (probe.number, probe.question, probe.point, probe.fallback) == (2, ASKED, "a", "原因")
    followed = transitions.asked(transitions.skipped(probed), AskFollowUp(1, "b"), "那乙呢？")
    assert (followed.last.number, followed.last.follow_up, followed.last.point) == (3, 1, "")
    ended = transitions.ended(followed, NOON)
    assert ended.ended == NOON and len(ended.turns) == 3
    assert begun.turns == () and asked.last.reply is None  # the earlier values stand


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b\u202e", "\0\x07", "🙂🎉", "……！？"])
def test_an_empty_reply_is_refused(text):
    with pytest.raises(ReplyRefused) as refused:
        transitions.replied(OPEN, text)
    assert refused.value.name == "reply_empty"


def test_a_reply_is_taken_up_to_its_limit_and_refused_above_with_both_numbers():
    assert len(transitions.replied(OPEN, "字" * MAX_REPLY).last.reply) == MAX_REPLY
    with pytest.raises(ReplyRefused) as refused:
        transitions.replied(OPEN, "字" * 20_000)
    assert "20000" in refused.value.say("zh") and str(MAX_REPLY) in refused.value.say("zh")


@pytest.mark.parametrize("standing", [REPLIED, JUDGED, transitions.skipped(OPEN), interview(questions=(ASKED,))])
@pytest.mark.parametrize(
    "act",
    [
        lambda i: transitions.replied(i, "又来"),
        transitions.skipped,
        lambda i: transitions.noted(i, Aside(said="提示", rung=1)),
    ],
)
def test_only_an_open_turn_takes_a_reply_a_skip_or_a_hint(standing, act):
    with pytest.raises(ReplyRefused) as refused:
        act(standing)
    assert refused.value.name == "reply_twice"


@pytest.mark.parametrize("act", [lambda i: transitions.replied(i, "又来"), transitions.skipped])
def test_an_interview_that_is_over_takes_nothing(act):
    with pytest.raises(ReplyRefused) as refused:
        act(transitions.ended(OPEN, NOON))
    assert refused.value.name == "interview_over"


def test_what_is_said_on_the_way_to_a_reply_is_kept_in_order_and_only_hints_are_hints():
    hint, chat = Aside(said="想想均值", point="p", rung=1), Aside(text="你好", intent="small_talk", said="不急。")
    current = transitions.noted(transitions.noted(OPEN, hint), chat)
    assert current.last.asides == (hint, chat) and current.last.hints == (hint,)
    assert current.last.is_open


def test_a_skip_leaves_no_reply_and_a_second_end_keeps_the_first_time():
    assert transitions.skipped(OPEN).last.outcome == Skipped()
    assert transitions.skipped(OPEN).last.reply is None
    ended = transitions.ended(OPEN, NOON)
    assert transitions.ended(ended, NOON + timedelta(hours=1)) is ended
