"""Scores that depend on the two vectors alone, so that equal vectors tie exactly.

A matrix product sums in another order at the edge of a block than in its middle, hence two
equal rows may differ in the last bit and ties would go the wrong way. Here each score is
summed in float64, row by row in one and the same order, and rounded once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.metric import Metric, top_k
from nearfield.types import FloatArray, IntArray

__all__ = ["Shortlister", "best", "best_places", "exact_scores"]

Doubles = npt.NDArray[np.float64]

_BLOCK = 4096
# Outside this range of lengths float32 sums may overflow or vanish; nothing is shortlisted then.
_SHORTEST, _LONGEST = 1e-12, 1e12


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
    chosen = best_places(scores, positions, k)
    return positions[chosen], scores[chosen]


def best_places(scores: FloatArray, positions: IntArray, k: int) -> IntArray:
    """Where in these arrays the `k` highest scores stand, ties by smaller position."""
    order = np.argsort(positions, kind="stable").astype(np.int64)
    chosen: IntArray = order[top_k(scores[order], k)]
    return chosen


class Shortlister:
    """Rows that may be among the `k` best, found by float32 matrix products.

    Every row whose float32 score lies within the rounding error's bound of the k-th best is
    kept, so that exact scores of the shortlist give the exact answer.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, dimension)
    lengths : ndarray of float32, shape (n,)
        Euclidean length of each row.
    metric : Metric
    """

    def __init__(self, rows: FloatArray, lengths: FloatArray, metric: Metric) -> None:
        self._rows = rows
        self._lengths = lengths
        self._metric = metric
        longest = float(lengths.max(initial=0.0))
        shortest = float(lengths.min(initial=1.0))
        self._longest = longest
        self._in_range = shortest > _SHORTEST and longest < _LONGEST

    def shortlist(
        self, queries: FloatArray, k: int, alive: npt.NDArray[np.bool_] | None
    ) -> list[IntArray]:
        """For each query the ascending positions of all rows that may be among its `k` best.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, dimension)
        k : int
        alive : ndarray of bool, shape (n,), optional
            Rows that take part; all of them when left out.
        """
        everyone = np.arange(len(self._rows)) if alive is None else np.flatnonzero(alive)
        lengths = np.linalg.norm(queries.astype(np.float64), axis=1)
        in_range = bool(((lengths > _SHORTEST) & (lengths < _LONGEST)).all())
        if len(everyone) <= k or not (self._in_range and in_range):
            return [everyone] * len(queries)
        # Gathering a few rows is cheaper than scoring all of them.
        gathered = len(everyone) * 4 < len(self._rows)
        rows = self._rows[everyone] if gathered else self._rows
        row_lengths = self._lengths[everyone] if gathered else self._lengths
        found = []
        for query, length, dots in zip(queries, lengths, queries @ rows.T, strict=True):
            keys, margin = self._keys(dots, row_lengths, float(length), len(query))
            if not gathered and alive is not None:
                keys[~alive] = -np.inf
            threshold = np.partition(keys, len(keys) - k)[len(keys) - k]
            near = np.flatnonzero(keys >= threshold - margin)
            found.append(everyone[near] if gathered else near)
        return found

    def _keys(
        self, dots: FloatArray, lengths: FloatArray, length: float, dimension: int
    ) -> tuple[FloatArray, float]:
        """Float32 keys that rank like the scores, and how far two of them may be off together.

        The error of a float32 dot product is at most dimension · 2⁻²³ · |a| · |b|, whatever the
        order of its sums (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1);
        the factor 4 covers two keys and the operations around the product.
        """
        relative = 4.0 * (dimension + 8) * 2.0**-23
        match self._metric:
            case Metric.COSINE:
                return dots / (lengths * np.float32(length)), relative
            case Metric.DOT:
                return dots, relative * self._longest * length
            case Metric.EUCLIDEAN:
                return 2 * dots - lengths * lengths, relative * (self._longest + length) ** 2
