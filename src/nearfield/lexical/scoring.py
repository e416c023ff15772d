"""Scores and the best k: the formulas, the compiled search, and NumPy's with equal results.

BM25 (S. Robertson, H. Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009)
with Lucene's idf, which is never negative, and without the constant factor k1 + 1::

    score(q, d) = Σ boost · idf · tf / (tf + k1 · (1 − b + b · |d| / average))
    idf = ln(1 + (N − df + 0.5) / (df + 0.5))

Every contribution is computed in float32 and rounded to a multiple of 2⁻³⁰, so that sums in
float64 are exact in any order: pruned and exhaustive, compiled and NumPy's searches agree in every
bit, and texts that are alike tie.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from nearfield.compiled import address
from nearfield.errors import InputError
from nearfield.lexical.library import Scoring, chosen
from nearfield.lexical.segment import Loose, Packed, Segment
from nearfield.masks import Mask, flags_of

__all__ = ["Clause", "Formula", "Found", "Weighing", "best", "contribution", "idf", "norm"]
_GRID = np.float64(1.5 * 2**22)
_LARGEST = 2.0**20


class Formula(IntEnum):
    """How a frequency becomes a score; the numbers are those of the library."""

    BM25 = 0
    DOT = 1


@dataclass(frozen=True, slots=True)
class Weighing:
    """What scores are computed with.

    Attributes
    ----------
    formula : Formula
    k1 : float
        Saturation of frequencies, ≥ 0.
    b : float
        Weight of the text's length, 0 to 1.
    average : float
        Positions of an average text, > 0.
    """

    formula: Formula
    k1: float = 1.2
    b: float = 0.75
    average: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.k1) and self.k1 >= 0):
            raise InputError(f"k1 is {self.k1}, expected a number of at least 0")
        if not 0 <= self.b <= 1:
            raise InputError(f"b is {self.b}, expected a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a query, found in segments.

    Attributes
    ----------
    label : str
        For people.
    weight : float
        Factor of its score; with BM25, boost · idf. Positive and below 2²⁰.
    lists : tuple of (int, Packed or Loose)
        Index of a segment, and postings there; ascending, at most one a segment.
    """

    label: str
    weight: float
    lists: tuple[tuple[int, Packed | Loose], ...]

    @property
    def count(self) -> int:
        """Number of slots it stands in (df)."""
        return sum(found.count for _, found in self.lists)


@dataclass(frozen=True, slots=True)
class Found:
    """Results, the best first, equal scores by slot.

    Attributes
    ----------
    slots : ndarray of int64, shape (n,)
    scores : ndarray of float32, shape (n,)
    labels : tuple of str
        The query's clauses.
    frequencies : ndarray of float32, shape (n, clauses)
        How often each clause stands in each text; 0 where it does not.
    """

    slots: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    frequencies: npt.NDArray[np.float32]

    @property
    def matched(self) -> tuple[tuple[str, ...], ...]:
        """For each result the labels of the clauses that found it."""
        return tuple(
            tuple(self.labels[i] for i in np.flatnonzero(row).tolist()) for row in self.frequencies
        )


def idf(texts: int, having: int) -> float:
    """Weight of a term that stands in `having` of `texts` texts.

    Examples
    --------
    >>> round(idf(3, 1), 4), round(idf(3, 3), 4)
    (0.9808, 0.1335)
    """
    return math.log1p((texts - having + 0.5) / (having + 0.5))


def norm(weighing: Weighing, lengths: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Return k1 · (1 − b + b · length / average) in float32."""
    ratio = lengths.astype(np.float64) / weighing.average
    return (weighing.k1 * ((1.0 - weighing.b) + weighing.b * ratio)).astype(np.float32)


def contribution(
    weighing: Weighing,
    weight: float,
    frequencies: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.uint32],
) -> npt.NDArray[np.float64]:
    """Return what postings add to scores: multiples of 2⁻³⁰."""
    factor = np.float32(weight)
    if weighing.formula is Formula.DOT:
        raw = factor * frequencies
    else:
        raw = factor * (frequencies / (frequencies + norm(weighing, lengths)))
    return (raw.astype(np.float64) + _GRID) - _GRID


def best(
    segments: Sequence[Segment],
    clauses: Sequence[Clause],
    weighing: Weighing,
    k: int,
    allowed: Mask | None = None,
) -> Found:
    """Return the best `k` slots among those in which at least one clause stands.

    Parameters
    ----------
    segments : sequence of Segment
        In order of their slots.
    clauses : sequence of Clause
    weighing : Weighing
    k : int
        At least 1.
    allowed : ndarray of uint8, optional
        Packed mask over all slots, the lowest bit first; slots beyond its end are not allowed.

    Raises
    ------
    DamagedIndex
        Postings make no sense.
    InputError
        `k` is not positive, or a weight is out of its range.
    """
    if k < 1:
        raise InputError(f"k is {k}, expected at least 1")
    for clause in clauses:
        if not 0 < clause.weight < _LARGEST:
            raise InputError(
                f"{clause.label!r} has weight {clause.weight}, expected above 0 and below 2**20"
            )
    clauses = [clause for clause in clauses if clause.lists]
    k = min(k, sum(segment.slots for segment in segments))
    if not clauses or not k:
        empty = np.zeros((0, len(clauses)), np.float32)
        labels = tuple(clause.label for clause in clauses)
        return Found(np.zeros(0, np.int64), np.zeros(0, np.float32), labels, empty)
    if allowed is not None:
        allowed = np.ascontiguousarray(allowed, dtype=np.uint8)
    native = chosen()
    if native is None:
        return _numpy_best(segments, clauses, weighing, k, allowed)
    return _native_best(native, segments, clauses, weighing, k, allowed)


def _native_best(
    native: ctypes.CDLL,
    segments: Sequence[Segment],
    clauses: Sequence[Clause],
    weighing: Weighing,
    k: int,
    allowed: Mask | None,
) -> Found:
    lists = [
        (segment, number, postings)
        for number, clause in enumerate(clauses)
        for segment, postings in clause.lists
    ]
    if len(segments) > 1:
        lists.sort(key=lambda item: item[0])
    weights = np.array([clause.weight for clause in clauses], dtype=np.float32)
    slots = np.empty(k, dtype=np.int64)
    scores = np.empty(k, dtype=np.float32)
    frequencies = np.empty((k, len(clauses)), dtype=np.float32)
    found = ctypes.c_int64()
    status = native.nfl_search(
        b"".join([segment.native for segment in segments]),
        len(segments),
        b"".join([postings.native(segment, number) for segment, number, postings in lists]),
        len(lists),
        address(weights),
        len(clauses),
        Scoring(weighing.formula, weighing.k1, weighing.b, weighing.average),
        None if allowed is None else address(allowed),
        0 if allowed is None else len(allowed),
        k,
        address(slots),
        address(scores),
        address(frequencies),
        found,
    )
    if status == 2:
        raise MemoryError(f"there is no memory for the best {k} of a search")
    if status:
        segments[0].refuse()
    count = found.value
    labels = tuple([clause.label for clause in clauses])
    return Found(slots[:count], scores[:count], labels, frequencies[:count])


def _numpy_best(
    segments: Sequence[Segment],
    clauses: Sequence[Clause],
    weighing: Weighing,
    k: int,
    allowed: Mask | None,
) -> Found:
    end = segments[-1].end
    sums = np.zeros(end, dtype=np.float64)
    matched = np.zeros(end, dtype=bool)
    table = np.zeros((len(clauses), end), dtype=np.float32)
    for number, clause in enumerate(clauses):
        for index, postings in clause.lists:
            segment = segments[index]
            loose = segment.read(postings) if isinstance(postings, Packed) else postings
            slots = loose.slots.astype(np.int64) + segment.first_slot
            lengths = segment.lengths[loose.slots]
            sums[slots] += contribution(weighing, clause.weight, loose.frequencies, lengths)
            matched[slots] = True
            table[number, slots] = loose.frequencies
    if allowed is not None:
        matched &= flags_of(allowed, end)
    candidates = np.flatnonzero(matched)
    scores = sums[candidates].astype(np.float32)
    order = np.lexsort((candidates, -scores))[:k]
    chosen_slots = candidates[order].astype(np.int64)
    labels = tuple(clause.label for clause in clauses)
    frequencies = np.ascontiguousarray(table[:, chosen_slots].T)
    return Found(chosen_slots, scores[order], labels, frequencies)
