"""The model of aligned words: the same numbers as in training, whatever else is in the batch, and some sense."""

from __future__ import annotations

import numpy as np
import pytest

from interviewer.grading.relation import OPPOSITE, OTHER, SAME, Relation, shipped


class Letters:
    """A tokenizer that makes a piece of every character."""

    def encode_batch(self, texts, add_special_tokens):
        assert not add_special_tokens
        return [type("Encoded", (), {"ids": [2 + ord(c) % 30 for c in text]}) for text in texts]


@pytest.fixture(scope="module")
def relation() -> Relation:
    return shipped()


def test_numpy_computes_what_was_trained():
    torch = pytest.importorskip("torch")
    from training.relation import Model

    torch.manual_seed(1)
    model = Model(torch.randn(40, 24) / 8, width=16).eval()
    weights = model.weights()
    ours = Relation(weights, Letters())
    pairs = [("abc", "bcdefgh"), ("hgfedcba", "ab"), ("a", "b"), ("abcabc", "abcabc")]
    with torch.no_grad():
        # What is shipped holds the pieces in one byte a number; the model is given the same rounded ones.
        rounded = torch.from_numpy(weights["pieces"].astype(np.float32) * weights["scale"])
        model.projected = lambda ids: rounded[ids]
        for (one, other), made in zip(pairs, ours.logits(pairs), strict=True):
            left, right = (torch.tensor([ids.ids]) for ids in Letters().encode_batch([one, other], False))
            assert made == pytest.approx(model(left, right).numpy()[0], abs=1e-4)


def test_a_pair_s_logits_do_not_depend_on_what_stands_beside_it(relation):
    pairs = [
        ("训练时用当前批的均值和方差", "拿这一批样本算统计量"),
        ("学习率太大会震荡", "步子大了来回跳，收不住"),
        ("短", "长" * 200),
    ]
    together = relation.logits(pairs)
    alone = np.concatenate([relation.logits([pair]) for pair in pairs])
    assert together == pytest.approx(alone, abs=1e-4)
    assert (together == relation.logits(pairs)).all()


@pytest.mark.parametrize("pair", [("", ""), ("🙂", "…"), ("a" * 10_000, "b"), ("\0", "\ufeff")])
def test_any_text_has_a_relation(relation, pair):
    made = relation.logits([pair])
    assert made.shape == (1, 3) and np.isfinite(made).all()


def test_nothing_asked_is_nothing_answered(relation):
    assert relation.logits([]).shape == (0, 3)


def test_a_small_memory_of_passages_changes_nothing(relation):
    pair = ("召回率是找回来的正例占全部正例", "真正例里被抓到了多少")
    before = relation.logits([pair])
    for number in range(0, 2500, 500):
        relation.logits([(f"第 {n} 句话", "另一句") for n in range(number, number + 500)])
    assert (relation.logits([pair]) == before).all()


def test_it_tells_lines_of_the_bank_apart_more_often_than_not(relation, bank):
    """Of the questions that it was not trained on, so that this measures what it has learnt."""
    points = [p for q in bank.of_topics(["norm_regularisation"]) for p in q.points if p.says and p.denies]
    right = relation.logits([(p.text, p.says[0]) for p in points])
    wrong = relation.logits([(p.text, p.denies[0]) for p in points])
    strange = relation.logits([(p.text, q.says[0]) for p, q in zip(points, points[7:] + points[:7], strict=True)])
    lean = [rows[:, SAME] - rows[:, OPPOSITE] for rows in (right, wrong)]
    assert (lean[0] > lean[1]).mean() >= 0.6
    assert (strange.argmax(axis=1) == OTHER).mean() >= 0.5
    assert (right.argmax(axis=1) == OTHER).mean() <= 0.2
