"""The interviewer: what it does next on hand-made grades, and that nothing it says gives a point away."""

from __future__ import annotations

import pytest
from builders import (
    CONTRADICTED,
    MET,
    MISSING,
    PARTIAL,
    ScriptedLlm,
    grade,
    interview,
    judged,
    key_point,
    question,
    read_replies,
    small_bank,
    turn,
)

from interviewer import agent
from interviewer.agent import AskFollowUp, AskProbe, AskQuestion, Interviewer, WrapUp
from interviewer.bank import Bank, FollowUp, Question, Topic
from interviewer.check import leaks
from interviewer.errors import LlmTimedOut, NotFound
from interviewer.records import Rubric, Skipped, Ungraded, Verdict
from interviewer.words import LANGUAGES, say

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


def move_after(main, *later, follow_ups=2, questions=BOTH):
    turns = [turn(1, ONE.id, main, reply="回答" if isinstance(main, Ungraded) else None)]
    turns += [turn(n, ONE.id, outcome, **what) for n, (outcome, what) in enumerate(later, start=2)]
    return agent.next_move(interview(*turns, questions=questions, follow_ups=follow_ups), BANK)


FULL = grade(judged(MET))


class TestPolicy:
    def test_a_contradicted_must_point_comes_before_a_missing_one_and_that_before_half_a_one(self):
        assert move_after(main_grade(a=CONTRADICTED, b=MISSING, c=PARTIAL)) == AskProbe("a")
        assert move_after(main_grade(a=PARTIAL, b=CONTRADICTED, c=MISSING)) == AskFollowUp(1, "b")
        assert move_after(main_grade(a=PARTIAL, c=MISSING)) == AskFollowUp(2, "c")
        assert move_after(main_grade(a=PARTIAL)) == AskProbe("a")

    def test_of_two_points_worth_the_same_the_one_with_an_authored_follow_up_is_asked_after(self):
        assert move_after(main_grade(a=MISSING, b=MISSING)) == AskFollowUp(1, "b")

    def test_the_next_target_is_the_next_worst_never_the_same_one_twice(self):
        main = main_grade(a=MISSING, b=CONTRADICTED, c=MISSING)
        asked_b = (grade(judged(MISSING)), {"follow_up": 1})
        asked_c = (FULL, {"follow_up": 2})
        asked_a = (FULL, {"point": "a"})
        assert move_after(main, follow_ups=5) == AskFollowUp(1, "b")
        assert move_after(main, asked_b, follow_ups=5) == AskFollowUp(2, "c")
        assert move_after(main, asked_b, asked_c, follow_ups=5) == AskProbe("a")
        assert move_after(main, asked_b, asked_c, asked_a, follow_ups=5) == AskQuestion(TWO.id)

    def test_a_second_authored_follow_up_after_the_same_point_is_not_asked(self):
        twice = FollowUp(ask="乙再问一次？", when="b", answer="答", points=INNER)
        bank = small_bank(ONE.model_copy(update={"follow_ups": (*ONE.follow_ups, twice)}), TWO)
        turns = (turn(1, ONE.id, main_grade(b=MISSING)), turn(2, ONE.id, FULL, follow_up=1))
        assert agent.next_move(interview(*turns, questions=BOTH), bank) == AskQuestion(TWO.id)

    def test_a_deeper_question_only_when_every_must_point_is_met(self):
        assert move_after(main_grade(s=MISSING)) == AskFollowUp(0, "deeper")
        assert move_after(main_grade(s=MISSING), (FULL, {"follow_up": 0})) == AskQuestion(TWO.id)
        assert move_after(main_grade(a=PARTIAL), (FULL, {"point": "a"})) == AskQuestion(TWO.id)

    def test_two_deeper_questions_are_both_asked_in_their_order(self):
        second = FollowUp(ask="再深一层？", when="deeper", answer="答", points=INNER)
        bank = small_bank(ONE.model_copy(update={"follow_ups": (*ONE.follow_ups, second)}), TWO)
        turns = (turn(1, ONE.id, main_grade()), turn(2, ONE.id, FULL, follow_up=0))
        assert agent.next_move(interview(*turns, questions=BOTH), bank) == AskFollowUp(3, "deeper")

    def test_the_planned_depth_is_respected(self):
        main = main_grade(a=CONTRADICTED, b=MISSING, c=MISSING)
        assert move_after(main, follow_ups=0) == AskQuestion(TWO.id)
        assert move_after(main, (FULL, {"point": "a"}), follow_ups=1) == AskQuestion(TWO.id)
        assert move_after(main, (FULL, {"point": "a"}), follow_ups=2) == AskFollowUp(1, "b")

    def test_after_a_reply_that_met_nothing_there_is_one_follow_up(self):
        nothing = main_grade(MISSING, CONTRADICTED, MISSING, MISSING)
        assert nothing.score.value == 0
        assert move_after(nothing, follow_ups=5) == AskFollowUp(1, "b")
        assert move_after(nothing, (FULL, {"follow_up": 1}), follow_ups=5) == AskQuestion(TWO.id)

    def test_a_should_point_alone_is_not_asked_after(self):
        alone = question("alone", points=POINTS)
        said = interview(turn(1, alone.id, main_grade(s=MISSING)), questions=(alone.id,))
        assert agent.next_move(said, small_bank(alone)) == WrapUp()

    @pytest.mark.parametrize("outcome", [Skipped(), Ungraded(reason="没有评分器")])
    def test_a_skipped_or_ungraded_turn_leads_to_the_next_question(self, outcome):
        assert move_after(outcome) == AskQuestion(TWO.id)
        assert move_after(main_grade(a=MISSING), (outcome, {"point": "a"}), follow_ups=5) == AskQuestion(TWO.id)

    def test_after_the_last_question_the_interview_is_wrapped_up(self):
        assert move_after(main_grade(), questions=(ONE.id,), follow_ups=0) == WrapUp()

    def test_what_has_left_the_bank_since_is_passed_over(self):
        main = main_grade(b=MISSING)
        assert move_after(main_grade(), questions=(ONE.id, "first/gone", TWO.id), follow_ups=0) == AskQuestion(TWO.id)
        edited = small_bank(ONE.model_copy(update={"points": POINTS[:1], "follow_ups": ()}), TWO)
        turns = (turn(1, ONE.id, main), turn(2, ONE.id, FULL, follow_up=2))
        assert agent.next_move(interview(*turns, questions=BOTH, follow_ups=5), edited) == AskQuestion(TWO.id)
        assert agent.next_move(interview(turn(1, ONE.id, main), questions=BOTH), small_bank(TWO)) == AskQuestion(TWO.id)


class TestRubric:
    def test_each_kind_of_turn_is_graded_against_its_own_points(self):
        assert agent.rubric(turn(1, ONE.id), BANK) == Rubric.of_question(ONE)
        assert agent.rubric(turn(2, ONE.id, follow_up=1), BANK).points == INNER
        assert [p.id for p in agent.rubric(turn(2, ONE.id, point="b"), BANK).points] == ["b"]

    @pytest.mark.parametrize("what", [{"follow_up": 9}, {"point": "gone"}])
    def test_a_follow_up_or_point_that_has_left_the_bank_is_not_found(self, what):
        with pytest.raises(NotFound):
            agent.rubric(turn(2, ONE.id, **what), BANK)


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
        return agent.plan(self.bank(), topics, count, 2, "zh", seed)

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


def spoken(interviewer, current, move):
    """Return everything that is said, and why the authored words stood in."""
    pieces, words = [], interviewer.words(current, move)
    while True:
        try:
            pieces.append(next(words))
        except StopIteration as stop:
            return "".join(pieces), stop.value


STANDING = interview(turn(1, ONE.id, main_grade(a=PARTIAL, b=MISSING), reply="甲大概是均值"), questions=BOTH)
FOLLOW = AskFollowUp(1, "b")
AUTHORED = say("zh", "agent.follow_up", ask="乙怎么办？")
UNUSABLE = say("zh", "agent.unusable_words")


class TestWords:
    def test_without_a_model_the_authored_words_are_said_and_nothing_stood_in(self):
        assert spoken(Interviewer(BANK), STANDING, FOLLOW) == (AUTHORED, "")

    def test_questions_are_counted_and_never_worded_by_the_model(self):
        interviewer = Interviewer(BANK, ScriptedLlm())
        said, fallback = spoken(interviewer, STANDING, AskQuestion(TWO.id))
        assert "第 2 题（共 2 题）" in said and TWO.question in said and fallback == ""
        assert spoken(interviewer, STANDING, WrapUp()) == (say("zh", "agent.wrap_up"), "")

    def test_the_model_s_words_come_in_whole_sentences(self):
        llm = ScriptedLlm(["你提", "到了均值。那", "乙", "怎么办？"])
        words = list(Interviewer(BANK, llm).words(STANDING, FOLLOW))
        assert words == ["你提到了均值。", "那乙怎么办？"]

    def test_the_model_is_shown_the_question_and_the_fenced_reply_and_no_point(self):
        llm = ScriptedLlm(["那乙怎么办？"])
        spoken(Interviewer(BANK, llm), STANDING, FOLLOW)
        (prompt,) = llm.prompts
        whole = prompt.system + prompt.user
        assert "乙怎么办？" in whole and "<<<" in prompt.user and "甲大概是均值" in whole
        assert not [p.text for p in (*POINTS, *INNER) if leaks(whole, p.text)]

    def test_a_leak_in_the_second_sentence_never_leaves_and_the_authored_words_follow(self):
        llm = ScriptedLlm(["好的。其实", "第二个要点说的", "是方差。你怎么看？"])
        said, fallback = spoken(Interviewer(BANK, llm), STANDING, FOLLOW)
        assert said == f"好的。\n{AUTHORED}"
        assert fallback == UNUSABLE

    def test_a_leak_spread_over_two_sentences_is_seen(self):
        said, fallback = spoken(Interviewer(BANK, ScriptedLlm(["第二个要点。说的是方差？"])), STANDING, FOLLOW)
        assert (said, fallback) == (f"第二个要点。\n{AUTHORED}", UNUSABLE)

    def test_the_follow_up_s_own_points_are_secret_even_when_a_met_point_has_the_same_id(self):
        own = (key_point("a", "追问自己的要点内容"),)
        bank = small_bank(
            ONE.model_copy(update={"follow_ups": (FollowUp(ask="乙？", when="b", answer="答", points=own),)})
        )
        standing = interview(turn(1, ONE.id, main_grade(b=MISSING)))
        said, _ = spoken(Interviewer(bank, ScriptedLlm(["追问自己的要点内容。"])), standing, AskFollowUp(0, "b"))
        assert not leaks(said, own[0].text)

    def test_what_the_candidate_has_met_is_no_secret(self):
        standing = interview(turn(1, ONE.id, main_grade(b=MISSING)), questions=BOTH)
        told = ["你说第一个要点说的是均值，那乙怎么办？"]
        assert spoken(Interviewer(BANK, ScriptedLlm(told)), standing, FOLLOW) == (told[0], "")

    @pytest.mark.parametrize("pieces", [[], [""], [" \n"], ["……"], ["🙂"]])
    def test_empty_words_give_way_to_the_authored_ones(self, pieces):
        said, fallback = spoken(Interviewer(BANK, ScriptedLlm(pieces)), STANDING, FOLLOW)
        assert said.endswith(AUTHORED)
        assert fallback == UNUSABLE

    def test_a_speech_gives_way_to_the_authored_words(self):
        said, fallback = spoken(Interviewer(BANK, ScriptedLlm(["继续说。"] * 200)), STANDING, FOLLOW)
        assert said.endswith(AUTHORED) and len(said) < agent.MAX_WORDS + 50
        assert fallback == UNUSABLE

    def test_a_model_that_fails_mid_stream_gives_way_with_the_reason(self):
        gone = LlmTimedOut(url="u", detail="", seconds="60")
        said, fallback = spoken(Interviewer(BANK, ScriptedLlm(["好的。那乙", gone])), STANDING, FOLLOW)
        assert (said, fallback) == (f"好的。\n{AUTHORED}", gone.say("zh"))
        assert spoken(Interviewer(BANK, ScriptedLlm([gone])), STANDING, FOLLOW) == (AUTHORED, gone.say("zh"))

    def test_a_probe_says_what_the_candidate_said_and_not_what_he_missed(self):
        said, _ = spoken(Interviewer(BANK), STANDING, AskProbe("a"))
        assert "候选人的原话" in said
        missed, _ = spoken(Interviewer(BANK), STANDING, AskProbe("b"))
        assert "候选人" not in missed and "方差" not in missed

    def test_the_language_of_the_interview_is_spoken(self):
        english = interview(turn(1, ONE.id, main_grade(b=MISSING)), questions=BOTH, language="en")
        assert spoken(Interviewer(BANK), english, FOLLOW)[0].startswith("A follow-up:")
        llm = ScriptedLlm(["And what of b?"])
        spoken(Interviewer(BANK, llm), english, FOLLOW)
        assert "English" in llm.prompts[0].system


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
            given.append(agent.hint(standing.model_copy(update={"hints": tuple(given)}), bank, "zh"))
        assert given == [say("zh", "agent.hint", word=word) for word in ("均值", "标准差", "标准差", "标准差")]

    def test_without_a_term_to_name_the_hint_is_a_general_one(self):
        assert agent.hint(turn(1, TWO.id), BANK, "en") == say("en", "agent.hint_general", count=1)


def of_bank(question_, follow_ups=5):
    """Return every follow-up and probe of a question, with an interview in which each of its verdicts could stand."""
    for verdict in (MISSING, PARTIAL, CONTRADICTED):
        quote = "" if verdict is MISSING else "我记得大概是这样"
        made = grade(*(judged(verdict, p.weight, p.id, p.text, quote) for p in question_.points))
        standing = interview(turn(1, question_.id, made, reply="回答"), follow_ups=follow_ups)
        yield from ((standing, AskProbe(p.id)) for p in question_.points)
        yield from ((standing, AskFollowUp(n, f.when)) for n, f in enumerate(question_.follow_ups))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_follow_up_probe_or_hint_of_the_whole_bank_gives_a_point_away(bank, language):
    leaked = []
    for asked in bank:
        for standing, move in of_bank(asked):
            standing = standing.model_copy(update={"plan": standing.plan.model_copy(update={"language": language})})
            said, _ = spoken(Interviewer(bank), standing, move)
            own = asked.follow_ups[move.number].points if isinstance(move, AskFollowUp) else ()
            what = {"follow_up": move.number} if isinstance(move, AskFollowUp) else {"point": move.point}
            waiting = turn(2, asked.id, said=said, **what)
            for _ in range(6):
                waiting = waiting.model_copy(update={"hints": (*waiting.hints, agent.hint(waiting, bank, language))})
            told = (said, *waiting.hints)
            leaked += [(asked.id, p.text, t) for p in (*asked.points, *own) for t in told if leaks(t, p.text)]
    assert leaked == []


def test_a_model_that_recites_every_point_of_the_bank_is_never_heard(bank):
    leaked = []
    for asked in bank:
        for standing, move in of_bank(asked):
            own = asked.follow_ups[move.number].points if isinstance(move, AskFollowUp) else ()
            for point in (*asked.points, *own):
                llm = ScriptedLlm(["嗯，我明白了。", "提示一下：" + point.text, "。请继续。"])
                said, fallback = spoken(Interviewer(bank, llm), standing, move)
                leaked += [(asked.id, point.text)] * (leaks(said, point.text) or not fallback)
    assert leaked == []


def test_quotes_of_real_replies_in_a_probe_are_cut_and_are_the_candidate_s(bank):
    for row in read_replies():
        asked = bank.find(row["question"])
        quote = row["reply"][:120]
        made = grade(*(judged(CONTRADICTED, p.weight, p.id, p.text, quote) for p in asked.points))
        said, _ = spoken(Interviewer(bank), interview(turn(1, asked.id, made)), AskProbe(asked.points[0].id))
        assert quote[:40] in said and (len(quote) <= 40 or quote[:41] not in said)


def test_every_verdict_has_an_urgency():
    for verdict in set(Verdict) - {MET}:
        assert move_after(main_grade(a=verdict)) == AskProbe("a")
