"""What the tests of the interviewer share: a bank of two questions, a grade by hand, and what is said as one text."""

from __future__ import annotations

from builders import MET, MISSING, grade, judged, key_point, question, small_bank

from interviewer.bank import FollowUp

INNER = (key_point("inner", "追问自己的要点内容"),)
POINTS = (
    key_point("a", "第一个要点说的是均值"),
    key_point("b", "第二个要点说的是方差"),
    key_point("c", "第三个要点说的是缩放"),
    key_point("s", "第四个要点说的是平移", weight=2),
)
ONE = question(
    points=POINTS,
    follow_ups=(
        FollowUp(ask="先问更深的？", when="deeper", answer="答", points=INNER),
        FollowUp(ask="乙怎么办？", when="b", answer="答", points=INNER),
        FollowUp(ask="丙怎么办？", when="c", answer="答", points=INNER),
    ),
)
TWO = question("two")
BANK = small_bank(ONE, TWO)
BOTH = (ONE.id, TWO.id)


def main_grade(a=MET, b=MET, c=MET, s=MET):
    quote = "候选人的原话"
    given = zip("abcs", (a, b, c, s), (3, 3, 3, 2), strict=True)
    return grade(*(judged(v, w, p, f"要点{p}", "" if v is MISSING else quote) for p, v, w in given))


def spoken(interviewer, current, move):
    """Return everything that is said, and why the authored words stood in."""
    pieces, words = [], interviewer.words(current, move)
    while True:
        try:
            pieces.append(next(words))
        except StopIteration as stop:
            return "".join(pieces), stop.value
