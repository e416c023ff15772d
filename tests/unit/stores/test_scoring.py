"""The shortlist holds every row that exact scoring would choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.metric import Metric, top_k
from nearfield.stores.scoring import Shortlister, best, exact_scores


def test_exact_scores_by_hand() -> None:
    rows = np.array([[3, 4], [-3, -4], [4, -3]], dtype=np.float32)
    query = np.array([6, 8], dtype=np.float32)
    assert exact_scores(rows, query, Metric.COSINE).tolist() == [1.0, -1.0, 0.0]
    assert exact_scores(rows, query, Metric.DOT).tolist() == [50.0, -50.0, 0.0]
    assert exact_scores(rows, query, Metric.EUCLIDEAN).tolist() == pytest.approx(
        [-5.0, -15.0, -(125**0.5)]
    )


def test_scores_do_not_depend_on_a_rows_place() -> None:
    row = np.random.default_rng(0).standard_normal(385).astype(np.float32)
    query = np.random.default_rng(1).standard_normal(385).astype(np.float32)
    rows = np.tile(row, (9001, 1))
    for metric in Metric:
        alone = exact_scores(row[None], query, metric)
        assert set(exact_scores(rows, query, metric).tolist()) == set(alone.tolist())


def test_best_orders_by_score_then_by_position() -> None:
    positions, scores = best(
        np.array([0.5, 0.9, 0.5, 0.5], np.float32), np.array([40, 7, 10, 20]), 3
    )
    assert positions.tolist() == [7, 10, 20]
    assert scores.tolist() == pytest.approx([0.9, 0.5, 0.5])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(Metric),
    spread=st.sampled_from([0.0, 1e-7, 1e-5, 1e-3, 1.0]),
    scale=st.sampled_from([1e-20, 1e-6, 1.0, 1e6, 1e18]),
    share=st.sampled_from([None, 0.1, 0.9]),
    k=st.integers(1, 20),
)
def test_the_shortlist_loses_nothing(
    seed: int, metric: Metric, spread: float, scale: float, share: float | None, k: int
) -> None:
    rng = np.random.default_rng(seed)
    base = rng.standard_normal(48)
    rows = ((base + spread * rng.standard_normal((200, 48))) * scale).astype(np.float32)
    queries = ((base + rng.standard_normal((3, 48))) * scale).astype(np.float32)
    alive = None if share is None else rng.random(200) < share
    lengths = np.linalg.norm(rows, axis=1)
    shortlists = Shortlister(rows, lengths, metric).shortlist(queries, k, alive)
    eligible = np.arange(200) if alive is None else np.flatnonzero(alive)
    for query, shortlist in zip(queries, shortlists, strict=True):
        assert (np.diff(shortlist) > 0).all()
        assert np.isin(shortlist, eligible).all()
        scores = exact_scores(rows, query, metric)
        wanted = eligible[top_k(scores[eligible], k)]
        assert shortlist[top_k(scores[shortlist], k)].tolist() == wanted.tolist()


def test_the_shortlist_is_short() -> None:
    rows = np.random.default_rng(0).standard_normal((2000, 64)).astype(np.float32)
    shortlister = Shortlister(rows, np.linalg.norm(rows, axis=1), Metric.COSINE)
    (found,) = shortlister.shortlist(rows[:1], 10, None)
    assert 10 <= len(found) <= 12
