"""`interviewer bench retrieval`: its queries, its figures, its faults."""

from __future__ import annotations

import pytest
from builders import question, small_bank
from encoders import CountingEncoder

from interviewer.bench.retrieval import Query, as_json, own_queries, read_queries, retrieval
from interviewer.embeddings import Embeddings
from interviewer.errors import FileRefused
from interviewer.index import Index

BANK = small_bank(
    *(
        question(slug).model_copy(update={"question": f"说说{name}？", "aliases": (f"{name}是什么", f"讲讲{name}")})
        for slug, name in (("one", "批归一化"), ("two", "反向传播"), ("three", "注意力"))
    )
)


@pytest.fixture
def file(tmp_path):
    def file(text: str):
        path = tmp_path / "queries.jsonl"
        path.write_text(text, encoding="utf-8")
        return path

    return file


def test_recall_counts_the_first_and_the_first_three_by_kind(tmp_path):
    index = Index(BANK, Embeddings(CountingEncoder(), tmp_path / "v", tmp_path / "c"), tmp_path / "index")
    told = []
    queries = [
        Query("批归一化是什么", "first/one", "alias"),
        Query("批归一化是什么", "first/one", "misheard"),
        Query("注意力是什么", "first/two", "misheard"),
    ]
    alias, misheard = retrieval(index, queries, lambda done, total: told.append((done, total)))
    assert (alias.kind, alias.queries, alias.first, alias.third) == ("alias", 1, 1, 1)
    assert (misheard.queries, misheard.first, misheard.third) == (2, 0.5, 1)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert as_json([alias])[0].keys() == {"kind", "queries", "recall_1", "recall_3", "seconds"}


def test_the_bank_s_own_queries_are_its_aliases(bank):
    found = own_queries(bank)
    assert {query.text for query in found} >= {alias for q in bank for alias in q.aliases}
    assert {query.question for query in found} <= set(bank.questions)


def test_queries_of_a_user_name_the_question_by_id_or_wording(file):
    text = '{"query":"BN 是啥","question":"first/one"}\n\n{"query":"BP","question":"说说反向传播？","kind":"short"}\n'
    assert read_queries(file(text), BANK) == [
        Query("BN 是啥", "first/one", "query"),
        Query("BP", "first/two", "short"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", '{"query":"甲"}', '{"query":"甲","question":"没有"}', '{"query":" ","question":"first/one"}'],
)
def test_a_line_that_cannot_be_used_is_named(file, text):
    with pytest.raises(FileRefused) as refused:
        read_queries(file(text), BANK)
    assert refused.value.name == "bad_query" and "queries.jsonl" in refused.value.say("en")
