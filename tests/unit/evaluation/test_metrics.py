"""Measures of lists: by hand, and beside scipy and scikit-learn on random data with ties."""

import math

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.evaluation.metrics import (
    accuracy,
    adjusted_rand,
    auroc,
    average_precision,
    best_accuracy,
    best_f1,
    macro_f1,
    pearson,
    spearman,
    v_measure,
)

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_correlations_equal_scipy(seed):
    stats = pytest.importorskip("scipy.stats", reason="compares with scipy")
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, 50).astype(float), rng.normal(size=50).round(1)
    assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_and_groups_equal_scikit_learn(seed):
    sk = pytest.importorskip("sklearn.metrics", reason="compares with scikit-learn")
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 5, 60), rng.integers(0, rng.integers(2, 8), 60)
    words = [f"label {n}" for n in truth], [f"label {n}" for n in found]
    assert accuracy(*words) == pytest.approx(sk.accuracy_score(truth, found))
    assert macro_f1(truth, found) == pytest.approx(sk.f1_score(truth, found, average="macro"))
    assert macro_f1(*words) == pytest.approx(macro_f1(truth, found))
    assert v_measure(truth, found) == pytest.approx(sk.v_measure_score(truth, found), abs=1e-12)
    assert adjusted_rand(truth, found) == pytest.approx(
        sk.adjusted_rand_score(truth, found), abs=1e-12
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_detection_equals_scikit_learn(seed):
    sk = pytest.importorskip("sklearn.metrics", reason="compares with scikit-learn")
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, 80)
    truth[:2] = 0, 1
    for scores in (rng.normal(size=80), rng.integers(0, 7, 80).astype(float)):
        assert auroc(truth, scores) == pytest.approx(sk.roc_auc_score(truth, scores))
        assert average_precision(truth, scores) == pytest.approx(
            sk.average_precision_score(truth, scores)
        )
        at = [scores >= threshold for threshold in [*np.unique(scores), np.inf]]
        assert best_accuracy(truth, scores) == max((guess == truth).mean() for guess in at)
        assert best_f1(truth, scores) == pytest.approx(
            max(sk.f1_score(truth, guess, zero_division=0) for guess in at)
        )


def test_v_measure_by_hand():
    # Two groups of two; one is found whole, the other is split: H(truth) = ln 2,
    # H(found) = ln 2 / 2 + ln 4 / 2, and all that truth says is known from found.
    shared, found = math.log(2), math.log(2) / 2 + math.log(4) / 2
    expected = 2 * shared / (math.log(2) + found)
    assert v_measure(["a", "a", "b", "b"], [1, 1, 2, 3]) == pytest.approx(expected)
    assert v_measure([1, 1], ["x", "x"]) == 1.0
    assert v_measure([1, 1, 2, 2], [1, 2, 1, 2]) == pytest.approx(0.0, abs=1e-12)


def test_auroc_counts_equal_scores_half():
    assert auroc([1, 0], [0.5, 0.5]) == 0.5
    assert auroc([1, 0, 0], [0.5, 0.5, 0.1]) == 0.75
    assert auroc([True, False], [1.0, 0.0]) == 1.0


def test_average_precision_by_hand():
    # Positives at ranks 1 and 3: 1/1 · 1/2 + 2/3 · 1/2.
    assert average_precision([1, 0, 1], [0.9, 0.8, 0.7]) == pytest.approx(0.5 + 1 / 3)


def test_scores_that_are_all_equal_have_no_correlation():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: pearson([1], [1]), "at least two"),
        (lambda: spearman([1, 2], [1, 2, 3]), "shapes"),
        (lambda: accuracy([], []), "at least one"),
        (lambda: macro_f1(["a"], []), "1 true labels and 0"),
        (lambda: v_measure([1], []), "1 true labels and 0"),
        (lambda: auroc([1, 1], [1, 2]), "all items are positive"),
        (lambda: auroc([0, 0], [1, 2]), "no item is positive"),
        (lambda: auroc([0, 2], [1, 2]), "neither 0 nor 1"),
        (lambda: auroc([0, 1], [1, float("nan")]), "no number"),
        (lambda: average_precision([0], [1, 2]), "shape"),
    ],
)
def test_bad_input(call, told):
    with pytest.raises(InputError, match=told):
        call()
