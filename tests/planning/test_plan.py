"""Which questions an interview asks, and in which order."""

from __future__ import annotations

import pytest
from builders import question

from interviewer.bank import Bank, Question, Topic
from interviewer.errors import NotFound
from interviewer.planning.plan import plan
from interviewer.words import LANGUAGES

ONE = question()


class TestPlan:
    @staticmethod
    def bank():
        levels = {"x": (3, 1, 2, 1), "y": (2, 3), "z": (1,)}
        made = [
            Question(**{**ONE.model_dump(), "id": f"{t}/{n}", "topic": t, "level": level, "question": f"{t}{n}？"})
            for t, of_topic in levels.items()
            for n, level in enumerate(of_topic)
        ]
        return Bank([Topic(id=t, zh=t, en=t) for t in (*levels, "empty")], made)

    def plan(self, topics=(), count=3, seed=1):
        return plan(self.bank(), topics, count, 2, "zh", seed)

    def test_the_seed_decides_and_is_kept(self):
        assert self.plan(seed=5) == self.plan(seed=5)
        assert self.plan(seed=5).seed == 5
        assert len({self.plan(count=2, seed=seed).questions for seed in range(20)}) > 3

    def test_one_question_of_each_topic_comes_before_the_second_of_any(self):
        for seed in range(20):
            assert sorted(q[0] for q in self.plan(count=3, seed=seed).questions) == ["x", "y", "z"]
            assert sorted(q[0] for q in self.plan(count=5, seed=seed).questions) == ["x", "x", "y", "y", "z"]

    def test_questions_go_from_easy_to_hard(self):
        levels = [self.bank().get(q).level for q in self.plan(count=7).questions]
        assert levels == sorted(levels) and len(levels) == 7

    def test_only_chosen_topics_are_asked_and_no_more_than_there_are(self):
        made = self.plan(topics=["y", "z", "y"], count=50)
        assert sorted(made.questions) == ["y/0", "y/1", "z/0"]

    @pytest.mark.parametrize(
        ("topics", "count", "key"),
        [(["nope"], 1, "unknown_topic"), (["empty"], 1, "empty_topics"), ([], 0, "bad_count"), ([], 51, "bad_count")],
    )
    def test_what_cannot_be_planned_is_refused_with_a_sentence(self, topics, count, key):
        with pytest.raises(NotFound) as refused:
            self.plan(topics, count)
        assert refused.value.name == key
        assert all(refused.value.say(language) for language in LANGUAGES)
