"""Whether two snapshots of vectors come from one distribution, and what moved.

References
----------
Gretton, Borgwardt, Rasch, Schölkopf and Smola, "A kernel two-sample test", 2012: the maximum mean
discrepancy, its unbiased estimate, and the median heuristic for the kernel's width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.analysis.health.neighbours import nearest_of_each
from nearfield.errors import DimensionMismatch, InputError
from nearfield.metric import normalise
from nearfield.types import FloatArray

__all__ = ["Discrepancy", "Drift", "Moved", "discrepancy", "drift", "moved", "neighbour_overlap"]

_FEWEST = 10
_MOVED = 1e-4
"""Cosine distance that rounding and precision classes stay below."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """How far two samples are from being one.

    Attributes
    ----------
    mmd2 : float
        Unbiased estimate of the squared maximum mean discrepancy; about 0, and also below, for
        samples of one distribution.
    p : float
        Share of random partitions that are as far apart; below 0.05 the two differ.
    centroid : float
        Cosine distance of the means, in [0, 2].
    shift : float
        Distance of the means over the root of the mean squared distance from them.
    sampled : int
        Rows of each side that were compared.
    """

    mmd2: float
    p: float
    centroid: float
    shift: float
    sampled: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of vectors that both snapshots have.

    Attributes
    ----------
    common : int
        Ids of both.
    changed : float or None
        Share of them whose vectors are not the same any more (cosine distance above 1e-4); None
        where dimensions differ.
    overlap : float
        Mean share of the `k` nearest common neighbours that stayed, in [0, 1]; NaN for too few.
    k : int
    """

    common: int
    changed: float | None
    overlap: float
    k: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Two snapshots compared.

    Attributes
    ----------
    before, after : int
        Vectors of each.
    discrepancy : Discrepancy or None
        None where the two are no vectors of one space.
    moved : Moved or None
        None without ids.
    """

    before: int
    after: int
    discrepancy: Discrepancy | None
    moved: Moved | None


def drift(
    before: FloatArray,
    after: FloatArray,
    *,
    ids: tuple[Sequence[str], Sequence[str]] | None = None,
    same_space: bool = True,
    k: int = 10,
    seed: int = 0,
) -> Drift:
    """Compare two snapshots.

    Parameters
    ----------
    before, after : ndarray of float32, shape (n, dimension) and (m, dimension)
    ids : pair of sequences of str, optional
        Of the rows of each: what stands in both is followed.
    same_space : bool
        False for vectors of two models: only neighbourhoods can be compared then.
    k : int
        Neighbours that are followed.
    seed : int
        Of samples and partitions.

    Raises
    ------
    DimensionMismatch
        The two are said to be of one space and have different dimensions.
    """
    if same_space and before.shape[1] != after.shape[1]:
        raise DimensionMismatch(
            f"vectors of length {before.shape[1]} and {after.shape[1]} are of two spaces: say "
            "same_space=False to compare neighbourhoods only"
        )
    return Drift(
        before=len(before),
        after=len(after),
        discrepancy=discrepancy(before, after, seed=seed) if same_space else None,
        moved=None if ids is None else moved(before, after, ids, k=k, seed=seed),
    )


def discrepancy(
    before: FloatArray,
    after: FloatArray,
    *,
    most: int = 800,
    partitions: int = 500,
    seed: int = 0,
) -> Discrepancy:
    """Test whether two samples are of one distribution.

    Parameters
    ----------
    before, after : ndarray of float32, shape (n, dimension) and (m, dimension)
        Directions count, not lengths.
    most : int
        Rows of each side that are drawn.
    partitions : int
        Random partitions; p is never below 1 / (partitions + 1).
    seed : int

    Raises
    ------
    InputError
        One side has fewer than 10 rows.
    """
    for name, rows in (("before", before), ("after", after)):
        if len(rows) < _FEWEST:
            raise InputError(f"{name} has {len(rows)} vectors: a test takes at least {_FEWEST}")
    chance = np.random.default_rng(seed)
    left, right = (
        normalise(rows[np.sort(chance.choice(len(rows), min(most, len(rows)), replace=False))])
        for rows in (before, after)
    )
    both = np.concatenate([left, right]).astype(np.float64)
    squares = np.maximum(2.0 - 2.0 * (both @ both.T), 0.0)
    width = float(np.median(squares[np.triu_indices(len(both), 1)])) or 1.0
    kernel = np.exp(-squares / width)
    np.fill_diagonal(kernel, 0.0)
    own = np.zeros(len(both))
    own[: len(left)] = 1.0
    observed = float(_mmd2(kernel, own[None, :])[0])
    drawn = np.stack([chance.permutation(own) for _ in range(partitions)])
    extreme = int((_mmd2(kernel, drawn) >= observed - 1e-12).sum())
    means = left.mean(axis=0, dtype=np.float64), right.mean(axis=0, dtype=np.float64)
    norms = float(np.linalg.norm(means[0]) * np.linalg.norm(means[1]))
    spread = 0.5 * sum(
        float(((rows - mean) ** 2).sum(axis=1).mean())
        for rows, mean in zip((left, right), means, strict=True)
    )
    return Discrepancy(
        mmd2=observed,
        p=(extreme + 1) / (partitions + 1),
        centroid=1.0 - float(means[0] @ means[1]) / norms if norms else 0.0,
        shift=float(np.linalg.norm(means[0] - means[1])) / max(spread, 1e-12) ** 0.5,
        sampled=min(len(left), len(right)),
    )


def moved(
    before: FloatArray,
    after: FloatArray,
    ids: tuple[Sequence[str], Sequence[str]],
    *,
    k: int = 10,
    most: int = 3000,
    seed: int = 0,
) -> Moved:
    """Follow the vectors that both snapshots have.

    Raises
    ------
    InputError
        Ids and vectors are not equally many.
    """
    for rows, names in zip((before, after), ids, strict=True):
        if len(rows) != len(names):
            raise InputError(f"{len(names)} ids for {len(rows)} vectors")
    later = {name: at for at, name in enumerate(ids[1])}
    pairs = [(at, later[name]) for at, name in enumerate(ids[0]) if name in later]
    if len(pairs) > most:
        chosen = np.random.default_rng(seed).choice(len(pairs), most, replace=False)
        pairs = [pairs[at] for at in np.sort(chosen).tolist()]
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    old, new = before[places[:, 0]], after[places[:, 1]]
    changed = None
    if old.shape[1] == new.shape[1] and len(places):
        cosines = (normalise(old).astype(np.float64) * normalise(new)).sum(axis=1)
        changed = float((1.0 - cosines > _MOVED).mean())
    enough = len(places) > k
    return Moved(
        common=sum(name in later for name in ids[0]),
        changed=changed,
        overlap=float(neighbour_overlap(old, new, k).mean()) if enough else float("nan"),
        k=k,
    )


def neighbour_overlap(
    before: FloatArray, after: FloatArray, k: int = 10
) -> npt.NDArray[np.float64]:
    """Share of each row's `k` nearest rows that are the same in two spaces, shape (n,).

    Parameters
    ----------
    before, after : ndarray of float32, shape (n, d) and (n, e)
        Row i is the same passage in both; more than `k` rows.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    >>> float(neighbour_overlap(rows, 2 * rows, 5).mean())
    1.0
    """
    here, there = nearest_of_each(before, k)[0], nearest_of_each(after, k)[0]
    return np.array(
        [len(np.intersect1d(a, b)) / k for a, b in zip(here, there, strict=True)], dtype=np.float64
    )


def _mmd2(
    kernel: npt.NDArray[np.float64], sides: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Unbiased estimates for several partitions; `kernel` has zeros on its diagonal."""
    first = sides.sum(axis=1)
    second = sides.shape[1] - first
    rows = sides @ kernel
    within = (rows * sides).sum(axis=1)
    across = rows.sum(axis=1) - within
    other = kernel.sum() - within - 2.0 * across
    result: npt.NDArray[np.float64] = (
        within / (first * (first - 1))
        + other / (second * (second - 1))
        - 2.0 * across / (first * second)
    )
    return result
