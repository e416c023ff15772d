"""Learned sparse vectors (SPLADE and its kin): weights of terms by slot, scored by dot product.

The weights are quantised to multiples of 1/256 (T. Formal et al., "SPLADE v2", 2021, weigh terms
with about 0 to 4), so they are the frequencies of the same postings, with the same search, filters
and pruning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nearfield.errors import InputError
from nearfield.lexical.container import DamagedIndex
from nearfield.lexical.postings import Postings
from nearfield.lexical.scoring import Clause, Formula, Found, Weighing, best
from nearfield.lexical.segment import build_segment
from nearfield.lexical.shelf import Shelf
from nearfield.lexical.slots import SlotIndex
from nearfield.masks import Mask

__all__ = ["STEP", "Impacts", "SparseVector"]

STEP = 1 / 256
"""Weights of stored vectors are rounded to multiples of this; less than half of it is nothing."""

_LARGEST = 65535

SparseVector = Mapping[int, float]


class Impacts(SlotIndex):
    """An index of sparse vectors by slot.

    Parameters
    ----------
    shelf : Shelf

    Examples
    --------
    >>> import tempfile
    >>> index = Impacts.create(Path(tempfile.mkdtemp()))
    >>> index.append([{7: 1.5, 2000: 0.5}, {2000: 2.0}])
    >>> found = index.search({2000: 1.0, 7: 0.25}, 2)
    >>> found.slots.tolist(), found.scores.tolist()
    ([1, 0], [2.0, 0.875])
    """

    @classmethod
    def create(cls, path: Path) -> Impacts:
        """Make an empty index in a folder, in place of what was there."""
        return cls(Shelf.create(path, {"kind": "impacts"}))

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Impacts:
        """Open an index; raises DamagedIndex where it cannot be trusted."""
        shelf = Shelf(path, write=write)
        if shelf.facts.get("kind") != "impacts":
            raise DamagedIndex(f"{path} holds {shelf.facts.get('kind')!r}, expected 'impacts'")
        return cls(shelf)

    def append(
        self, vectors: Sequence[SparseVector], *, dead: Mask | None = None, durable: bool = False
    ) -> None:
        """Index vectors for the slots after those on disk; the tail in memory is let go.

        Raises
        ------
        InputError
            A weight is negative, not finite or above 255, or a term is no number of 32 bits.
        """
        if vectors:
            data = _segment(vectors, self._shelf.stored)
            self._shelf.append(data, dead=dead, durable=durable)

    def extend_tail(self, vectors: Sequence[SparseVector]) -> None:
        """Index vectors for the next slots in memory only."""
        if vectors:
            self._shelf.extend(_segment(vectors, self._shelf.end))

    def search(self, query: SparseVector, k: int = 10, *, allowed: Mask | None = None) -> Found:
        """Return the `k` slots with the largest dot products; those that share no term are none.

        Parameters
        ----------
        query : mapping of int to float
            Weights ≥ 0, not quantised; terms of weight 0 are left out.
        k : int
            At least 1.
        allowed : ndarray of uint8, optional
            Packed mask over slots.

        Raises
        ------
        InputError
            A weight is negative or not finite, or `k` is not positive.
        """
        segments = self._shelf.segments
        clauses = []
        for term, weight in sorted(query.items()):
            _check(term, weight)
            if weight > 0:
                key = _key(term)
                found = [(i, p) for i, s in enumerate(segments) if (p := s.find(key)) is not None]
                clauses.append(Clause(str(term), weight * STEP, tuple(found)))
        return best(segments, clauses, Weighing(Formula.DOT), k, allowed)


def _key(term: int) -> bytes:
    return int(term).to_bytes(4, "big")  # in this order bytes sort like numbers


def _check(term: int, weight: float) -> None:
    if not 0 <= term < 2**32:
        raise InputError(f"term is {term}, expected a number from 0 to 2**32 - 1")
    if not 0 <= weight <= _LARGEST * STEP:
        raise InputError(
            f"the weight of term {term} is {weight}, expected 0 to {_LARGEST * STEP:.0f}"
        )


def _segment(vectors: Sequence[SparseVector], first_slot: int) -> bytearray:
    entries = []
    for slot, vector in enumerate(vectors):
        for term, weight in vector.items():
            _check(term, weight)
            impact = round(weight / STEP)
            if impact:
                entries.append((int(term), slot, impact))
    entries.sort()
    table = np.array(entries, dtype=np.int64).reshape(-1, 3)
    terms, counts = np.unique(table[:, 0], return_counts=True)
    slots, impacts = table[:, 1].astype(np.uint32), table[:, 2].astype(np.uint32)
    postings = Postings(counts.astype(np.int64), slots, impacts, None)
    lengths = np.zeros(len(vectors), dtype=np.uint32)
    facts = {
        "first_slot": first_slot,
        "counted": len(vectors),
        "total_length": 0,
        "has_positions": False,
    }
    return build_segment([_key(term) for term in terms.tolist()], postings, lengths, {}, facts)
