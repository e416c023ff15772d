"""Scores that depend on the two vectors alone, so that equal vectors tie exactly.

A matrix product sums in another order at the edge of a block than in its middle, hence two
equal rows may differ in the last bit and ties would go the wrong way. Here each score is
summed in float64, row by row in one and the same order, and rounded once. Simple and slow: the
oracle's; :mod:`nearfield.ann.exact` does the same fast.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.metric import Metric, top_k
from nearfield.types import FloatArray, IntArray

__all__ = ["best", "exact_scores"]

Doubles = npt.NDArray[np.float64]

_BLOCK = 4096


def exact_scores(rows: FloatArray, query: FloatArray, metric: Metric) -> FloatArray:
    """Score each row against one query; higher is closer.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, dimension)
    query : ndarray of float32, shape (dimension,)
    metric : Metric

    Returns
    -------
    ndarray of float32, shape (n,)
        Cosine in [-1, 1], dot product, or negated Euclidean distance.

    Examples
    --------
    >>> rows = np.array([[3.0, 4.0], [0.0, 1.0]], dtype=np.float32)
    >>> exact_scores(rows, np.array([0.0, 2.0], dtype=np.float32), Metric.COSINE).tolist()
    [0.800000011920929, 1.0]
    """
    scores = np.empty(len(rows), dtype=np.float32)
    wanted = query.astype(np.float64)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float64)
        # A dot product beyond float32's range is infinite, as its ranking demands.
        with np.errstate(over="ignore"):
            scores[start : start + _BLOCK] = _scores(block, wanted, metric)
    return scores


def _scores(rows: Doubles, query: Doubles, metric: Metric) -> Doubles:
    match metric:
        case Metric.COSINE:
            lengths = np.sqrt((rows * rows).sum(axis=1)) * np.sqrt((query * query).sum())
            cosines: Doubles = np.clip((rows * query).sum(axis=1) / lengths, -1.0, 1.0)
            return cosines
        case Metric.DOT:
            dots: Doubles = (rows * query).sum(axis=1)
            return dots
        case Metric.EUCLIDEAN:
            apart = rows - query
            distances: Doubles = -np.sqrt((apart * apart).sum(axis=1))
            return distances


def best(scores: FloatArray, positions: IntArray, k: int) -> tuple[IntArray, FloatArray]:
    """The `k` highest scores, ties by smaller position.

    Parameters
    ----------
    scores : ndarray of float32, shape (n,)
    positions : ndarray of int64, shape (n,)
        Place of each row in the order of insertion; need not be sorted.
    k : int

    Returns
    -------
    positions : ndarray of int64, shape (min(k, n),)
    scores : ndarray of float32, same shape
    """
    order = np.argsort(positions, kind="stable")
    chosen = order[top_k(scores[order], k)]
    return positions[chosen], scores[chosen]
