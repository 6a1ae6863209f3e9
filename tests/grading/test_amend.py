"""What is taken back: found in a reply, and merged into the verdicts of what was said before."""

from __future__ import annotations

import pytest
from builders import CONTRADICTED, MET, MISSING, PARTIAL, judged

from interviewer.grading.amend import amended, merged, parted
from interviewer.grading.base import Assessment
from interviewer.records import FoundMisconception


@pytest.mark.parametrize(
    "reply",
    [
        "测试时用当前批的统计量，不对，说错了，应该用滑动平均",
        "梯度会消失。哦不，是会爆炸，因为权重大于一",
        "召回率是分母。我更正一下，分母是真正例加假负例",
        "It uses batch statistics. Let me correct that, it uses running averages.",
    ],
)
def test_a_reply_is_parted_where_it_takes_something_back(reply):
    before, after = parted(reply)
    assert before and after and before + after in reply.replace(" ", "") or before in reply


@pytest.mark.parametrize(
    "reply", ["不对称的卷积核能降低计算量", "这样说不对", "训练和测试不一样", "更正", "L1 和 L2 的区别在于稀疏"]
)
def test_what_takes_nothing_back_stays_whole(reply):
    assert parted(reply) is None


def test_the_later_verdict_counts_where_it_speaks_of_the_point():
    before = [judged(CONTRADICTED, 3, "a"), judged(MET, 3, "b"), judged(MISSING, 3, "c"), judged(MET, 3, "d")]
    after = [judged(MET, 3, "a"), judged(MISSING, 3, "b"), judged(PARTIAL, 3, "c"), judged(PARTIAL, 3, "d")]
    assert [p.verdict for p in merged(before, after)] == [MET, MET, PARTIAL, MET]
    assert merged([judged(MET, 3, "a")], [judged(CONTRADICTED, 3, "a")])[0].verdict is CONTRADICTED


def test_a_misconception_goes_with_the_statement_that_held_it():
    held = FoundMisconception(claim="错", correction="对", point="a", quote="错")
    before = Assessment((judged(CONTRADICTED, 3, "a"),), (held,))
    assert amended(before, Assessment((judged(MET, 3, "a"),))).misconceptions == ()
    assert amended(before, Assessment((judged(MISSING, 3, "a"),))).misconceptions == (held,)
