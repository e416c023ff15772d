"""Measures of quality and agreement, small enough to check by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from nearfield.types import FloatArray

__all__ = ["cosines", "ndcg", "spearman"]


def cosines(a: FloatArray, b: FloatArray) -> npt.NDArray[np.float64]:
    """Cosine of each pair of rows, in float64: float32 lengths alone are off by 1e-7.

    Parameters
    ----------
    a, b : ndarray of float32, shape (n, d)
        Without zero rows.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    left, right = a.astype(np.float64), b.astype(np.float64)
    products: npt.NDArray[np.float64] = np.einsum("nd,nd->n", left, right)
    products /= np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return products


def ndcg(ranking: Sequence[str], relevance: Mapping[str, int], k: int = 10) -> float:
    """Normalised discounted cumulative gain of one ranking, as trec_eval's ``ndcg_cut``.

    DCG@k = Σ rel(i) / log₂(i + 1) over ranks i = 1 … k, divided by the same sum for the best
    possible ranking.

    Parameters
    ----------
    ranking : sequence of str
        Document ids, best first.
    relevance : mapping of str to int
        Judged documents; a missing one counts 0.
    k : int
        Ranks that count.

    Returns
    -------
    float
        In [0, 1]; 0 when nothing is relevant.

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.

    Examples
    --------
    >>> ndcg(["x", "b"], {"b": 1})
    0.6309297535714575
    """
    ideal = _dcg(sorted(relevance.values(), reverse=True)[:k])
    return _dcg([relevance.get(id_, 0) for id_ in ranking[:k]]) / ideal if ideal else 0.0


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's, of ranks; ties share their mean rank.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        At least two different values each.

    Returns
    -------
    float
        In [-1, 1].

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [10, 20, 40, 30]), 4)
    0.8
    """
    left, right = _ranks(np.asarray(a)), _ranks(np.asarray(b))
    return float(np.corrcoef(left, right)[0, 1])


def _dcg(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _ranks(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    mean_rank = ends - (sizes - 1) / 2
    ranks: npt.NDArray[np.float64] = mean_rank[group]
    return ranks
