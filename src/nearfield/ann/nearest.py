"""A whole search by codes: proposed, scored exactly, in order of score and age; compiled, one call.

Threads that search at the same time meet where Python is run. What a search does without it, in one
go, they do side by side.
"""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass

import numpy as np

from nearfield.ann import library
from nearfield.ann.arrays import allowed_slots, checked_mask, checked_queries
from nearfield.ann.codes import Codes
from nearfield.ann.exact import Records, rescore
from nearfield.ann.records import read_records
from nearfield.ann.with_numpy import Within
from nearfield.compiled import address
from nearfield.errors import InputError
from nearfield.masks import Mask
from nearfield.types import FloatArray, IntArray

__all__ = ["ROW_HEAD", "Ranked", "UnusableQuery", "nearest_by_codes", "tail_of"]

ROW_HEAD = 16
"""Bytes of a record before its vector: the int64 row of its chunk, and eight more."""

_ROW_BYTES = 8
_REJECTED = 4  # NFA_REJECTED


class UnusableQuery(InputError):
    """A query is zero, or holds NaN or infinity."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The nearest of each query, best first, of equal scores the lower row.

    Attributes
    ----------
    slots, rows : ndarray of int64, shape (q, k)
        -1 behind the last one where there are fewer.
    scores : ndarray of float32, shape (q, k)
        Higher is closer; -inf where the slot is -1.
    """

    slots: IntArray
    rows: IntArray
    scores: FloatArray


def nearest_by_codes(
    codes: Codes,
    records: Records,
    queries: FloatArray,
    k: int,
    candidates: tuple[int, int],
    allowed: Mask | None = None,
    within: tuple[Within, float] | None = None,
) -> Ranked:
    """Return the `k` nearest of each query among what codes propose and what has no code.

    Parameters
    ----------
    codes : Codes
        May cover fewer slots than there are records, or more.
    records : Records
        Each vector stands behind :data:`ROW_HEAD` bytes that begin with the row of its chunk.
    queries : ndarray of float32, shape (q, dimension)
    k : int
        At least 1.
    candidates : tuple of int
        Slots to propose by 4-bit estimate, at least 1, and to keep by 1-bit estimate for that.
    allowed : Mask, optional
        Slots of `records` that take part.
    within : tuple of Lists and float, optional
        See :meth:`Codes.search`.

    Raises
    ------
    DimensionMismatch, InputError
    UnusableQuery
    OSError
        The file cannot be read, or ends before a record.
    """
    wanted = checked_queries(queries, codes.dimension)
    fine, coarse = candidates
    if k < 1 or fine < 1:
        raise InputError(f"k is {k} and candidates are {fine}: ask for at least 1")
    coarse = max(coarse, fine)
    mask = checked_mask(allowed, records.count)
    kernel = library.choose()
    if kernel is None:
        return _with_numpy(codes, records, wanted, k, (fine, coarse), mask, within)
    count = len(wanted)
    slots, rows = np.empty((count, k), np.int64), np.empty((count, k), np.int64)
    scores = np.empty((count, k), np.float32)
    _held, covered, place = codes.mapped
    collection = library.Collection(
        codes.space.structure, place,
        None if within is None else within[0].structure(within[1]), covered, records.count,
        records.offset - ROW_HEAD, records.stride, records.file, kernel.index,
    )  # fmt: skip
    status = library.library().nfa_nearest(
        byref(collection), address(wanted), count, coarse, fine,
        None if mask is None else address(mask), k, address(slots), address(rows), address(scores),
    )  # fmt: skip
    if status == _REJECTED:
        raise _unusable()
    library.check(status)
    return Ranked(slots, rows, scores)


def tail_of(allowed: Mask | None, covered: int, slots: int) -> IntArray:
    """The allowed slots from `covered` on, below `slots`."""
    if allowed is None:
        return np.arange(covered, slots, dtype=np.int64)
    first = covered // 8
    found = allowed_slots(allowed[first:], slots - 8 * first) + 8 * first
    return found[found >= covered]


def _with_numpy(
    codes: Codes,
    records: Records,
    queries: FloatArray,
    k: int,
    candidates: tuple[int, int],
    mask: Mask | None,
    within: tuple[Within, float] | None,
) -> Ranked:
    squares = (queries.astype(np.float64) ** 2).sum(axis=1)
    if not bool(((squares > 0.0) & (squares < np.inf)).all()):
        raise _unusable()
    fine, coarse = candidates
    covered = min(len(codes), records.count)
    found = np.empty((len(queries), 0), dtype=np.int64)
    if covered:
        fine = max(min(fine, records.count), 1)
        found = codes.search(
            queries, fine, coarse=coarse, allowed=mask, below=covered, within=within
        ).slots
    tail = tail_of(mask, covered, records.count)
    found = np.concatenate([found, np.broadcast_to(tail, (len(queries), len(tail)))], axis=1)
    shape = (len(queries), k)
    ranked = Ranked(np.full(shape, -1), np.full(shape, -1), np.full(shape, -np.inf, np.float32))
    if not found.shape[1]:
        return ranked
    slots, scores = rescore(records, queries, found, codes.metric, found.shape[1])
    for place, (proposed, scored) in enumerate(zip(slots, scores, strict=True)):
        own, points = proposed[proposed >= 0], scored[proposed >= 0]
        start = records.offset - ROW_HEAD
        heads = read_records(records.file, start, records.stride, own, size=_ROW_BYTES)
        rows = heads.view("<i8").reshape(len(own))
        order = np.lexsort((rows, -points))[:k]
        count = len(order)
        ranked.slots[place, :count] = own[order]
        ranked.rows[place, :count] = rows[order]
        ranked.scores[place, :count] = points[order]
    return ranked


def _unusable() -> UnusableQuery:
    return UnusableQuery("a query is zero, or holds NaN or infinity: leave it out")
