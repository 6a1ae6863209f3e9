from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interviewer.errors import ReplyRefused
from interviewer.text import (
    MAX_REPLY,
    bigrams,
    clauses,
    clean,
    clean_reply,
    containment,
    find_quote,
    normalise,
    sentences,
)

# Chinese, punctuation of both widths, what hides or breaks, and what grows when it is folded.
HOSTILE = st.one_of(
    st.text(
        alphabet="批归一化训练ab AB12。，,：！?;\n\r\t.．、½ﬁİßΣｶﾞ①x²≥＜\u200b\u202e\0\ud800\u2028\ufeff👩‍👩‍👧",
        max_size=60,
    ),
    st.text(st.characters(codec=None), max_size=60),
)


@pytest.mark.parametrize(
    "text", ["", " \n\t ", "\u200b\u2060\ufeff", "\u202e\u202c", "\0\x07\x1b", "。。。！", "\ud800", "👍"]
)
def test_a_reply_in_which_nothing_can_be_read_is_refused_as_empty(text):
    with pytest.raises(ReplyRefused) as caught:
        clean_reply(text)
    assert caught.value.name == "reply_empty"


def test_a_reply_over_the_limit_is_refused_and_its_length_said():
    assert len(clean_reply("字" * MAX_REPLY)) == MAX_REPLY
    with pytest.raises(ReplyRefused, match="20000"):
        clean_reply("字" * 20_000)


def test_what_hides_or_reverses_text_is_taken_out_and_the_rest_stays_as_typed():
    assert clean("\ufeff批\u200b归\u202e一化\x1b[31m\r\n第二行\rx\u2028y  ") == "批归一化[31m\n第二行\nx\ny"
    assert clean("BN 👍 <b>&amp;</b> \\frac{1}{2}\t$x$") == "BN 👍 <b>&amp;</b> \\frac{1}{2}\t$x$"


@given(HOSTILE)
@settings(deadline=None, max_examples=100)
def test_a_cleaned_text_can_be_stored_and_is_clean(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not {unicodedata.category(c) for c in cleaned if c not in "\n\t"} & {"Cc", "Cf", "Cs", "Co"}


def test_width_case_and_punctuation_make_no_difference():
    assert normalise("Ｂａｔｃｈ－Norm， ２０１５！") == "batchnorm2015"
    assert normalise("p ≥ 0.5，q＜1") == "p≥05q<1"


@given(HOSTILE)
@settings(deadline=None, max_examples=100)
def test_to_normalise_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def test_a_quote_is_given_back_as_the_reply_has_it():
    reply = "我觉得，Batch-Norm 在【训练】时用“小批量”的均值。"
    assert find_quote("batch norm在训练时", reply) == "Batch-Norm 在【训练】时"
    assert find_quote("用小批量的均值！", reply) == "用“小批量”的均值"
    assert find_quote("用全部数据的均值", reply) is None
    assert find_quote("。，！", reply) is None
    assert find_quote("", reply) is None


def test_a_quote_does_not_reach_from_one_letter_that_grew_into_another():
    assert find_quote("2", "½ 和 x²") == "½"


@given(HOSTILE, HOSTILE, HOSTILE)
@settings(deadline=None, max_examples=100)
def test_every_passage_of_a_text_is_found_in_it_and_what_is_found_holds_the_quote(before, middle, after):
    whole = before + middle + after
    found = find_quote(middle, whole)
    if normalise(middle):
        assert found is not None and found in whole
        assert normalise(middle) in normalise(found)
    else:
        assert found is None


def test_character_pairs_that_recur_are_a_share():
    assert bigrams("批归一化") == {"批归", "归一", "一化"}
    assert bigrams("批") == {"批"}
    assert bigrams("！") == frozenset()
    assert containment("归一化", "批归一化层") == 1
    assert containment("批归一化", "归一化") == pytest.approx(2 / 3)
    assert containment("", "批归一化") == 0


def test_a_text_is_cut_after_its_sentences_but_not_in_its_numbers():
    text = "学习率是 0.01。为什么？太大会发散！\n第二段；v1.5 更好. Next one．  末尾"
    assert sentences(text) == [
        "学习率是 0.01。",
        "为什么？",
        "太大会发散！",
        "第二段；",
        "v1.5 更好.",
        "Next one．",
        "末尾",
    ]
    assert sentences("。。\n！") == []


def test_a_clause_that_is_too_short_joins_its_neighbour():
    assert clauses("首先，训练的时候用当前批，推理时用滑动平均，对") == [
        "首先，训练的时候用当前批，",
        "推理时用滑动平均，对",
    ]
    assert clauses("对，") == ["对，"]
    assert clauses("，、") == []


@given(HOSTILE)
@settings(deadline=None, max_examples=100)
def test_no_letter_is_lost_or_doubled_by_cutting(text):
    assert normalise("".join(sentences(text))) == normalise(text)
    assert normalise("".join(clauses(text))) == normalise(text)
    assert all(normalise(piece) for piece in (*sentences(text), *clauses(text)))
