"""Maximal marginal relevance: hits that answer, and do not repeat each other."""

from __future__ import annotations

import numpy as np

from nearfield.errors import InputError
from nearfield.metric import normalise
from nearfield.types import FloatArray, IntArray

__all__ = ["maximal_marginal_relevance"]


def maximal_marginal_relevance(
    vectors: FloatArray, relevance: FloatArray, k: int, *, diversity: float
) -> IntArray:
    """Choose `k` of n candidates, one after the other.

    Each time the one is taken that maximises
    ``(1 - diversity) * relevance - diversity * (cosine to the nearest one taken before)``
    (Carbonell and Goldstein 1998).

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, dimension)
    relevance : ndarray of float32, shape (n,)
        Best scaled like a cosine: it is weighed against one.
    k : int
        At least 0.
    diversity : float
        0 ranks by relevance alone; 1 looks only at how different hits are.

    Returns
    -------
    ndarray of int64, shape (min(k, n),)
        Positions, in the order in which they were chosen.

    Examples
    --------
    >>> vectors = np.array([[1, 0], [1, 0.01], [0, 1]], dtype=np.float32)
    >>> relevance = np.array([0.9, 0.89, 0.5], dtype=np.float32)
    >>> maximal_marginal_relevance(vectors, relevance, 2, diversity=0.5).tolist()
    [0, 2]
    """
    if not 0.0 <= diversity <= 1.0:
        raise InputError(f"diversity is {diversity}: expected a share from 0 to 1")
    unit = normalise(vectors)
    worth = (1.0 - diversity) * relevance.astype(np.float64)
    nearest = np.zeros(len(unit))  # before the first choice nothing is repeated
    open_ = np.ones(len(unit), dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(k, len(unit))):
        gain = np.where(open_, worth - diversity * nearest, -np.inf)
        best = int(np.argmax(gain))
        cosines = unit @ unit[best]
        nearest = cosines if not chosen else np.maximum(nearest, cosines)
        chosen.append(best)
        open_[best] = False
    return np.array(chosen, dtype=np.int64)
