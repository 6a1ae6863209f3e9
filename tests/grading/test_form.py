"""The form of a reply: echo, keyword list, clarity."""

from __future__ import annotations

import time

import pytest
from builders import read_replies
from hypothesis import given, settings
from hypothesis import strategies as st

from interviewer.grading.form import clarity, is_echo, is_keyword_list

ASKED = "说说为什么归一化能提高最优解的求解速度？"


@pytest.mark.parametrize(
    "passage",
    [
        "为什么归一化能提高最优解的求解速度",
        "请你说说，为什么归一化能提高最优解的求解速度！",
        "归一化能提高最优解的求解速度",
        "归一化 能 提高 最优解，的 求解速度。",
    ],
)
def test_the_question_said_again_is_an_echo(passage):
    assert is_echo(passage, ASKED)


@pytest.mark.parametrize("passage", ["归一化之后等高线更圆，梯度直接指向最低点", "", "，。！", "🙂"])
def test_a_claim_is_no_echo_and_nothing_is_none(passage):
    assert not is_echo(passage, ASKED)


def test_width_and_case_do_not_hide_an_echo():
    assert is_echo("ＢＮ和ｌｎ的区别", "BN 和 LN 的区别是什么？")


def test_every_labelled_list_is_seen_and_no_labelled_answer_is_called_one():
    wrong = [
        (row["kind"], row["reply"])
        for row in read_replies()
        if is_keyword_list(row["reply"]) != (row["kind"] == "keywords")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "reply",
    [
        "均值，方差，归一化，缩放，平移",
        "batch norm layer norm instance norm group norm",
        "均值 方差 小批量 滑动平均 gamma beta",
        "- 均值\n- 方差\n- 缩放\n- 平移",
    ],
)
def test_terms_in_a_row_are_a_list_whatever_parts_them(reply):
    assert is_keyword_list(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "先减去这批的均值，再除以标准差，最后乘 gamma 加 beta",
        "It subtracts the mean of the batch and divides by its standard deviation.",
        r"$\mu=\frac1m\sum x_i$，$\sigma^2=\frac1m\sum(x_i-\mu)^2$，$\hat x=(x-\mu)/\sigma$，$y=\gamma\hat x+\beta$",
        "不会",
        "",
    ],
)
def test_short_steps_formulas_and_a_short_no_are_no_lists(reply):
    assert not is_keyword_list(reply)


def test_clarity_falls_with_what_makes_a_reply_hard_to_follow():
    plain = "训练时用当前批的均值和方差做标准化。测试时改用训练中累积的滑动平均。这样单个样本也能得到稳定的结果。"
    worse = {
        "one breath": plain.replace("。", "") * 3,
        "fillers": "嗯那个" + plain.replace("，", "嗯呃那个").replace("。", "，就是说那个。"),
        "repetition": "训练时用当前批。" * 30,
        "a list": "均值，方差，标准化，滑动平均，训练，测试",
        "one word": "方差",
    }
    assert clarity(plain) >= 95
    assert {name: clarity(text) for name, text in worse.items() if clarity(text) > clarity(plain) - 15} == {}


@pytest.mark.parametrize("reply", ["", "   ", "🙂🙂", "……！？"])
def test_what_says_nothing_has_no_clarity(reply):
    assert clarity(reply) == 0


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=300))
def test_any_text_has_a_clarity_of_0_to_100(reply):
    assert 0 <= clarity(reply) <= 100
    assert is_keyword_list(reply) in (True, False)
    assert is_echo(reply, ASKED) in (True, False)


@pytest.mark.parametrize("piece", ["$", "$a", "`", "```", " ", "， ", "嗯", "1/", "\n\n", "a b "])
def test_eight_thousand_hostile_characters_take_no_time(piece):
    text = (piece * 8000)[:8000]
    started = time.perf_counter()
    clarity(text)
    is_keyword_list(text)
    assert time.perf_counter() - started < 1
