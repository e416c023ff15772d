"""Exact search: every living vector scored, in the order of the true distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nearfield.metric import Metric
from nearfield.stores.local.state import State
from nearfield.stores.masks import Mask
from nearfield.stores.scoring import Shortlister, best_places, exact_scores
from nearfield.types import FloatArray, IntArray

__all__ = ["ExactSearch", "Nearest"]

# Scores of a batch of queries are kept below this many at a time (64 MB).
_SCORES_AT_ONCE = 1 << 24


class Nearest(NamedTuple):
    """The answer to one query, best first, ties by row.

    Attributes
    ----------
    slots, rows : ndarray of int64, shape (n,)
    scores : ndarray of float32, shape (n,)
    """

    slots: IntArray
    rows: IntArray
    scores: FloatArray


class _Prepared(NamedTuple):
    """What a search needs of a state beyond its vectors."""

    generation: int
    sequence: int
    lengths: FloatArray
    shortlister: Shortlister | None


class ExactSearch:
    """Finds the nearest slots of a state by looking at all of them.

    Parameters
    ----------
    metric : Metric
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._known = _Prepared(0, -1, np.empty(0, dtype=np.float32), None)

    def search(
        self, state: State, queries: FloatArray, k: int, allowed: Mask | None = None
    ) -> list[Nearest]:
        """The `k` nearest of each query among the slots of a mask.

        Parameters
        ----------
        state : State
        queries : ndarray of float32, shape (q, dimension)
        k : int
        allowed : Mask, optional
            Living slots; all of them when left out.
        """
        mask = state.alive if allowed is None else allowed
        within = None if mask is None else _unpacked(mask, state.slots)
        shortlister = self._shortlister(state)
        answers: list[Nearest] = []
        step = max(1, _SCORES_AT_ONCE // max(1, state.slots))
        for start in range(0, len(queries), step):
            batch = queries[start : start + step]
            shortlists = shortlister.shortlist(batch, k, within)
            answers += [
                self._scored(state, query, slots, k)
                for query, slots in zip(batch, shortlists, strict=True)
            ]
        return answers

    def _scored(self, state: State, query: FloatArray, slots: IntArray, k: int) -> Nearest:
        records = state.read(slots)
        scores = exact_scores(records["vector"], query, self._metric)
        chosen = best_places(scores, records["row"], k)
        return Nearest(slots[chosen], records["row"][chosen], scores[chosen])

    def _shortlister(self, state: State) -> Shortlister:
        known = self._known
        if known.shortlister is not None and known.sequence == state.sequence:
            return known.shortlister
        lengths = known.lengths[: state.slots]
        if known.generation != state.generation:
            lengths = lengths[:0]
        if len(lengths) < state.slots:
            fresh = state.vectors[len(lengths) :]
            squares = np.einsum("ij,ij->i", fresh, fresh)
            lengths = np.concatenate([lengths, np.sqrt(squares).astype(np.float32)])
        if state.alive is not None:
            # Dead slots take part in nothing; zeros of wiped ones must not look like short vectors.
            lengths = np.where(_unpacked(state.alive, state.slots), lengths, np.float32(1.0))
        shortlister = Shortlister(state.vectors, lengths, self._metric)
        if known.sequence < state.sequence:
            self._known = _Prepared(state.generation, state.sequence, lengths, shortlister)
        return shortlister


def _unpacked(mask: Mask, slots: int) -> npt.NDArray[np.bool_]:
    return np.unpackbits(mask, count=slots, bitorder="little").view(np.bool_)
