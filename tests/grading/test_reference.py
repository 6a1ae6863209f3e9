"""A reference answer that a user brings, split into points."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interviewer.errors import FileRefused
from interviewer.grading.reference import MAX_POINTS, claims, rubric_of_reference


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        (
            "训练时用当前批的均值和方差。推理时用滑动平均。两个参数可以学习。",
            ["训练时用当前批的均值和方差", "推理时用滑动平均", "两个参数可以学习"],
        ),
        (
            "1. 先减去均值\n2. 再除以标准差\n3. 最后缩放平移",
            ["先减去均值", "再除以标准差", "最后缩放平移"],
        ),
        (
            "- 减小学习率\n* 增加数据\n• 加正则化\n（4）早停\n⑤ 数据增强",
            ["减小学习率", "增加数据", "加正则化", "早停", "数据增强"],
        ),
        (
            "防止过拟合的方法包括：数据增强、早停、Dropout、权重衰减",
            ["数据增强", "早停", "Dropout", "权重衰减"],
        ),
        (
            "It divides by the standard deviation. It subtracts the mean first. Then gamma rescales it.",
            ["It divides by the standard deviation.", "It subtracts the mean first.", "Then gamma rescales it."],
        ),
        (
            "训练误差很小，但是测试误差很大，说明模型把噪声也记住了，需要更多的数据",
            ["训练误差很小，但是测试误差很大", "说明模型把噪声也记住了", "需要更多的数据"],
        ),
    ],
)
def test_a_reference_is_split_into_its_claims(reference, wanted):
    assert claims(reference) == wanted


def test_a_number_at_the_start_of_a_line_keeps_its_decimals_and_sign():
    kept = claims("0.9 是常用的动量\n-1 到 1 是输出范围\n3.5 倍的速度提升")
    assert kept == ["0.9 是常用的动量", "-1 到 1 是输出范围", "3.5 倍的速度提升"]


def test_a_claim_said_twice_is_one_point():
    assert claims("用滑动平均。用 滑动平均。训练时算当前批。再乘以系数。") == [
        "用 滑动平均",
        "训练时算当前批",
        "再乘以系数",
    ]


def test_points_are_musts_of_equal_weight_with_ids_in_order():
    rubric = rubric_of_reference("说说？", "  第一点内容。第二点内容。第三点内容。 ")
    assert [(p.id, p.text, p.weight) for p in rubric.points] == [
        ("p1", "第一点内容", 3),
        ("p2", "第二点内容", 3),
        ("p3", "第三点内容", 3),
    ]
    assert rubric.answer == "第一点内容。第二点内容。第三点内容。"


@pytest.mark.parametrize("reference", ["", " \n\t", "……！？", "🙂", "- \n* \n1. "])
def test_a_reference_without_a_claim_is_refused(reference):
    with pytest.raises(FileRefused) as refused:
        rubric_of_reference("说说？", reference)
    assert refused.value.say("zh") == "参考答案是空的，没有可以评分的要点。"


def test_a_book_is_cut_to_its_first_points():
    book = "".join(f"第{number}条完全不同的规则要记住。" for number in range(5000))
    assert len(claims(book)) == MAX_POINTS
    assert len(claims("很长" * 30_000)[0]) == 400


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=400))
def test_any_text_is_points_or_a_refusal(reference):
    try:
        rubric = rubric_of_reference("说说？", reference)
    except FileRefused:
        return
    assert 1 <= len(rubric.points) <= MAX_POINTS
    assert len({p.id for p in rubric.points}) == len(rubric.points)
