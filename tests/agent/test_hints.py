"""Hints, one by one, from the weightiest point on."""

from __future__ import annotations

from builders import key_point, question, small_bank, turn
from cases import BANK, TWO

from interviewer.agent import hints
from interviewer.words import say


class TestHints:
    HINTED = question(
        points=(
            key_point("a", "先减均值", terms=(("均值",), ("中心",))),
            key_point("b", "再除标准差", terms=(("是怎么回事",), ("标准差",)), weight=2),
            key_point("c", "没有术语", weight=1),
        )
    )

    def test_hints_come_one_by_one_from_the_weightiest_point_and_the_last_one_stays(self):
        bank, standing = small_bank(self.HINTED), turn(1, self.HINTED.id)
        given = []
        for _ in range(4):
            given.append(hints.hint(standing.model_copy(update={"hints": tuple(given)}), bank, "zh"))
        assert given == [say("zh", "agent.hint", word=word) for word in ("均值", "标准差", "标准差", "标准差")]

    def test_without_a_term_to_name_the_hint_is_a_general_one(self):
        assert hints.hint(turn(1, TWO.id), BANK, "en") == say("en", "agent.hint_general", count=1)
