"""What every grader's verdicts go through: a quote of the reply's own words, or the point is missing."""

from __future__ import annotations

import pytest
from builders import CONTRADICTED, MET, MISSING, PARTIAL, judged, rubric_of
from hypothesis import given, settings
from hypothesis import strategies as st

from interviewer.grading.base import only_lists_keywords, verified
from interviewer.text import normalise

RUBRIC = rubric_of(
    "训练时用当前小批量的均值与方差",
    "推理时用滑动平均统计量",
    question="批归一化在训练与推理时有什么不同？",
)
REPLY = "训练的时候拿这一批样本自己算均值、方差；Inference 时用累积好的 running mean。"


def verdicts(*given_points, reply=REPLY):
    return [(p.id, p.verdict, p.quote) for p in verified(RUBRIC, reply, given_points)]


def test_a_verdict_with_a_quote_of_the_reply_stands():
    found = verdicts(
        judged(MET, point="p1", quote="拿这一批样本自己算均值"), judged(PARTIAL, point="p2", quote="running mean")
    )
    assert found == [("p1", MET, "拿这一批样本自己算均值"), ("p2", PARTIAL, "running mean")]


@pytest.mark.parametrize("verdict", [MET, PARTIAL, CONTRADICTED])
def test_a_forged_quote_makes_the_point_missing(verdict):
    forged = judged(verdict, point="p1", quote="训练时用当前小批量的均值与方差做标准化")
    assert verdicts(forged)[0] == ("p1", MISSING, "")


@pytest.mark.parametrize("quote", ["是", "均值", "ba"])
def test_a_quote_too_short_to_say_anything_is_no_quote_but_of_a_reply_as_short(quote):
    assert verdicts(judged(MET, point="p1", quote=quote), reply=f"{quote}的一个长回答")[0] == ("p1", MISSING, "")
    assert verdicts(judged(MET, point="p1", quote=quote), reply=quote)[0] == ("p1", MET, quote)


@pytest.mark.parametrize("quote", ["", "  ", "……", "🙂"])
def test_an_empty_quote_is_no_quote(quote):
    assert verdicts(judged(MET, point="p1", quote=quote))[0] == ("p1", MISSING, "")


def test_a_quote_that_only_repeats_the_question_counts_for_nothing():
    reply = "批归一化在训练与推理时有什么不同？我觉得训练时算这一批的。"
    repeated = judged(MET, point="p1", quote="批归一化在训练与推理时有什么不同")
    assert verdicts(repeated, reply=reply)[0] == ("p1", MISSING, "")


@pytest.mark.parametrize(
    "quote",
    [
        "ｉｎｆｅｒｅｎｃｅ 时用累积好的 ＲＵＮＮＩＮＧ　ＭＥＡＮ",
        "inference时用累积好的“running-mean”",
        " Inference 时，用累积好的 running mean！",
    ],
)
def test_width_case_and_punctuation_do_not_matter_and_the_quote_is_the_reply_s_own(quote):
    assert verdicts(judged(MET, point="p2", quote=quote))[1] == ("p2", MET, "Inference 时用累积好的 running mean")


def test_a_comparison_turned_round_is_another_quote():
    assert verdicts(judged(MET, point="p1", quote="训练误差 < 测试误差"), reply="训练误差 > 测试误差")[0][1] is MISSING


def test_a_missing_point_carries_no_quote():
    assert verdicts(judged(MISSING, point="p1", quote="拿这一批样本"))[0] == ("p1", MISSING, "")


def test_points_that_the_rubric_does_not_have_are_ignored():
    found = verdicts(judged(MET, point="p9", quote="这一批样本"), judged(MET, point="p2", quote="running mean"))
    assert [(point, verdict) for point, verdict, _ in found] == [("p1", MISSING), ("p2", MET)]


def test_a_point_judged_twice_with_different_verdicts_is_missing():
    twice = [judged(MET, point="p1", quote="这一批样本"), judged(CONTRADICTED, point="p1", quote="这一批样本")]
    assert verdicts(*twice)[0] == ("p1", MISSING, "")


def test_a_point_judged_twice_alike_counts_once():
    twice = [judged(MET, point="p1", quote="这一批样本"), judged(MET, point="p1", quote="均值、方差")]
    assert verdicts(*twice) == [("p1", MET, "这一批样本"), ("p2", MISSING, "")]


def test_the_rubric_s_words_and_weights_stand_whatever_the_grader_says_of_them():
    lied = judged(MET, weight=1, point="p1", text="别的要点", quote="这一批样本")
    (first, _) = verified(RUBRIC, REPLY, [lied])
    assert (first.text, first.weight) == ("训练时用当前小批量的均值与方差", 3)


def test_the_order_is_the_rubric_s():
    given_points = [judged(MET, point="p2", quote="running mean"), judged(MET, point="p1", quote="这一批样本")]
    assert [p.id for p in verified(RUBRIC, REPLY, given_points)] == ["p1", "p2"]


@settings(deadline=None, max_examples=100)
@given(reply=st.text(max_size=80), quote=st.text(max_size=20), verdict=st.sampled_from([MET, PARTIAL, CONTRADICTED]))
def test_whatever_is_quoted_occurs_in_the_reply_word_for_word(reply, quote, verdict):
    (first, _) = verified(RUBRIC, reply, [judged(verdict, point="p1", quote=quote)])
    assert first.quote in reply
    assert (first.verdict is MISSING) == (not first.quote)
    if first.quote:
        assert normalise(quote) in normalise(first.quote)


def test_a_list_is_held_against_a_reply_only_where_the_reference_makes_claims():
    listed = "最小最大缩放、标准化、鲁棒缩放、对数变换、单位范数"
    assert only_lists_keywords(RUBRIC, listed)
    assert not only_lists_keywords(rubric_of("最小最大缩放、标准化、鲁棒缩放、对数变换"), listed)
