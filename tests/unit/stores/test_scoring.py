"""The oracle's scores."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.metric import Metric
from nearfield.stores.scoring import best, exact_scores


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
