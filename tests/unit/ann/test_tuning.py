"""Tuning finds the fewest candidates that reach a recall, and says what it reached."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.ann.codes import Codes
from nearfield.ann.exact import exact_search
from nearfield.ann.tuning import tune
from nearfield.errors import InputError
from nearfield.masks import pack_mask
from nearfield.metric import Metric

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((3000, 8)).astype(np.float32) @ RNG.standard_normal((8, 64)).astype(
    np.float32
)
QUERIES = ROWS[:80] + RNG.standard_normal((80, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def codes(tmp_path_factory):
    made = Codes.create(
        tmp_path_factory.mktemp("tuning") / "codes", dimension=64, metric=Metric.COSINE, sample=ROWS
    )
    made.append(ROWS)
    return made


def reached(codes, tuning, truth, allowed=None):
    found = codes.search(QUERIES, tuning.candidates, coarse=tuning.coarse, allowed=allowed).slots
    hits = sum(len(set(a) & set(b[b >= 0])) for a, b in zip(found, truth, strict=True))
    return hits / (truth >= 0).sum()


@pytest.mark.parametrize("target", [0.8, 0.99, 1.0])
def test_the_target_is_reached_as_stated(codes, target):
    truth, _ = exact_search(ROWS, QUERIES, 10, Metric.COSINE)
    tuning = tune(codes, QUERIES, truth, target)
    assert tuning.recall >= target == tuning.target
    assert reached(codes, tuning, truth) == pytest.approx(tuning.recall)
    assert 10 <= tuning.candidates <= tuning.coarse < 3000


def test_a_higher_target_costs_more(codes):
    truth, _ = exact_search(ROWS, QUERIES, 10, Metric.COSINE)
    costs = [tune(codes, QUERIES, truth, t) for t in (0.7, 0.95, 1.0)]
    sizes = [tuning.coarse + 5 * tuning.candidates for tuning in costs]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_with_a_mask(codes):
    mask = pack_mask(np.arange(3000) % 2 == 0)
    truth, _ = exact_search(ROWS, QUERIES, 10, Metric.COSINE, mask)
    tuning = tune(codes, QUERIES, truth, 0.99, allowed=mask)
    assert reached(codes, tuning, truth, mask) == pytest.approx(tuning.recall)
    assert tuning.recall >= 0.99


def test_a_target_out_of_reach_is_said(codes):
    truth = np.full((80, 1), 10**6)  # nowhere
    tuning = tune(codes, QUERIES, truth, 0.9)
    assert tuning.recall == 0.0
    assert tuning.target == 0.9


def test_mistakes_are_told(codes):
    truth = np.zeros((80, 1), dtype=np.int64)
    with pytest.raises(InputError, match="target recall is 0"):
        tune(codes, QUERIES, truth, 0.0)
    with pytest.raises(InputError, match="for 80 queries"):
        tune(codes, QUERIES, truth[:5], 0.9)
