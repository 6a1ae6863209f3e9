"""The order of what a search finds: by meaning, by words, by sound."""

from __future__ import annotations

import numpy as np
import pytest
from builders import key_point, question, small_bank
from encoders import CountingEncoder

from interviewer.embeddings import Embeddings
from interviewer.ranking import Discriminant, Overlap, Ranker, pairs, syllables


def test_a_misheard_word_sounds_like_the_right_one():
    assert syllables("批归一化") == syllables("皮规一划")
    assert syllables("卷积神经网络") & syllables("卷机神精网络") >= {"sen jin"}
    assert syllables("softmax 函数") == {"softmax han", "han su"}
    assert syllables("BN") == {"bn"} and syllables("，。") == set()


def test_pairs_hold_words_triples_and_characters():
    assert pairs("Adam 优化") == {"=adam", "ada", "dam", "优", "化", "优化"}


def test_rare_tokens_count_more_than_common_ones():
    words = Overlap(["甲乙", "甲丙", "甲丁"], set)
    assert words.share("乙甲").argmax() == 0
    assert words.share("甲").tolist() == [1, 1, 1]
    assert words.share("没见过").tolist() == [0, 0, 0] and words.share("").tolist() == [0, 0, 0]
    assert words.likeness("甲乙").tolist()[0] == pytest.approx(1)


def test_directions_that_differ_inside_a_class_count_less():
    rng = np.random.default_rng(7)
    owner = np.repeat(np.arange(8), 12)
    means = rng.normal(size=(8, 6)) * [1, 1, 1, 0, 0, 0]
    noise = rng.normal(size=(96, 6)) * [0.1, 0.1, 0.1, 2, 2, 2]
    vectors = (means[owner] + noise).astype(np.float32)
    space = Discriminant(vectors, owner, np.ones(96, np.float32))
    fresh = (means[owner] + rng.normal(size=(96, 6)) * [0.1, 0.1, 0.1, 2, 2, 2]).astype(np.float32)
    found = (space.project(fresh) @ space.centres.T).argmax(axis=1)
    plain = ((fresh[:, None] - vectors.reshape(8, 12, 6).mean(axis=1)) ** 2).sum(axis=2).argmin(axis=1)
    assert (found == owner).mean() > (plain == owner).mean() + 0.1


def test_a_question_is_ranked_by_its_words_where_meaning_says_nothing(tmp_path):
    asked = [
        question("one", (key_point("a", "批归一化让训练更稳"),)).model_copy(update={"question": "什么是批归一化？"}),
        question("two", (key_point("a", "卷积共享权重"),)).model_copy(update={"question": "什么是卷积？"}),
    ]
    encoder = CountingEncoder()
    ranker = Ranker(small_bank(*asked), Embeddings(encoder, tmp_path))
    even = np.zeros(16, np.float32)
    for heard, meant in (("皮规一化是什么", "first/one"), ("讲讲卷机", "first/two"), ("卷积是啥", "first/two")):
        assert ranker.ids[int(ranker.scores(heard, even).argmax())] == meant
