from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from builders import key_point, question, small_bank
from chromadb.api.shared_system_client import SharedSystemClient
from encoders import CountingEncoder

from interviewer.bank import Bank
from interviewer.embeddings import Embeddings, search_texts
from interviewer.errors import DataFolderError, EncoderFault, IndexFault, NotFound
from interviewer.index import Index

DATABASE = "chroma.sqlite3"


def asked(number: int, point: str = ""):
    written = question(f"q{number}", points=(key_point("a", point or f"要点{number}"),))
    return written.model_copy(update={"answer": f"答案{number}"})


BANK = small_bank(*map(asked, range(5)))


@pytest.fixture
def encoder():
    return CountingEncoder()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "index"


@pytest.fixture
def opened(encoder, tmp_path, folder):
    """Open the index as a program that has just started does, without what the engine remembers in this process."""

    def open_(bank=BANK, wait_s=5.0):
        SharedSystemClient.clear_system_cache()
        return Index(bank, Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache"), folder, wait_s=wait_s)

    return open_


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Keep a home with an index of the bank and the vectors of its texts, to be copied."""
    home = tmp_path_factory.mktemp("whole")
    Index(BANK, Embeddings(CountingEncoder(), home / "shipped", home / "cache"), home / "data" / "index")
    return home


@pytest.fixture
def built(whole, tmp_path):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)


def assert_right(index, bank=BANK):
    """Every entry finds its own question, by a cosine of one, and the others are further away."""
    assert index.size == sum(len(search_texts(q)) for q in bank)
    for written in bank:
        for text in search_texts(written).values():
            first, second, *_ = sorted(index.nearest(text, 5), key=lambda hit: -hit.similarity)
            assert first.question_id == written.id
            assert first.similarity == pytest.approx(1, abs=2e-3)
            assert second.similarity < 0.99


def rewrite(path, change):
    """Change a file's bytes in place, as a fault of the disk does."""
    with path.open("r+b") as file:
        changed = change(bytearray(file.read()))
        file.seek(0)
        file.write(changed)
        file.truncate()


def sql(folder, *statements):
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        for statement in statements:
            assert database.execute(statement).rowcount


def segment(folder):
    return next(path for path in folder.iterdir() if path.is_dir())


# Finding


def test_a_question_of_the_real_bank_is_found_by_its_aliases(bank, embeddings, tmp_path):
    part = Bank(bank.topics, bank.of_topics(["norm_regularisation"]))
    index = Index(part, embeddings, tmp_path / "index")
    for written in list(part)[::12]:
        hits = index.nearest(written.aliases[0], 5)
        assert hits[0].question_id == written.id
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert len({hit.question_id for hit in hits}) == 5


def test_as_many_questions_are_found_as_were_asked_for_each_once(opened):
    index = opened()
    assert [len(index.nearest("要点3", k)) for k in (0, 1, 4, 6, 100)] == [0, 1, 4, 5, 5]
    hits = index.nearest("要点3", 6)
    assert {hit.question_id for hit in hits} == set(BANK.questions)


def test_a_question_with_very_many_wordings_does_not_crowd_out_the_others(encoder, tmp_path):
    wordy = asked(0).model_copy(update={"aliases": tuple(f"说法{n}" for n in range(60))})
    bank = small_bank(wordy, asked(1), asked(2))
    index = Index(bank, Embeddings(encoder, tmp_path / "shipped"), tmp_path / "index")
    assert len(index.nearest("说法7", 3)) == 3


def test_an_empty_bank_has_no_index(opened):
    with pytest.raises(NotFound, match="no questions yet"):
        opened(small_bank())


# Staying in line with the bank


def test_unchanged_text_is_never_embedded_again(opened, encoder):
    assert_right(opened())
    encoder.seen.clear()
    assert_right(opened())
    changed = small_bank(*map(asked, range(1, 5)), asked(0, "新的要点"), asked(7))
    assert_right(opened(changed), changed)
    assert sorted(encoder.seen) == sorted(["新的要点", *search_texts(asked(7)).values()])


def test_text_that_is_gone_is_found_no_more(opened):
    opened()
    fewer = small_bank(asked(0, "新的要点"), *map(asked, range(1, 4)))
    index = opened(fewer)
    assert_right(index, fewer)
    for text in ("要点0", "要点4"):
        assert index.nearest(text, 1)[0].similarity < 0.99
    assert {hit.question_id for hit in index.nearest("要点4", 100)} == set(fewer.questions)


def test_rebuilding_embeds_nothing_and_answers_the_same(opened, encoder):
    index = opened()
    encoder.seen.clear()
    index.rebuild()
    assert_right(index)
    assert encoder.seen == []


def test_two_encoders_never_share_a_space(tmp_path):
    one, two = CountingEncoder("one", dimension=16), CountingEncoder("two", dimension=16)
    three = CountingEncoder("three", dimension=8)
    for encoder in (one, two, three, one):
        assert_right(Index(BANK, Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache"), tmp_path / "index"))
    assert len(one.seen) == len(two.seen) == len(three.seen)


def test_an_open_index_gives_its_own_questions_after_another_synced_a_newer_bank(opened):
    old = opened()
    newer = small_bank(*map(asked, range(3, 9)))
    assert_right(opened(newer), newer)
    assert {hit.question_id for hit in old.nearest("要点8", 6)} <= set(BANK.questions)


def test_an_encoder_that_fails_says_so_and_costs_nothing(opened, encoder, folder):
    opened()
    before = sorted(path.name for path in folder.iterdir())
    encoder.passages = lambda texts: (_ for _ in ()).throw(EncoderFault("encoder_failed", encoder="x", reason="down"))
    with pytest.raises(EncoderFault, match="down"):
        opened(small_bank(asked(0), asked(9)))
    assert sorted(path.name for path in folder.iterdir()) == before


# A folder that cannot be trusted

DAMAGES = {
    "database of noise": lambda f: (f / DATABASE).write_bytes(random.Random(1).randbytes(200_000)),
    "database of text": lambda f: (f / DATABASE).write_text("sqlite", encoding="utf-8"),
    "empty database": lambda f: (f / DATABASE).write_bytes(b""),
    "half a database": lambda f: rewrite(f / DATABASE, lambda b: b[: len(b) // 2]),
    "database without its head": lambda f: rewrite(f / DATABASE, lambda b: b"\0" * 100 + b[100:]),
    "noise after the head": lambda f: rewrite(
        f / DATABASE, lambda b: b[:4096] + random.Random(2).randbytes(len(b) - 4096)
    ),
    "broken schema": lambda f: rewrite(f / DATABASE, lambda b: b.replace(b"CREATE TABLE", b"CREATE\xff\xfeABLE")),
    "broken names": lambda f: rewrite(
        f / DATABASE, lambda b: b.replace(b"bank-counting-v1", b"bank-c\xff\xfenting-v1")
    ),
    "no database": lambda f: (f / DATABASE).unlink(),
    "a folder as database": lambda f: ((f / DATABASE).unlink(), (f / DATABASE).mkdir()),
    "another database": lambda f: (
        (f / DATABASE).unlink(),
        sqlite3.connect(f / DATABASE).execute("CREATE TABLE t (x)").connection.close(),
    ),
    "lost rows": lambda f: sql(f, "DELETE FROM embeddings WHERE id % 2"),
    "lost vectors": lambda f: sql(f, "DELETE FROM embeddings_queue"),
    "swapped ids": lambda f: sql(f, "UPDATE embeddings_queue SET id = 'first/q0#answer' WHERE id = 'first/q1#answer'"),
    "foreign vectors": lambda f: sql(
        f, "UPDATE embeddings_queue SET vector = (SELECT max(vector) FROM embeddings_queue)"
    ),
    "lost collection": lambda f: sql(f, "DELETE FROM collections"),
    "flipped vector file": lambda f: rewrite(segment(f) / "data_level0.bin", lambda b: bytes(x ^ 255 for x in b)),
    "flipped header file": lambda f: rewrite(segment(f) / "header.bin", lambda b: bytes(x ^ 1 for x in b)),
    "cut vector files": lambda f: [path.write_bytes(b"") for path in segment(f).iterdir()],
    "no vector files": lambda f: shutil.rmtree(segment(f)),
    "renamed vector files": lambda f: segment(f).rename(f / "other"),
    "no seal": lambda f: (f / "seal.json").unlink(),
    "half a seal": lambda f: rewrite(f / "seal.json", lambda b: b[: len(b) // 2]),
    "a list as seal": lambda f: (f / "seal.json").write_text("[1]", encoding="utf-8"),
    "a deep seal": lambda f: (f / "seal.json").write_text("[" * 100_000, encoding="utf-8"),
    "a seal of noise": lambda f: (f / "seal.json").write_bytes(b"\xff\xfe\0"),
    "a folder as seal": lambda f: ((f / "seal.json").unlink(), (f / "seal.json").mkdir()),
    "a forged seal": lambda f: (rewrite(f / DATABASE, lambda b: b[:9999]), (f / "seal.json").write_text("{}", "utf-8")),
    "nothing": lambda f: shutil.rmtree(f),
    "an empty folder": lambda f: (shutil.rmtree(f), f.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_made_anew_without_embedding_anything(built, opened, encoder, folder, damage):
    DAMAGES[damage](folder)
    assert_right(opened())
    made = (folder / "seal.json").stat().st_mtime_ns
    assert_right(opened())
    assert (folder / "seal.json").stat().st_mtime_ns == made, "a sound folder is left as it is"
    assert encoder.seen == []


@pytest.mark.parametrize(
    "damage",
    ["database of noise", "half a database", "noise after the head", "no database", "no vector files", "nothing"],
)
def test_a_folder_damaged_beneath_an_open_index_does_no_harm(built, opened, folder, damage):
    index = opened()
    assert index.nearest("要点3", 1)[0].question_id == "first/q3"
    DAMAGES[damage](folder)
    try:
        assert_right(index)
    except (IndexFault, DataFolderError):
        pass
    assert_right(opened())


@pytest.mark.parametrize("seed", range(5))
def test_a_few_flipped_bytes_in_any_file_never_change_an_answer(built, opened, folder, seed):
    chance = random.Random(seed)
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size):
        if chance.random() < 0.5:
            at = [chance.randrange(path.stat().st_size) for _ in range(chance.choice((1, 20)))]
            rewrite(path, lambda b, at=at: bytes(chance.randrange(256) if n in at else x for n, x in enumerate(b)))
    assert_right(opened())


def test_a_process_that_was_killed_while_it_synced_leaves_nothing_wrong(opened, folder, tmp_path):
    program = OPENS.format(tests=str(Path(__file__).parent), home=str(tmp_path))
    killed = start(program.replace("for _", "Index._seal = lambda self: os.kill(os.getpid(), signal.SIGKILL)\nfor _"))
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert (folder / DATABASE).exists() and not (folder / "seal.json").exists()
    assert_right(opened())


# A folder that is not ours to write


def test_a_file_in_place_of_the_folder_is_a_fault_and_is_left_alone(opened, folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("precious", encoding="utf-8")
    with pytest.raises(DataFolderError, match="INTERVIEWER_DATA_DIR"):
        opened()
    assert folder.read_text(encoding="utf-8") == "precious"


def test_a_file_in_place_of_the_data_folder_is_a_fault(opened, folder):
    folder.parent.write_text("precious", encoding="utf-8")
    with pytest.raises(DataFolderError, match="INTERVIEWER_DATA_DIR"):
        opened()


def test_a_folder_replaced_by_a_file_beneath_an_open_index_is_no_traceback(opened, folder):
    index = opened()
    shutil.rmtree(folder)
    folder.write_text("precious", encoding="utf-8")
    try:
        assert_right(index)
    except DataFolderError:
        pass
    with pytest.raises(DataFolderError):
        opened()


# Other processes

OPENS = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_index import *
home = Path({home!r})
sys.stdin.read()
for _ in range(2):
    index = Index(BANK, Embeddings(CountingEncoder(), home / "shipped", home / "cache"), home / "data" / "index")
    assert_right(index)
"""
HOLDS = """
import sqlite3, sys
from filelock import FileLock
held = {what}
print("held", flush=True)
sys.stdin.read()
"""


def start(program):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", program], text=True, **pipes)


def opening(home):
    return start(OPENS.format(tests=str(Path(__file__).parent), home=str(home)))


@contextmanager
def holding(what):
    """Let another process hold a lock."""
    other = start(HOLDS.format(what=what))
    try:
        assert other.stdout.readline() == "held\n", other.communicate()[1]
        yield
    finally:
        other.communicate()


def assert_locked(work):
    began = time.monotonic()
    with pytest.raises(IndexFault, match="in use by another process") as caught:
        work()
    assert caught.value.name == "index_locked"
    assert time.monotonic() - began < 5


def test_a_database_locked_by_another_process_is_a_clear_fault_and_soon_told(opened, folder):
    index = opened(wait_s=0.2)
    connect = f"sqlite3.connect(r'{folder / DATABASE}', isolation_level=None)"
    with holding(f"{connect}.execute('BEGIN EXCLUSIVE')"):
        assert_locked(lambda: opened(wait_s=0.2))
        assert_locked(lambda: opened(small_bank(asked(0), asked(9)), wait_s=0.2))
        assert_locked(lambda: index.nearest("要点3", 1))
    assert_right(index)
    with holding(f"{connect}.execute('SELECT * FROM embeddings a, embeddings b')"):
        assert_locked(lambda: opened(small_bank(asked(0), asked(9)), wait_s=0.2))
    assert_right(opened())


def test_while_another_process_syncs_what_is_in_line_is_used_and_the_rest_waits(opened, folder):
    opened()
    with holding(f"FileLock(r'{folder}.lock').acquire()"):
        assert_right(opened(wait_s=0.2))
        assert_locked(lambda: opened(small_bank(asked(0), asked(9)), wait_s=0.2))
        assert_locked(opened(wait_s=0.2).rebuild)
    assert_right(opened())


def test_two_processes_may_open_a_fresh_folder_at_once(opened, tmp_path):
    both = [opening(tmp_path) for _ in range(2)]
    for process in both:
        process.stdin.close()
        process.stdin = None
    for process in both:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert_right(opened())


def test_one_process_may_open_it_twice(opened, encoder):
    one, two = opened(), opened()
    assert_right(one)
    one.rebuild()
    assert_right(two)
    two.rebuild()
    assert_right(one)
    assert len(encoder.seen) == one.size


def test_the_seal_is_written_whole(opened, folder):
    opened()
    assert DATABASE in json.loads((folder / "seal.json").read_text(encoding="utf-8"))
    assert not [path for path in os.listdir(folder) if path.endswith(".tmp")]
