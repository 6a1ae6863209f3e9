from __future__ import annotations

import pytest

from interviewer.bank import Question
from interviewer.check import check, check_question, has_term, latex_fault, leaks


@pytest.fixture(scope="module")
def good(bank) -> Question:
    return bank.get("norm_regularisation/what-is-batch-normalization")


def said(question: Question) -> list[str]:
    return [f"{fault.field}: {fault.message}" for fault in check_question(question)]


def changed_point(question: Question, **values: object) -> Question:
    first, *others = question.points
    return question.model_copy(update={"points": (first.model_copy(update=values), *others)})


def test_the_real_bank_keeps_every_rule(bank):
    assert check(bank) == []


def test_a_fault_names_the_file(good):
    fault = check_question(good.model_copy(update={"aliases": ()}))[0]
    assert str(fault) == f"questions/{good.id}.toml: aliases: 0, at least 2 wanted"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"aliases": ("怎么理解 BN", "怎么理解ＢＮ？")}, "aliases: an alias repeats the question or another alias"),
        ({"brief": "太短"}, "brief: 2 characters, 30 to 180 wanted"),
        ({"answer": "字" * 149 + "$x$" * 50}, "answer: 149 Chinese characters, 150 to 600 wanted"),
        ({"answer": "字" * 200 + "$x"}, "answer: an odd `$`: a formula is not closed on its line"),
        ({"misconceptions": ()}, "misconceptions: 0, 1 to 3 wanted"),
        ({"follow_ups": ()}, "follow_ups: none is for `deeper`"),
    ],
)
def test_a_question_that_breaks_a_rule_is_told_so(good, change, fault):
    assert fault in said(good.model_copy(update=change))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"terms": ()}, "terms: at least one group wanted"),
        ({"says": ("一", "二")}, "says: 2, at least 3 wanted"),
        ({"denies": ("一",)}, "denies: 1, at least 2 wanted"),
        ({"says": ("甲说", "乙说", "甲　说！")}, "a line of says or denies is there twice"),
    ],
)
def test_a_point_that_breaks_a_rule_is_told_so(good, change, fault):
    field = f"points.{good.points[0].id}"
    found = said(changed_point(good, **change))
    assert any(line.startswith(field) and line.endswith(fault) for line in found), found


def test_a_point_that_holds_two_others_is_not_atomic(good):
    whole = "".join(group[0] for point in good.points[1:3] for group in point.terms)
    assert any("not atomic: its text holds all terms of" in line for line in said(changed_point(good, text=whole)))


def test_a_must_point_needs_company_and_a_follow_up_of_its_own(good):
    lone = good.model_copy(update={"points": good.points[:1]})
    assert "points: 1 points, 3 to 7 wanted" in said(lone)
    assert "points: 1 points of weight 3, at least 2 wanted" in said(lone)
    deeper = [f for f in good.follow_ups if f.when == "deeper"] * 2
    assert "follow_ups: none is aimed at a must-point" in said(good.model_copy(update={"follow_ups": tuple(deeper)}))


def test_a_follow_up_must_not_give_a_point_away(good):
    point = good.points[0]
    told = good.follow_ups[0].model_copy(update={"ask": f"是不是说{point.text}？"})
    found = said(good.model_copy(update={"follow_ups": (told, *good.follow_ups[1:])}))
    assert f"follow_ups[0].ask: gives away point {point.id}" in found


def test_giving_away_is_nearly_all_of_the_words_in_any_order_and_not_a_few_of_them():
    point = "推理时使用训练中累积的滑动平均统计量"
    assert leaks("所以，推理时使用训练中累积的滑动平均统计量，对吗？", point)
    assert leaks("训练中累积的滑动平均统计量，推理时使用", point)
    assert not leaks("推理时它用的是什么统计量？", point)


def test_a_term_is_found_whatever_its_width_case_and_punctuation():
    assert has_term("每个ＭＩＮＩ Batch 的均值", ("小批量", "mini-batch"))
    assert not has_term("每一轮的均值", ("小批量", "mini-batch"))
    assert not has_term("任何话", ("！",))


@pytest.mark.parametrize(
    "text",
    [
        "没有公式",
        r"花了 \$5 和 $x$ 元",
        "行内代码 `$HOME` 与\n```\ncost = $5\n```",
        "$$\na_{i}\n$$",
        r"$\left( x \rightrightarrows y \right)$ 与 $a \leftarrow b \leftrightarrow c \rightarrow d$",
        r"$\left\{ x \right.$",
        r"$$\begin{aligned} a &= b \\ c &= d \end{aligned}$$",
    ],
)
def test_a_text_with_whole_formulas_has_no_fault(text):
    assert latex_fault(text) == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("只有一个 $ 符号", "odd `$`"),
        ("$跨了\n行$", "odd `$`"),
        (r"$\frac{a}{b$", "unbalanced braces"),
        (r"$\{ a }$", "unbalanced braces"),
        (r"$\left( a )$", r"\left without \right"),
        (r"$$\begin{aligned} a \end{align}$$", "unbalanced environment"),
        (r"$\begin{cases} a$", "unbalanced environment"),
    ],
)
def test_a_broken_formula_is_named(text, fault):
    assert fault in latex_fault(text)
