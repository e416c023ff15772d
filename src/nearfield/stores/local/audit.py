"""What the fast search paths miss: measured against exact search on the own vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from nearfield.errors import InputError
from nearfield.masks import Mask, mask_of, members
from nearfield.metric import Metric, pairwise
from nearfield.stores.local.derived.tuning import sample
from nearfield.stores.local.paths import Nearest, SearchPath
from nearfield.stores.local.view import LocalView
from nearfield.types import FloatArray, IntArray

__all__ = ["AuditReport", "Audited", "audit", "share_of", "wilson"]

_SHARES = (0.5, 0.1, 0.01, 0.001)
_REGIONS = 10
_LEAST_REGIONS = 1000
_AT_ONCE = 65536
_SEED = 11
_Z = 1.96

_MaskOf: TypeAlias = Callable[[int], Mask | None]


@dataclass(frozen=True, slots=True)
class Audited:
    """Recall under one condition.

    Attributes
    ----------
    condition : str
        What was searched: ``all``, or the share of slots that a filter left.
    path : str
        The search path that served.
    recall : float
        Mean share of the true `k` nearest that were found.
    low, high : float
        95% confidence interval of the mean (Wilson, over all k × queries places).
    worst : float
        Recall of the worst query.
    milliseconds : float
        Median time of one query, without fetching texts.
    """

    condition: str
    path: str
    recall: float
    low: float
    high: float
    worst: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found.

    Attributes
    ----------
    vectors : int
        Living vectors.
    dead : int
        Deleted ones that still take up slots.
    k, queries : int
    target : float
        Recall that parameters were chosen for.
    rows : tuple of Audited
    """

    vectors: int
    dead: int
    k: int
    queries: int
    target: float
    rows: tuple[Audited, ...]


def audit(
    view: LocalView,
    *,
    k: int = 10,
    queries: FloatArray | None = None,
    sampled: int = 100,
    path: SearchPath = SearchPath.AUTO,
) -> AuditReport:
    """Measure recall@k of a search path, overall and under filters.

    Filters are simulated by masks of slots: random ones of 50%, 10%, 1% and 0.1%; and, correlated
    with the query, the vectors nearest to one of ten random ones (a tenth of all on average): the
    region that the query lies in, and the one farthest from it.

    Parameters
    ----------
    view : LocalView
    k : int
    queries : ndarray of float32, shape (q, dimension), optional
        Real questions' vectors; without them the collection's own vectors are asked, each
        without itself.
    sampled : int
        How many of its own.
    path : SearchPath

    Raises
    ------
    InputError
        The collection is empty.
    """
    state = view.state
    alive = members(state.alive) if state.alive is not None else np.arange(state.slots)
    if not len(alive):
        raise InputError("there is nothing to audit: the collection is empty")
    own: IntArray | None = None
    if queries is None:
        own = sample(state, state.slots, sampled)
        queries = np.ascontiguousarray(state.read(own)["vector"])
    rows = [
        _measured(view, name, queries, own, k, allowed, path)
        for name, allowed in _conditions(view, alive, queries)
    ]
    return AuditReport(len(alive), state.dead, k, len(queries), view.target, tuple(rows))


def _conditions(
    view: LocalView, alive: IntArray, queries: FloatArray
) -> Iterator[tuple[str, _MaskOf]]:
    state = view.state
    yield "all", lambda _: state.alive
    rng = np.random.default_rng(_SEED)
    order = rng.permutation(alive)
    for share in _SHARES:
        kept = int(len(alive) * share)
        if kept >= 1:
            yield f"random {share:g}", _constant(mask_of(order[:kept], state.slots))
    if len(alive) >= _LEAST_REGIONS:
        regions = Regions.around(view, order[:_REGIONS], alive)
        yield "own region", lambda row: regions.mask(queries[row], nearest=True)
        yield "far region", lambda row: regions.mask(queries[row], nearest=False)


def _constant(mask: Mask) -> _MaskOf:
    return lambda _: mask


@dataclass(frozen=True, slots=True)
class Regions:
    """All living vectors, each with the nearest one of a few chosen ones.

    Attributes
    ----------
    centres : ndarray of float32, shape (regions, dimension)
    alive : ndarray of int64, shape (n,)
    region : ndarray of int64, shape (n,)
    slots : int
    metric : Metric
    """

    centres: FloatArray
    alive: IntArray
    region: IntArray
    slots: int
    metric: Metric

    @classmethod
    def around(cls, view: LocalView, chosen: IntArray, alive: IntArray) -> Regions:
        """Assign every living vector to one of the chosen slots."""
        state = view.state
        centres = view.vectors(chosen)
        region = np.empty(len(alive), dtype=np.int64)
        for start in range(0, len(alive), _AT_ONCE):
            slots = alive[start : start + _AT_ONCE]
            scores = pairwise(np.ascontiguousarray(state.vectors[slots]), centres, view.metric)
            region[start : start + _AT_ONCE] = scores.argmax(axis=1)
        return cls(centres, alive, region, state.slots, view.metric)

    def mask(self, query: FloatArray, *, nearest: bool) -> Mask:
        """The region whose centre is nearest to a query, or farthest from it."""
        scores = pairwise(query[None, :], self.centres, self.metric)[0]
        wanted = int(scores.argmax() if nearest else scores.argmin())
        return mask_of(self.alive[self.region == wanted], self.slots)


def _measured(
    view: LocalView,
    condition: str,
    queries: FloatArray,
    own: IntArray | None,
    k: int,
    allowed: _MaskOf,
    path: SearchPath,
) -> Audited:
    shares, seconds, places, taken = [], [], 0, ""
    for row, query in enumerate(queries):
        mask = allowed(row)
        begun = time.perf_counter()
        (found,), taken = view.nearest_of_each(query[None, :], k + 1, mask, path)
        seconds.append(time.perf_counter() - begun)
        (truth,), _ = view.nearest_of_each(query[None, :], k + 1, mask, SearchPath.EXACT)
        itself = -1 if own is None else int(own[row])
        wanted = _without(truth, itself, k)
        shares.append(share_of(_without(found, itself, k), wanted))
        places += len(wanted)
    recall = float(np.mean(shares))
    low, high = wilson(recall, max(places, 1))
    return Audited(
        condition, taken, recall, low, high, float(min(shares)), float(np.median(seconds)) * 1e3
    )


def _without(found: Nearest, itself: int, k: int) -> IntArray:
    others: IntArray = found.slots[found.slots != itself]
    return others[:k]


def share_of(found: IntArray, wanted: IntArray) -> float:
    """Share of what was wanted that was found; 1 where nothing was."""
    return len(np.intersect1d(found, wanted)) / len(wanted) if len(wanted) else 1.0


def wilson(share: float, trials: int) -> tuple[float, float]:
    """Wilson's score interval for a share of `trials` (1927)."""
    centre = (share + _Z * _Z / (2 * trials)) / (1 + _Z * _Z / trials)
    spread = share * (1 - share) / trials + _Z * _Z / (4 * trials * trials)
    half = _Z / (1 + _Z * _Z / trials) * spread**0.5
    return max(0.0, centre - half), min(1.0, centre + half)
