"""What nearest neighbours say: hubs, duplicates, and how many directions there really are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.metric import normalise
from nearfield.types import FloatArray, IntArray

__all__ = ["Neighbours", "nearest_of_each", "neighbours", "skewness", "two_nn"]

_AT_ONCE = 512
_SAME = 1e-6
"""Cosine distance up to which two vectors are the same one: rounding in float32."""

_ALIKE = 0.02
"""Cosine distance up to which two vectors are near-duplicates."""

_DISCARDED = 0.1
"""Share of the largest ratios that the fit leaves out, as in the paper."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the nearest neighbours of every row say.

    Attributes
    ----------
    k : int
        Neighbours that count for hubs.
    hubness : float
        Skewness of how often rows are among the `k` nearest of others; 0 is even.
    orphans : float
        Share of rows that are among nobody's nearest, in [0, 1].
    largest_hub : int
        How often the most frequent row is.
    hubs : tuple of int
        The ten most frequent rows, most frequent first.
    same, alike : float
        Shares of rows with another row at cosine distance at most 1e-6, and at most 0.02.
    intrinsic_dimension : float
        By :func:`two_nn`; NaN where too few rows are distinct.
    """

    k: int
    hubness: float
    orphans: float
    largest_hub: int
    hubs: tuple[int, ...]
    same: float
    alike: float
    intrinsic_dimension: float


def neighbours(vectors: FloatArray, k: int = 10) -> Neighbours:
    """Compare every row with every other one.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, dimension)
        More than `k` rows, none zero; directions count, not lengths.
    k : int

    References
    ----------
    Hubness: Radovanović, Nanopoulos and Ivanović, "Hubs in space: popular nearest neighbors in
    high-dimensional data", 2010.

    Raises
    ------
    InputError
        There are too few rows.
    """
    if len(vectors) <= k:
        raise InputError(f"{len(vectors)} vectors have no {k} neighbours each: give more")
    places, distances = nearest_of_each(vectors, k)
    times = np.bincount(places.ravel(), minlength=len(vectors))
    hubs = np.argsort(-times, kind="stable")[:10]
    return Neighbours(
        k=k,
        hubness=skewness(times.astype(np.float64)),
        orphans=float((times == 0).mean()),
        largest_hub=int(times.max()),
        hubs=tuple(hubs.tolist()),
        same=float((distances[:, 0] <= _SAME).mean()),
        alike=float((distances[:, 0] <= _ALIKE).mean()),
        # On the sphere the chord is √(2 · cosine distance), and small chords are arcs.
        intrinsic_dimension=_dimension(vectors, distances),
    )


def nearest_of_each(vectors: FloatArray, k: int) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """The `k` nearest other rows of each row by cosine, and their cosine distances.

    Returns
    -------
    places : ndarray of int64, shape (n, k)
        Nearest first.
    distances : ndarray of float64, shape (n, k)
        In [0, 2], ascending.
    """
    unit = normalise(vectors).astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    places = np.empty((len(unit), k), dtype=np.int64)
    distances = np.empty((len(unit), k))
    rough = unit.astype(np.float32)
    spare = min(k + 8, len(unit) - 1)
    for start in range(0, len(unit), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(unit)))
        scores = rough[rows] @ rough.T
        scores[np.arange(len(rows)), rows] = -np.inf
        found = np.argpartition(-scores, spare - 1, axis=1)[:, :spare]
        # Differences, not products: the distance of near duplicates drowns in 1 − cosine.
        apart = 0.5 * ((unit[found] - unit[rows][:, None, :]) ** 2).sum(axis=2)
        order = np.argsort(apart, axis=1, kind="stable")[:, :k]
        places[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.take_along_axis(apart, order, axis=1)
    return places, distances


def two_nn(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Intrinsic dimension from the distances to the two nearest neighbours.

    Their ratio μ = r₂ / r₁ follows the law F(μ) = 1 − μ^−d, whatever the density, so that d is
    the slope of −ln(1 − F(μ)) against ln μ through the origin; the tenth with the largest ratios
    is left out.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n,)
        Positive distances, first ≤ second; rows whose first one is 0 are passed over.

    Returns
    -------
    float
        NaN where fewer than 10 rows are left.

    References
    ----------
    Facco, d'Errico, Rodriguez and Laio, "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information", 2017.
    """
    usable = first > 0
    ratios = np.sort(second[usable] / first[usable])
    count = len(ratios)
    kept = int(count * (1 - _DISCARDED))
    if kept < 10:
        return float("nan")
    x = np.log(ratios[:kept])
    y = -np.log1p(-np.arange(1, kept + 1) / count)
    squares = float((x * x).sum())
    return float((x * y).sum() / squares) if squares else float("nan")


def skewness(values: npt.NDArray[np.float64]) -> float:
    """Third standardised moment, E[(x − μ)³] / σ³; 0 where all values are equal.

    Examples
    --------
    >>> round(skewness(np.array([0.0, 0.0, 0.0, 4.0])), 4)
    1.1547
    """
    centred = values - values.mean()
    spread = float((centred**2).mean())
    return float((centred**3).mean() / spread**1.5) if spread else 0.0


def _dimension(vectors: FloatArray, distances: npt.NDArray[np.float64]) -> float:
    """Of the distinct rows: copies would make the nearest neighbour no neighbour at all."""
    copies = distances[:, 0] <= _SAME
    if copies.any():
        distinct = np.unique(normalise(vectors).round(5), axis=0)
        if len(distinct) < 20:
            return float("nan")
        _, distances = nearest_of_each(distinct, 2)
    chords = np.sqrt(2.0 * distances[:, :2])
    return two_nn(chords[:, 0], chords[:, 1]) if chords.shape[1] == 2 else float("nan")
