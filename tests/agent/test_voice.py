"""What the interviewer says, and that nothing it says gives a point away."""

from __future__ import annotations

import re

import pytest
from builders import (
    CONTRADICTED,
    MISSING,
    PARTIAL,
    ScriptedLlm,
    grade,
    interview,
    judged,
    key_point,
    read_replies,
    small_bank,
    turn,
)
from cases import BANK, BOTH, INNER, ONE, POINTS, TWO, main_grade, spoken

from interviewer.agent.hints import next_hint
from interviewer.agent.moves import AskFollowUp, AskProbe, AskQuestion
from interviewer.agent.voice import MAX_WORDS, Interviewer, acknowledged
from interviewer.bank import FollowUp
from interviewer.check import leaks
from interviewer.errors import LlmTimedOut
from interviewer.words import LANGUAGES, say

HAN = re.compile(r"[\u4e00-\u9fff]")
STANDING = interview(turn(1, ONE.id, main_grade(a=PARTIAL, b=MISSING), reply="甲大概是均值"), questions=BOTH)
FOLLOW = AskFollowUp(1, "b")
# What is said without a model: how the reply is taken, then the authored question in one of the frames.
TAKEN_AND_ASKED, _ = spoken(Interviewer(BANK), STANDING, FOLLOW)
AUTHORED = TAKEN_AND_ASKED[len(acknowledged(STANDING, BANK)) :]
UNUSABLE = say("zh", "agent.unusable_words")


class TestWords:
    def test_without_a_model_the_authored_words_are_said_and_nothing_stood_in(self):
        assert spoken(Interviewer(BANK), STANDING, FOLLOW) == (TAKEN_AND_ASKED, "")
        assert AUTHORED.endswith("乙怎么办？") and len(AUTHORED) > len("乙怎么办？")

    def test_questions_are_counted_and_never_worded_by_the_model(self):
        interviewer = Interviewer(BANK, ScriptedLlm())
        said, fallback = spoken(interviewer, STANDING, AskQuestion(TWO.id))
        assert "第 2 题（共 2 题）" in said and TWO.question in said and fallback == ""

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
        assert said.endswith(AUTHORED) and len(said) < MAX_WORDS + 50
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
        assert not HAN.search(spoken(Interviewer(BANK), english, FOLLOW)[0].replace("乙怎么办？", ""))
        llm = ScriptedLlm(["And what of b?"])
        spoken(Interviewer(BANK, llm), english, FOLLOW)
        assert "English" in llm.prompts[0].system


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
            current = standing.model_copy(update={"turns": (*standing.turns, waiting)})
            while found := next_hint(current, bank):
                waiting = waiting.model_copy(update={"asides": (*waiting.asides, found)})
                current = standing.model_copy(update={"turns": (*standing.turns, waiting)})
            again = Interviewer(bank).reworded(current)
            told = (said, again, *(hint.said for hint in waiting.hints))
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
