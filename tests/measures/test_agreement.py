"""The measures of agreement, against scikit-learn and SciPy on random ratings and by hand at their edges."""

from __future__ import annotations

import numpy as np
import pytest

from interviewer.bench import agreement


@pytest.fixture(scope="module")
def ratings():
    chance = np.random.default_rng(3)
    one = chance.integers(0, 5, 300)
    return one.tolist(), np.clip(one + chance.integers(-1, 2, 300), 0, 4).tolist()


def test_the_weighted_kappa_is_scikit_learn_s(ratings):
    from sklearn.metrics import cohen_kappa_score

    assert agreement.weighted_kappa(*ratings) == pytest.approx(cohen_kappa_score(*ratings, weights="quadratic"))


def test_correlations_with_ties_are_scipy_s(ratings):
    from scipy import stats

    assert agreement.spearman(*ratings) == pytest.approx(stats.spearmanr(*ratings).statistic)
    assert agreement.pearson(*ratings) == pytest.approx(stats.pearsonr(*ratings).statistic)


def test_f1_is_scikit_learn_s(ratings):
    from sklearn.metrics import f1_score

    one, other = ([str(value) for value in side] for side in ratings)
    labels = [str(value) for value in range(5)]
    expected = f1_score(other, one, labels=labels, average="macro")
    assert agreement.macro_f1(one, other, labels) == pytest.approx(expected)
    assert agreement.f1(["a"], ["a"], "b") == 0.0


def test_bands_are_those_of_the_score():
    assert agreement.banded([0, 24, 25, 49, 50, 69, 70, 84, 85, 100]) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_raters_of_one_class_agree_and_flat_sides_do_not_correlate():
    assert agreement.weighted_kappa([2, 2], [2, 2]) == 1.0
    assert agreement.weighted_kappa([0, 4], [4, 0]) == -1.0
    assert agreement.spearman([1, 1], [1, 2]) == 0.0
    assert agreement.pearson([1], [1]) == 0.0


def test_an_interval_is_the_same_each_time_and_wider_where_a_question_counts_as_one():
    values = [0, 0, 0, 0, 1, 1, 1, 1] * 4
    together = [f"q{number // 4}" for number in range(len(values))]
    apart = [str(number) for number in range(len(values))]

    def measure(rows):
        return sum(values[n] for n in rows) / len(rows)

    low, high = agreement.interval(together, measure)
    assert (low, high) == agreement.interval(together, measure)
    assert low < 0.5 < high
    narrow = agreement.interval(apart, measure)
    assert high - low > narrow[1] - narrow[0]
