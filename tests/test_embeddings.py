from __future__ import annotations

import numpy as np
import pytest
from builders import key_point, question, small_bank
from encoders import CountingEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interviewer import embeddings as library
from interviewer.bank import FollowUp, Misconception
from interviewer.embeddings import Embeddings, grading_texts, search_texts, ship, stale, texts_of
from interviewer.errors import DataFolderError, IndexFault

# One byte a number keeps two to three digits.
CLOSE = 1e-2
KEYS, CODES, SCALES = np.zeros((1, 8), np.uint8), np.ones((1, 4), np.int8), np.ones((1, 1), np.float32)


@pytest.fixture
def encoder():
    return CountingEncoder()


@pytest.fixture
def tiny():
    return small_bank(question("one"), question("two"))


def damage(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_search_holds_wordings_points_and_answer_and_grading_what_candidates_say():
    point = key_point("a", "要点", says=("说法",), denies=("反话",))
    follow_up = FollowUp(
        ask="追问？", when="a", answer="答", points=(key_point("b", "追问的要点", says=("追问说法",)),)
    )
    wrong = Misconception(claim="误解", correction="更正", point="a")
    asked = question("one", points=(point,), follow_ups=(follow_up,)).model_copy(
        update={"aliases": ("别名",), "misconceptions": (wrong,)}
    )
    assert search_texts(asked) == {
        "question": asked.question,
        "alias-0": "别名",
        "point-a": "要点",
        "answer": asked.answer,
    }
    assert grading_texts(asked) == ["要点", "说法", "反话", "追问的要点", "追问说法", "误解"]
    assert sorted(texts_of(asked)) == sorted({*search_texts(asked).values(), *grading_texts(asked)})


def test_the_shipped_vectors_fit_the_bank(bank, knowledge):
    assert stale(bank, "e5-small-q4", knowledge / "vectors") == []


def test_the_shipped_vectors_are_those_of_the_encoder(bank, embeddings):
    text = next(iter(bank)).question
    assert embeddings.passages([text])[0] @ embeddings.encoder.passages([text])[0] == pytest.approx(1, abs=CLOSE)


def test_a_text_is_encoded_once_whoever_asks_and_however_often(encoder, tmp_path):
    told = []
    first = Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache")
    rows = first.passages(["甲", "乙", "甲"], lambda done, total: told.append((done, total)))
    assert np.allclose(rows, encoder.queries(["甲", "乙", "甲"]), atol=CLOSE)
    assert np.array_equal(rows[0], rows[2])
    first.passages(["乙"])
    again = Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages(["乙", "甲"])
    assert np.array_equal(again, rows[[1, 0]]), "what is kept is what was given"
    assert encoder.seen == ["甲", "乙"]
    assert told == [(2, 2)]


def test_what_users_bring_is_not_kept(encoder, tmp_path):
    cache = tmp_path / "cache"
    Embeddings(encoder, tmp_path / "shipped", cache).passages(["题库的话"])
    before = (cache / "counting.npz").read_bytes()
    Embeddings(encoder, tmp_path / "shipped", cache).passages(["候选人的话"], keep=False)
    assert (cache / "counting.npz").read_bytes() == before
    assert encoder.seen == ["题库的话", "候选人的话"]


def test_no_text_is_no_work(encoder, tmp_path):
    assert len(Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages([])) == 0
    assert not (tmp_path / "cache").exists()


def test_two_processes_that_share_a_cache_keep_what_both_encoded(encoder, tmp_path):
    one, two = (Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache") for _ in range(2))
    assert len(one.passages([])) == len(two.passages([])) == 0, "both have read the empty cache"
    one.passages(["甲"])
    two.passages(["乙"])
    encoder.seen.clear()
    Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages(["甲", "乙"])
    assert encoder.seen == []


def test_two_encoders_never_see_each_other_s_vectors(tmp_path):
    one, two = CountingEncoder("one"), CountingEncoder("two")
    for encoder in (one, two):
        rows = Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages(["甲"])
        assert np.allclose(rows, encoder.queries(["甲"]), atol=CLOSE)
    assert two.seen == ["甲"]


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_a_broken_cache_is_made_anew(encoder, tmp_path, content):
    damage(tmp_path / "cache" / "counting.npz", content)
    rows = Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages(["甲"])
    assert np.allclose(rows, encoder.queries(["甲"]), atol=CLOSE)
    Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages(["甲"])
    assert encoder.seen == ["甲"]


def test_a_cache_that_cannot_be_written_is_a_fault_of_the_data_folder(encoder, tmp_path):
    damage(tmp_path / "cache", b"a file where the folder should be")
    with pytest.raises(DataFolderError, match="INTERVIEWER_DATA_DIR"):
        Embeddings(encoder, tmp_path / "shipped", tmp_path / "cache").passages(["甲"])
    (tmp_path / "other" / "counting.npz").mkdir(parents=True)
    with pytest.raises(DataFolderError):
        Embeddings(encoder, tmp_path / "shipped", tmp_path / "other").passages(["甲"])


def test_shipping_writes_a_file_a_topic_and_encodes_only_what_changed(encoder, tiny, tmp_path):
    texts = {text for asked in tiny for text in texts_of(asked)}
    assert ship(tiny, encoder, tmp_path) == len(texts) == len(encoder.seen)
    assert [path.name for path in (tmp_path / "counting").iterdir()] == ["first.npz"]
    assert stale(tiny, "counting", tmp_path) == []
    encoder.seen.clear()
    changed = small_bank(question("one"), question("two", points=(key_point("a", "改过的要点"),)))
    assert stale(changed, "counting", tmp_path) == ["first"]
    assert ship(changed, encoder, tmp_path) == len(texts) + 1, "the old point is still one of question one's"
    assert encoder.seen == ["改过的要点"]
    shrunk = small_bank(question("one"))
    assert stale(shrunk, "counting", tmp_path) == ["first"]
    ship(shrunk, encoder, tmp_path)
    assert stale(shrunk, "counting", tmp_path) == []
    assert encoder.seen == ["改过的要点"]


def test_shipped_vectors_are_used_and_nothing_is_written(encoder, tiny, tmp_path):
    ship(tiny, encoder, tmp_path)
    encoder.seen.clear()
    Embeddings(encoder, tmp_path, tmp_path / "cache").passages([text for asked in tiny for text in texts_of(asked)])
    assert encoder.seen == []
    assert not (tmp_path / "cache").exists()


def test_the_file_of_a_topic_that_is_gone_is_removed(encoder, tiny, tmp_path):
    ship(tiny, encoder, tmp_path)
    gone = tmp_path / "counting" / "gone.npz"
    (tmp_path / "counting" / "first.npz").rename(gone)
    ship(tiny, encoder, tmp_path)
    assert not gone.exists()


def test_broken_shipped_vectors_are_named_each_time_and_shipping_mends_them(encoder, tiny, tmp_path):
    ship(tiny, encoder, tmp_path)
    damage(tmp_path / "counting" / "first.npz", b"half")
    broken = Embeddings(encoder, tmp_path)
    for _ in range(2):
        with pytest.raises(IndexFault, match=r"first\.npz.*interviewer vectors"):
            broken.passages(["甲"])
    with pytest.raises(IndexFault, match=r"first\.npz"):
        stale(tiny, "counting", tmp_path)
    ship(tiny, encoder, tmp_path)
    assert stale(tiny, "counting", tmp_path) == []


def test_vectors_that_cannot_be_shipped_are_a_fault_and_no_traceback(encoder, tiny, tmp_path):
    damage(tmp_path / "counting", b"a file where the folder should be")
    with pytest.raises(DataFolderError):
        ship(tiny, encoder, tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"keys": np.zeros((1, 8), np.uint8)},
        {"keys": np.zeros((2, 8), np.uint8), "codes": CODES, "scales": SCALES},
        {"keys": np.zeros((1, 4), np.uint8), "codes": CODES, "scales": SCALES},
        {"keys": KEYS, "codes": np.zeros(1, np.int8), "scales": SCALES},
        {"keys": KEYS, "codes": CODES.astype(np.float32), "scales": SCALES},
        {"keys": KEYS, "codes": CODES, "scales": np.full((1, 1), np.nan, np.float32)},
        {"keys": KEYS, "codes": CODES, "scales": np.ones((2, 1), np.float32)},
        {"keys": np.zeros((1, 8), np.uint8), "vectors": np.array([["a"]])},
        {"keys": np.zeros((1, 8), np.uint8), "vectors": np.array([[{}]], dtype=object)},
    ],
)
def test_an_archive_of_something_else_is_corrupt(encoder, tmp_path, arrays):
    (tmp_path / "counting").mkdir()
    np.savez(tmp_path / "counting" / "first.npz", **arrays)
    with pytest.raises(IndexFault):
        Embeddings(encoder, tmp_path).passages(["甲"])


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8), st.floats(0.01, 1))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flipped_and_missing_bytes_are_a_fault_or_change_nothing(tmp_path, tiny, flips, kept):
    encoder = CountingEncoder()
    path = tmp_path / "counting" / "first.npz"
    if not path.exists():
        ship(tiny, encoder, tmp_path)
        (tmp_path / "whole").write_bytes(path.read_bytes())
    content = bytearray((tmp_path / "whole").read_bytes())
    for place, byte in flips:
        content[int(place * len(content))] = byte
    path.write_bytes(content[: int(kept * len(content))])
    text = next(iter(tiny)).question
    try:
        rows = Embeddings(encoder, tmp_path).passages([text])
    except IndexFault:
        return
    assert np.allclose(rows, encoder.queries([text]), atol=CLOSE)


def test_a_key_is_of_the_text_alone():
    assert library.key("甲").hex() == "33e3580c093111e1"
    assert library.key("甲") != library.key("甲 ")
