"""Put several rankings of one question into one.

Reciprocal ranks (Cormack, Clarke and Büttcher 2009) look at places only, so they need no knowledge
of the scores. The convex combination (Bruch, Gai and Ingber 2023) keeps how far apart scores are:
each path's scores are brought to [0, 1] by a bound that is known beforehand and the best score
found, and mixed with a weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.types import FloatArray, IntArray, Ranking

__all__ = ["Fused", "convex", "lower_bound_scaled", "reciprocal_rank"]

RANK_CONSTANT = 60
"""Damps the head of each list; the value of the paper, and not sensitive there."""


@dataclass(frozen=True, slots=True)
class Fused:
    """One ranking out of several.

    Attributes
    ----------
    keys : ndarray of int64, shape (n,)
        Best first; equal scores in order of key, which is the order of insertion.
    scores : ndarray of float32, shape (n,)
    """

    keys: IntArray
    scores: FloatArray


def reciprocal_rank(
    rankings: Mapping[str, Ranking],
    *,
    weights: Mapping[str, float] | None = None,
    constant: int = RANK_CONSTANT,
) -> Fused:
    """Sum ``weight / (constant + rank)`` over the rankings that hold a key.

    Parameters
    ----------
    rankings : mapping of str to Ranking
        By the name of the path.
    weights : mapping of str to float, optional
        Of each path; 1 where none is given.
    constant : int
        At least 0.

    Examples
    --------
    >>> dense = Ranking(np.array([7, 3]), np.array([0.9, 0.8], dtype=np.float32), "exact")
    >>> words = Ranking(np.array([3, 5]), np.array([12.0, 7.0], dtype=np.float32), "lexical")
    >>> fused = reciprocal_rank({"dense": dense, "lexical": words})
    >>> fused.keys.tolist(), [round(float(score), 4) for score in fused.scores]
    ([3, 7, 5], [0.0325, 0.0164, 0.0161])
    """
    if constant < 0:
        raise InputError(f"the rank constant is {constant}: it must be 0 or more")
    totals: dict[int, float] = {}
    for name, ranking in rankings.items():
        weight = _weight(weights, name)
        for rank, key in enumerate(ranking.keys.tolist(), start=1):
            totals[key] = totals.get(key, 0.0) + weight / (constant + rank)
    keys = np.fromiter(totals, dtype=np.int64, count=len(totals))
    return _ranked(keys, np.fromiter(totals.values(), dtype=np.float64, count=len(totals)))


def convex(
    keys: IntArray,
    scores: Mapping[str, FloatArray],
    *,
    weights: Mapping[str, float],
    bounds: Mapping[str, float],
) -> Fused:
    """Mix the scores that every path gives to the same keys.

    Parameters
    ----------
    keys : ndarray of int64, shape (n,)
    scores : mapping of str to ndarray of float32, shape (n,)
        Of every path for every key.
    weights : mapping of str to float
        They are divided by their sum.
    bounds : mapping of str to float
        The least score each path could give, such as -1 for cosine and 0 for BM25.

    Examples
    --------
    >>> given = {"dense": np.array([0.5, 0.0]), "lexical": np.array([0.0, 8.0])}
    >>> bounds = {"dense": -1.0, "lexical": 0.0}
    >>> convex(np.array([1, 2]), given, weights={"dense": 0.8, "lexical": 0.2}, bounds=bounds)
    Fused(keys=array([1, 2]), scores=array([0.8       , 0.73333335], dtype=float32))
    """
    total = sum(_weight(weights, name) for name in scores)
    if total <= 0:
        raise InputError(f"weights {dict(weights)} sum to {total}: at least one must be positive")
    mixed = np.zeros(len(keys), dtype=np.float64)
    for name, values in scores.items():
        share = _weight(weights, name) / total
        mixed += share * lower_bound_scaled(values, bounds[name])
    return _ranked(keys, mixed)


def lower_bound_scaled(scores: npt.NDArray[np.floating], bound: float) -> npt.NDArray[np.float64]:
    """Scores as shares of the way from the least possible one to the best one found.

    Unlike min-max scaling this does not push the worst candidate to 0, whatever its score.
    """
    values = np.asarray(scores, dtype=np.float64)
    span = float(values.max(initial=bound)) - bound
    if span <= 0:
        return np.zeros(len(values))
    return np.asarray((values - bound) / span)


def _weight(weights: Mapping[str, float] | None, name: str) -> float:
    weight = 1.0 if weights is None else weights.get(name, 1.0)
    if not (np.isfinite(weight) and weight >= 0):
        raise InputError(f"the weight of {name} is {weight}: it must be a number from 0 on")
    return weight


def _ranked(keys: IntArray, scores: npt.NDArray[np.float64]) -> Fused:
    order = np.lexsort((keys, -scores))
    return Fused(keys[order], scores[order].astype(np.float32))
