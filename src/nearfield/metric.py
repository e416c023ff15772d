"""How near two vectors are, and which ones are nearest.

Above this module higher always means closer: Euclidean distances are negated once, here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.errors import DimensionMismatch, InputError
from nearfield.types import FloatArray, IntArray, Word

__all__ = ["Metric", "normalise", "pairwise", "similarity", "top_k"]


class Metric(Word):
    """How two vectors are compared.

    ``cosine`` ignores length, ``dot`` rewards it, ``euclidean`` measures the straight line.
    On unit vectors all three rank alike: d² = 2 - 2·cos.
    """

    COSINE = "cosine"
    DOT = "dot"
    EUCLIDEAN = "euclidean"


def normalise(vectors: npt.ArrayLike) -> FloatArray:
    """Scale each row to unit Euclidean length; a zero row stays zero.

    Parameters
    ----------
    vectors : array-like of shape (n, dim) or (dim,)

    Returns
    -------
    ndarray of float32, same shape, C-contiguous

    Examples
    --------
    >>> print(normalise([[3.0, 4.0], [0.0, 0.0]]))
    [[0.6 0.8]
     [0.  0. ]]
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    length[length == 0.0] = 1.0
    scaled: FloatArray = rows / length
    return scaled


def similarity(
    a: npt.ArrayLike, b: npt.ArrayLike, *, metric: Metric | str = Metric.COSINE
) -> FloatArray:
    """Score every row of `a` against every row of `b`; higher is closer.

    Parameters
    ----------
    a : array-like of shape (n, dim) or (dim,)
    b : array-like of shape (m, dim) or (dim,)
    metric : {"cosine", "dot", "euclidean"}
        ``euclidean`` gives the negated distance, in (-inf, 0].

    Returns
    -------
    ndarray of float32, shape (n, m)
        A single vector counts as one row.

    Raises
    ------
    DimensionMismatch
        The two sides have vectors of different lengths.
    InputError
        The metric is unknown, or an input has more than two axes.

    Examples
    --------
    >>> similarity([1.0, 0.0], [[2.0, 0.0], [0.0, 5.0]]).tolist()
    [[1.0, 0.0]]
    >>> similarity([0.0, 0.0], [[3.0, 4.0]], metric="euclidean").tolist()
    [[-5.0]]
    """
    left, right = _rows(a, "a"), _rows(b, "b")
    if left.shape[1] != right.shape[1]:
        raise DimensionMismatch(
            f"vectors of length {left.shape[1]} cannot be compared with vectors of length "
            f"{right.shape[1]}: encode both sides with the same model and dimensions"
        )
    return pairwise(left, right, Metric.of(metric))


def pairwise(left: FloatArray, right: FloatArray, metric: Metric) -> FloatArray:
    """Score checked float32 matrices (n, dim) × (m, dim) → (n, m); higher is closer."""
    match metric:
        case Metric.COSINE:
            scores: FloatArray = normalise(left) @ normalise(right).T
            return np.clip(scores, -1.0, 1.0, out=scores)
        case Metric.DOT:
            return np.ascontiguousarray(left @ right.T)
        case Metric.EUCLIDEAN:
            return -_euclidean(left, right)


def top_k(scores: npt.NDArray[np.floating], k: int) -> IntArray:
    """Positions of the `k` highest scores of each row, best first.

    Ties go to the smaller position, so equal scores give equal answers on every machine.

    Parameters
    ----------
    scores : ndarray of shape (m,) or (n, m)
    k : int
        At least 0; fewer positions come back when m < k.

    Returns
    -------
    ndarray of int64, shape (min(k, m),) or (n, min(k, m))

    Examples
    --------
    >>> top_k(np.array([0.5, 0.9, 0.5, 0.1]), 3).tolist()
    [1, 0, 2]
    """
    if k < 0:
        raise InputError(f"k is {k}: it must be 0 or more")
    if scores.ndim == 2:
        width = min(k, scores.shape[1])
        rows = [top_k(row, k) for row in scores]
        return np.stack(rows) if rows else np.empty((0, width), dtype=np.int64)
    m = len(scores)
    if k >= m:
        return np.argsort(-scores, kind="stable").astype(np.int64)
    if k == 0:
        return np.empty(0, dtype=np.int64)
    # The k-th highest value decides who is in; a stable sort of the candidates, which are
    # in order of position, then breaks ties by position.
    threshold = np.partition(scores, m - k)[m - k]
    above = np.flatnonzero(scores > threshold)
    level = np.flatnonzero(scores == threshold)[: k - len(above)]
    candidates = np.sort(np.concatenate([above, level]))
    order = np.argsort(-scores[candidates], kind="stable")
    chosen: IntArray = candidates[order].astype(np.int64)
    return chosen


def _euclidean(left: FloatArray, right: FloatArray) -> FloatArray:
    # float64 inside: |a|² + |b|² - 2ab cancels catastrophically for near neighbours in float32.
    a, b = left.astype(np.float64), right.astype(np.float64)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T)
    distances: FloatArray = np.sqrt(np.maximum(squares, 0.0)).astype(np.float32)
    return distances


def _rows(value: npt.ArrayLike, name: str) -> FloatArray:
    rows = np.asarray(value, dtype=np.float32)
    if rows.ndim == 1:
        rows = rows[None, :]
    if rows.ndim != 2:
        raise InputError(f"{name} has shape {rows.shape}: expected (dim,) or (n, dim)")
    return np.ascontiguousarray(rows)
