"""The store, on a real SQLite file: nothing lost, nothing written twice, every fault a sentence."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from builders import CONTRADICTED, MET, NOON, grade, interview, judged, turn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interviewer.errors import DataFolderError, NotFound
from interviewer.records import Aside, FoundMisconception, Skipped, Ungraded
from interviewer.store import Store
from interviewer.words import LANGUAGES

FOUND = FoundMisconception(claim="错", correction="对", point="p", quote="原话")
GRADE = grade(judged(CONTRADICTED, quote="原话"), misconceptions=(FOUND,), model="m", seconds=1.25)
OPEN = interview(turn(1, "first/one"), questions=("first/one", "first/two"))


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'folder' / 'interviews.db'}"


@pytest.fixture
def store(url):
    opened = Store(url)
    opened.create(OPEN)
    yield opened
    opened.close()


def last(store):
    return store.load("test").last


def test_what_was_stored_is_there_after_reopening(store, url):
    asides = (Aside(said="想想均值", point="p", rung=1), Aside(text="🙂", intent="small_talk", said="不急。"))
    assert store.save_asides("test", turn(1, "first/one", asides=asides), before=last(store))
    assert store.save_reply("test", 1, "我的回答")
    assert store.save_outcome("test", 1, GRADE)
    assert store.add_turn("test", turn(2, "first/one", point="p", said="再说说？", fallback="没有应答"))
    store.end("test", NOON + timedelta(hours=1))
    before = store.load("test")
    store.close()
    again = Store(url)
    after = again.load("test")
    again.close()
    assert after == before
    assert after == interview(
        turn(1, "first/one", GRADE, "我的回答", asides=asides),
        turn(2, "first/one", point="p", said="再说说？", fallback="没有应答"),
        questions=("first/one", "first/two"),
    ).model_copy(update={"ended": NOON + timedelta(hours=1)})


def test_of_two_asides_that_race_the_second_is_refused(store):
    before = last(store)
    first, second = (before.model_copy(update={"asides": (Aside(text=text),)}) for text in ("甲", "乙"))
    assert store.save_asides("test", first, before) and not store.save_asides("test", second, before)
    assert last(store) == first


def test_an_aside_that_turns_out_to_be_the_reply_moves_there(store):
    waiting = last(store).model_copy(
        update={"asides": (Aside(said="提示", rung=1), Aside(text="我更正", intent="unsure"))}
    )
    assert store.save_asides("test", waiting, last(store))
    assert store.save_reply("test", 1, "我更正", "correction", waiting.asides[:-1])
    assert (last(store).reply, last(store).intent, len(last(store).asides)) == ("我更正", "correction", 1)


def test_a_database_of_the_first_version_is_read_and_written(url):
    path = url.removeprefix("sqlite:///")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as old:
        old.executescript(
            """
            CREATE TABLE interviews (id VARCHAR(64) PRIMARY KEY, plan TEXT NOT NULL, started VARCHAR(40) NOT NULL,
                                     ended VARCHAR(40));
            CREATE TABLE turns (interview VARCHAR(64), number INTEGER, question VARCHAR(200) NOT NULL,
                                follow_up INTEGER, point VARCHAR(200) NOT NULL, said TEXT NOT NULL,
                                fallback TEXT NOT NULL, hints TEXT NOT NULL, reply TEXT, outcome TEXT,
                                PRIMARY KEY (interview, number));
            INSERT INTO interviews VALUES ('old', '{"questions": ["first/one"], "seed": 1}',
                                           '2026-11-23T12:00:00+00:00', NULL);
            INSERT INTO turns VALUES ('old', 1, 'first/one', NULL, '', '请讲。', '', '["想想均值"]', NULL, NULL);
            """
        )
    for _ in range(2):  # the second opening finds the columns there
        opened = Store(url)
        turn_ = opened.load("old").last
        assert [h.said for h in turn_.hints] == ["想想均值"] and turn_.intent == "answer" and turn_.form == ""
        opened.close()
    opened = Store(url)
    assert opened.save_reply("old", 1, "均值", "give_up") and opened.load("old").last.intent == "give_up"
    opened.close()


def test_an_open_turn_takes_one_reply_or_one_skip(store):
    assert store.save_reply("test", 1, "第一个")
    assert not store.save_reply("test", 1, "第二个")
    assert not store.save_skip("test", 1, Skipped())
    assert last(store).reply == "第一个" and last(store).outcome is None


def test_a_skipped_turn_takes_neither_reply_nor_grade(store):
    assert store.save_skip("test", 1, Skipped())
    assert not store.save_reply("test", 1, "晚了")
    assert not store.save_skip("test", 1, Skipped())
    assert not store.save_outcome("test", 1, GRADE)
    assert last(store).outcome == Skipped() and last(store).reply is None


def test_the_first_outcome_stays_unless_the_writer_names_the_one_that_it_replaces(store):
    store.save_reply("test", 1, "回答")
    failed = Ungraded(reason="没有应答")
    assert store.save_outcome("test", 1, failed)
    assert not store.save_outcome("test", 1, GRADE)
    assert store.save_outcome("test", 1, GRADE, failed)
    assert not store.save_outcome("test", 1, failed, failed)
    assert last(store).outcome == GRADE


def test_a_turn_number_is_given_once(store):
    assert store.add_turn("test", turn(2, "first/two", said="先到"))
    assert not store.add_turn("test", turn(2, "first/two", said="后到"))
    assert last(store).said == "先到"


def test_of_two_writers_who_race_exactly_one_wins(store, url):
    stores = [Store(url) for _ in range(4)]
    start = threading.Barrier(len(stores))
    won = []

    def write(number, own):
        start.wait()
        if own.save_reply("test", 1, f"回答{number}"):
            won.append(f"回答{number}")

    threads = [threading.Thread(target=write, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in stores:
        own.close()
    assert won == [last(store).reply]


def test_many_processes_may_open_a_new_file_at_once(url):
    code = "import sys; from interviewer.store import Store; sys.stdin.read(1); Store(sys.argv[1]).check(); print('ok')"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen([sys.executable, "-c", code, url], **pipes) for _ in range(4)]
    said = []
    for process in running:
        process.stdin.write(b"x")
        process.stdin.flush()
    for process in running:
        said.append(process.communicate(timeout=60))
    assert said == [(b"ok\n", b"")] * 4


def test_a_reply_survives_kill_9_right_after_it_was_taken(store, url):
    code = """
        import sys, time
        from interviewer.store import Store
        assert Store(sys.argv[1]).save_reply("test", 1, "写到一半就断电的回答")
        print("stored", flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), url], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"stored\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert last(store).reply == "写到一半就断电的回答"
    assert store.add_turn("test", turn(2, "first/two"))


def test_sqlite_writes_ahead_and_waits_for_the_disk(store, url):
    with store._transaction() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


@pytest.mark.parametrize("wanted", ["nope", "", "' OR 1=1 --", "\ud800", "a\0b", "x" * 100_000])
def test_an_unknown_interview_is_not_found_and_said_in_a_short_sentence(store, wanted):
    with pytest.raises(NotFound) as missing:
        store.load(wanted)
    assert all(len(missing.value.say(language).encode()) < 400 for language in LANGUAGES)


def test_writing_to_an_interview_that_is_not_there_writes_nothing(store):
    assert not store.save_reply("nope", 1, "回答")
    assert not store.save_reply("test", 9, "回答")
    assert not store.add_turn("nope", turn(1, "first/one"))


def test_the_first_end_stays(store):
    store.end("test", NOON)
    store.end("test", NOON + timedelta(days=1))
    assert store.load("test").ended == NOON


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(_TEXTS, st.sampled_from(["🏳️‍🌈🙂", "\x01\x07\x1b[31m", "'; DROP TABLE turns; --", "%s $name {0}"]))
)
def test_any_text_comes_back_as_it_was(store, text):
    number = last(store).number + 1
    assert store.add_turn("test", turn(number, "first/one", said=text, hints=(text,)))
    assert store.save_reply("test", number, text)
    assert store.save_outcome("test", number, grade(judged(MET, quote=text), feedback=text))
    stored = last(store)
    assert (stored.said, stored.hints[0].said, stored.reply, stored.outcome.feedback) == (text, text, text, text)


def faulty(make):
    with pytest.raises(DataFolderError) as fault:
        make()
    assert all(fault.value.say(language) for language in LANGUAGES)
    return fault.value.say("en")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "Could not parse"),
        ("interviews.db", "Could not parse"),
        ("nosuch://host/db", "nosuch"),
        ("postgresql://user:secret@host:port/db", "port"),
        ("nosuch://user:secret@host/db", "nosuch"),
        ("://user:secret@host", "Could not parse"),
    ],
)
def test_a_bad_url_is_a_sentence_without_the_password(url, reason):
    said = faulty(lambda: Store(url))
    assert reason in said and "INTERVIEWER_DATABASE_URL" in said and "secret" not in said


def test_a_folder_where_the_file_should_be_is_a_sentence(tmp_path):
    (tmp_path / "interviews.db").mkdir()
    assert "unable to open" in faulty(lambda: Store(f"sqlite:///{tmp_path / 'interviews.db'}"))


def test_a_file_where_the_folder_should_be_is_a_sentence_with_its_path(tmp_path):
    (tmp_path / "folder").write_text("", encoding="utf-8")
    assert str(tmp_path / "folder") in faulty(lambda: Store(f"sqlite:///{tmp_path / 'folder' / 'interviews.db'}"))


def test_a_file_that_is_no_database_is_a_sentence_and_is_left_as_it_is(tmp_path):
    path = tmp_path / "interviews.db"
    path.write_bytes(b"this is no database " * 100)
    assert "not a database" in faulty(lambda: Store(f"sqlite:///{path}"))
    assert path.read_bytes() == b"this is no database " * 100


def test_a_table_of_another_program_is_a_sentence(tmp_path):
    path = tmp_path / "interviews.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE interviews (x)")
    other.close()
    assert "no such column" in faulty(lambda: Store(f"sqlite:///{path}").load("test"))


def test_a_database_that_was_made_read_only_is_a_sentence(store):
    with store._transaction() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.commit()
    assert "readonly" in faulty(lambda: store.save_reply("test", 1, "回答"))
    assert "readonly" in faulty(store.check)
