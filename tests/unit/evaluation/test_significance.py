"""Intervals, tests between systems, and agreement between rankings of systems."""

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.evaluation.intervals import bootstrap_statistic
from nearfield.evaluation.significance import bootstrap, compare, kendall, randomisation_test


class TestBootstrap:
    def test_mean_and_width(self):
        scores = np.random.default_rng(1).normal(0.6, 0.2, 400)
        interval = bootstrap(scores, samples=4000)
        assert interval.mean == scores.mean()
        # The interval of a mean of many values is that of the normal distribution.
        assert interval.half == pytest.approx(1.96 * scores.std() / 20, rel=0.05)

    def test_holds_the_true_mean_about_as_often_as_it_says(self):
        rng = np.random.default_rng(2)
        held = 0
        for seed in range(300):
            interval = bootstrap(rng.beta(0.5, 0.5, 80), samples=300, level=0.9, seed=seed)
            held += interval.low <= 0.5 <= interval.high
        assert 0.84 <= held / 300 <= 0.95

    def test_equal_to_scipy(self):
        stats = pytest.importorskip("scipy.stats", reason="compares with scipy")
        scores = np.random.default_rng(3).random(120)
        theirs = stats.bootstrap(
            (scores,), np.mean, n_resamples=20000, method="percentile", rng=5
        ).confidence_interval
        ours = bootstrap(scores, samples=20000)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)

    def test_same_seed_same_interval(self):
        scores = np.random.default_rng(4).random(50)
        assert bootstrap(scores) == bootstrap(list(scores))
        assert bootstrap(scores, seed=1) != bootstrap(scores, seed=2)

    def test_slices_change_nothing(self, monkeypatch):
        scores = np.random.default_rng(5).random(50)
        whole = bootstrap(scores)
        monkeypatch.setattr("nearfield.evaluation.intervals._SLICE_NUMBERS", 1700)
        assert bootstrap(scores) == whole

    def test_constant_scores_have_no_width(self):
        interval = bootstrap([0.0] * 30)
        assert (interval.mean, interval.low, interval.high) == (0.0, 0.0, 0.0)

    @pytest.mark.parametrize(
        ("scores", "options", "told"),
        [
            ([], {}, "at least one"),
            ([[1.0]], {}, "expected \\(questions,\\)"),
            ([1.0, float("nan")], {}, "no number"),
            ([1.0], {"samples": 0}, "samples is 0"),
            ([1.0], {"level": 95}, "level is 95"),
        ],
    )
    def test_bad_input(self, scores, options, told):
        with pytest.raises(InputError, match=told):
            bootstrap(scores, **options)

    def test_statistic_of_a_mean_is_the_bootstrap_of_the_mean(self):
        scores = np.random.default_rng(6).random(40)
        found = bootstrap_statistic(lambda at: float(scores[at].mean()), 40, samples=200)
        wanted = bootstrap(scores, samples=200)
        assert (found.mean, found.low, found.high) == pytest.approx(
            (wanted.mean, wanted.low, wanted.high)
        )


class TestCompare:
    def test_noise_is_a_tie_and_a_lead_is_none(self):
        rng = np.random.default_rng(7)
        base = rng.random(200)
        systems = {
            "base": base,
            "noise": base + rng.normal(0, 0.1, 200),
            "better": base + rng.normal(0.1, 0.1, 200),
        }
        verdicts = {(c.first, c.second): c.verdict for c in compare(systems)}
        assert verdicts[("base", "noise")] == "tie"
        assert verdicts[("base", "better")] == "better better"

    def test_all_zero_runs_tie(self):
        (found,) = compare({"a": np.zeros(20), "b": np.zeros(20)})
        assert (found.p, found.difference, found.verdict) == (1.0, 0.0, "tie")

    def test_exact_p_of_a_small_case(self):
        # All eight sign patterns of three differences of 1: two are as far apart.
        p = randomisation_test(np.ones(3), np.zeros(3), 40_000)
        assert p == pytest.approx(2 / 8, abs=0.01)

    def test_different_questions_cannot_be_paired(self):
        with pytest.raises(InputError, match="'a' has 3, 'b' has 4"):
            compare({"a": np.zeros(3), "b": np.zeros(4)})
        with pytest.raises(InputError, match="no number"):
            randomisation_test(np.array([1.0, np.nan]), np.zeros(2))


class TestKendall:
    def test_equal_to_scipy_with_ties(self):
        stats = pytest.importorskip("scipy.stats", reason="compares with scipy")
        rng = np.random.default_rng(8)
        for size in (2, 5, 20):
            a, b = rng.integers(0, 6, size) + np.arange(size), rng.integers(0, 6, size)
            b[0] = 9
            theirs = stats.kendalltau(a, b).statistic
            assert kendall(a, b, samples=5).value == pytest.approx(theirs)

    def test_questions_are_drawn_where_there_are_some(self):
        rng = np.random.default_rng(9)
        strength = np.linspace(0.2, 0.8, 8)[:, None]
        many = [np.clip(strength + rng.normal(0, 0.3, (8, n)), 0, 1) for n in (2000, 1500)]
        few = [np.clip(strength + rng.normal(0, 0.3, (8, n)), 0, 1) for n in (12, 15)]
        sure, unsure = kendall(*many), kendall(*few)
        assert sure.value == 1.0 and sure.low == 1.0
        assert unsure.high - unsure.low > 0.2
        assert kendall(*few) == unsure

    def test_opposite_order(self):
        assert kendall([1, 2, 3, 4], [4, 3, 2, 1]).value == -1.0

    @pytest.mark.parametrize(
        ("a", "b", "told"),
        [
            ([1, 2], [1, 2, 3], "same systems"),
            ([1], [1], "at least two"),
            ([1, 1], [1, 2], "no order"),
            ([1, float("nan")], [1, 2], "no number"),
        ],
    )
    def test_bad_input(self, a, b, told):
        with pytest.raises(InputError, match=told):
            kendall(a, b)
