"""What the tests of interviews share: two small questions, a grader that reads literally, the kinds of events."""

from __future__ import annotations

from builders import MET, judged, key_point, question, small_bank

from interviewer.bank import FollowUp
from interviewer.grading.base import Assessment, verified

A, B = "先减去这一批的均值", "再除以这一批的标准差"
FOLLOW_UP = FollowUp(ask="那标准差呢？", when="b", answer="答", points=(key_point("x", "分母里加一个小常数"),))
ONE = question("one", points=(key_point("a", A), key_point("b", B)), follow_ups=(FOLLOW_UP,))
TWO = question("two", points=(key_point("a", A),))
BANK = small_bank(ONE, TWO)


class Literal:
    """A grader to whom a point is met when the reply holds its text."""

    name = "offline"

    def assess(self, rubric, reply):
        said = [judged(MET, p.weight, p.id, p.text, p.text) for p in rubric.points if p.text in reply]
        return Assessment(points=verified(rubric, reply, said))


def kinds(events):
    """Return the kinds of events in order, pieces of speech as one."""
    names = [type(event).__name__ for event in events]
    return [name for n, name in enumerate(names) if name != "Said" or names[n - 1 : n] != ["Said"]]
