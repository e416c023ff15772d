"""Which way the nearest vectors are found, and the ways themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearfield.ann import library
from nearfield.ann.codes import Codes
from nearfield.ann.exact import Records, exact_search, rescore
from nearfield.ann.lists import Lists
from nearfield.ann.nearest import ROW_HEAD, UnusableQuery, nearest_by_codes, tail_of
from nearfield.errors import UnsupportedOperation
from nearfield.masks import Mask, count_members, everything, mask_bytes, resized
from nearfield.metric import Metric
from nearfield.stores.checks import require_usable
from nearfield.stores.local.derived.building import EXACT_MOST
from nearfield.stores.local.derived.parts import Parts
from nearfield.stores.local.state import State
from nearfield.stores.local.vectors import HEADER_BYTES, record_bytes
from nearfield.types import FloatArray, IntArray, Word

__all__ = ["Nearest", "SearchPath", "choose", "nearest", "records_of", "without_graph"]

GRAPH_LEAST = 500_000
"""From so many vectors on a graph is walked where there is one; to fewer a scan is as fast."""

# With fewer slots behind the codes than this, each is a candidate; of more, the best are taken.
_SHORT_TAIL = 512
_TIES = 8
# Reading a vector from the file costs as much as scanning so many codes: of 1,000 among 100,000 and
# of 2,000 among 330,000 on, scanning is faster.
_FEW, _SCANNED_AS_FAST = 64, 200


class SearchPath(Word):
    """How nearest vectors are found.

    ``exact`` compares all; ``quantised`` scans small codes and compares the best exactly; ``graph``
    walks an HNSW graph and compares what it meets; ``auto`` takes what is fastest for the size.
    """

    AUTO = "auto"
    EXACT = "exact"
    QUANTISED = "quantised"
    GRAPH = "graph"


@dataclass(frozen=True, slots=True)
class Nearest:
    """The answer to one query: best first, ties in order of insertion.

    Attributes
    ----------
    slots, rows : ndarray of int64, shape (n,)
    scores : ndarray of float32, shape (n,)
    """

    slots: IntArray
    rows: IntArray
    scores: FloatArray


def choose(
    state: State, parts: Parts, allowed: Mask | None, wanted: SearchPath = SearchPath.AUTO
) -> SearchPath:
    """The way that serves a search.

    Raises
    ------
    UnsupportedOperation
        The way that is asked for needs a part that is not there.
    """
    if wanted is SearchPath.EXACT:
        return wanted
    if wanted is SearchPath.QUANTISED and parts.codes is None:
        raise UnsupportedOperation(
            f"there are no quantised vectors: they are made from {EXACT_MOST:,} vectors on, when "
            "the collection is next written to. Use the path 'exact'"
        )
    if wanted is SearchPath.GRAPH and parts.graph is None:
        raise without_graph()
    if wanted is not SearchPath.AUTO:
        return wanted
    if allowed is None or allowed is state.alive:
        walks = parts.graph is not None and len(parts.graph) >= GRAPH_LEAST
        if walks and parts.tuned.ef_reached >= parts.tuned.target:
            return SearchPath.GRAPH
    # Without the compiled library comparing all is faster than scanning codes.
    if parts.codes is None or not len(parts.codes) or library.choose() is None:
        return SearchPath.EXACT
    living = state.slots - state.dead if allowed is None else count_members(allowed)
    few = living <= max(_FEW, state.slots // _SCANNED_AS_FAST)
    return SearchPath.EXACT if few or not parts.tuned.is_reliable else SearchPath.QUANTISED


def without_graph() -> UnsupportedOperation:
    """What a search that needs the graph raises where there is none."""
    return UnsupportedOperation("there is no graph: build one with `nearfield graph`")


def nearest(
    state: State,
    parts: Parts,
    metric: Metric,
    queries: FloatArray,
    k: int,
    *,
    allowed: Mask | None,
    path: SearchPath,
) -> list[Nearest]:
    """The `k` nearest of each query among the allowed slots, all of them living.

    Parameters
    ----------
    state : State
    parts : Parts
        Of the state's generation.
    metric : Metric
    queries : ndarray of float32, shape (q, dimension)
    k : int
    allowed : Mask or None
        For `state.slots` slots; None allows all.
    path : SearchPath
        Not ``auto``; see :func:`choose`.
    """
    codes = parts.codes if path is SearchPath.QUANTISED else None
    if codes is not None and state.slots - len(codes) <= _SHORT_TAIL:
        return _by_codes(state, parts, codes, queries, k, allowed)
    require_usable(queries)
    if path is SearchPath.EXACT:
        return _exact(state, metric, queries, k, allowed)
    if path is SearchPath.GRAPH and parts.graph is not None:
        covered = len(parts.graph)
        limit = _limited(allowed, state.slots, covered)
        effort = parts.tuned.effort(k)
        walked = parts.graph.search(queries, min(3 * k, effort), effort, allowed=limit)
        if bool(walked.exhausted.any()):
            # So few are allowed that a walk does not meet them: comparing them is no more work.
            return _exact(state, metric, queries, k, allowed)
        found = walked.slots
    elif parts.codes is not None:
        covered = min(len(parts.codes), state.slots)
        within = _within(state, parts, allowed)
        candidates, coarse = _candidates(state, parts, k, allowed, within)
        found = parts.codes.search(
            queries, candidates, coarse=coarse, allowed=allowed, below=covered, within=within
        ).slots
    else:
        return _exact(state, metric, queries, k, allowed)
    if covered < state.slots:
        found = _with_tail(state, metric, queries, k, allowed, found, covered)
    slots, scores = rescore(
        records_of(state), queries, found, metric, min(k + _TIES, found.shape[1])
    )
    return _ordered(state, slots, scores, k)


def _by_codes(
    state: State, parts: Parts, codes: Codes, queries: FloatArray, k: int, allowed: Mask | None
) -> list[Nearest]:
    within = _within(state, parts, allowed)
    wanted = _candidates(state, parts, k, allowed, within)
    try:
        found = nearest_by_codes(codes, records_of(state), queries, k, wanted, allowed, within)
    except UnusableQuery:
        require_usable(queries)
        raise
    return [
        Nearest(slots, rows, scores)
        if slots[-1] >= 0
        else Nearest(slots[slots >= 0], rows[slots >= 0], scores[slots >= 0])
        for slots, rows, scores in zip(found.slots, found.rows, found.scores, strict=True)
    ]


def _within(state: State, parts: Parts, allowed: Mask | None) -> tuple[Lists, float] | None:
    # Under a filter nearly every list may hold some of the best; a scan skips what it leaves out.
    whole = allowed is None or allowed is state.alive
    return parts.tuned.within(parts.lists) if whole else None


def _candidates(
    state: State,
    parts: Parts,
    k: int,
    allowed: Mask | None,
    within: tuple[Lists, float] | None,
) -> tuple[int, int]:
    filtered = allowed is not None and allowed is not state.alive
    return parts.tuned.candidates(k, filtered=filtered, in_lists=within is not None)


def _exact(
    state: State, metric: Metric, queries: FloatArray, k: int, allowed: Mask | None
) -> list[Nearest]:
    if not state.slots:
        return [_nothing() for _ in queries]
    width = min(k + 1, state.slots)
    while True:
        slots, scores = exact_search(state.vectors, queries, width, metric, allowed)
        # Equal scores go by slot there, and by age here: all that tie with the last one count.
        tied = width > k and bool(np.any((slots[:, -1] >= 0) & (scores[:, -1] == scores[:, k - 1])))
        if not tied or width == state.slots:
            return _ordered(state, slots, scores, k)
        width = min(2 * width, state.slots)


def _ordered(state: State, slots: IntArray, scores: FloatArray, k: int) -> list[Nearest]:
    return [_by_age(state, found, points, k) for found, points in zip(slots, scores, strict=True)]


def _by_age(state: State, slots: IntArray, scores: FloatArray, k: int) -> Nearest:
    """The answer to one query: what is there, ties in order of insertion."""
    if len(slots) and slots[-1] < 0:
        there = slots >= 0
        slots, scores = slots[there], scores[there]
    rows = state.rows_of(slots)
    if len(scores) > 1 and bool((scores[1:] == scores[:-1]).any()):
        order = np.lexsort((rows, -scores))
        slots, rows, scores = slots[order], rows[order], scores[order]
    return Nearest(slots[:k], rows[:k], scores[:k])


def _nothing() -> Nearest:
    none = np.empty(0, dtype=np.int64)
    return Nearest(none, none, np.empty(0, dtype=np.float32))


def _with_tail(
    state: State,
    metric: Metric,
    queries: FloatArray,
    k: int,
    allowed: Mask | None,
    found: IntArray,
    covered: int,
) -> IntArray:
    """Add the best of the slots that no part covers yet."""
    if state.slots - covered <= _SHORT_TAIL:
        tail = tail_of(allowed, covered, state.slots)
        more = np.broadcast_to(tail, (len(queries), len(tail)))
    else:
        beyond = everything(state.slots) & ~resized(everything(covered), state.slots)
        mask = beyond if allowed is None else beyond & allowed
        width = min(k + _TIES, state.slots - covered)
        more = exact_search(state.vectors, queries, width, metric, mask)[0]
    return np.concatenate([found, more], axis=1)


def _limited(allowed: Mask | None, slots: int, covered: int) -> Mask | None:
    """The mask for a part that covers more or fewer slots than the state has."""
    if covered > slots:  # another process has written since this state
        return resized(everything(slots) if allowed is None else allowed, covered)
    if allowed is None or len(allowed) == mask_bytes(covered):
        return allowed
    return resized(allowed & resized(everything(covered), slots), covered)


def records_of(state: State) -> Records:
    """The vectors of a state as they lie in the file."""
    dimension = state.file.dimension
    return Records(
        file=state.file.descriptor,
        offset=HEADER_BYTES + ROW_HEAD,
        stride=record_bytes(dimension),
        count=state.slots,
        dimension=dimension,
    )
