"""Arrays as searches take and give them: rows, queries, masks of slots, candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearfield.errors import DimensionMismatch, InputError
from nearfield.masks import Mask, flags_of, mask_bytes, resized
from nearfield.metric import Metric
from nearfield.types import FloatArray, IntArray

__all__ = [
    "METRICS",
    "Candidates",
    "allowed_slots",
    "checked_mask",
    "checked_queries",
    "checked_rows",
]

METRICS = (Metric.COSINE, Metric.DOT, Metric.EUCLIDEAN)
"""In the order of the compiled library's numbers."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Slots proposed for each query, best first.

    Attributes
    ----------
    slots : ndarray of int64, shape (q, c)
        -1 behind the last one where there are fewer.
    estimates : ndarray of float32, shape (q, c)
        Higher is closer; -inf where the slot is -1.
    """

    slots: IntArray
    estimates: FloatArray


def allowed_slots(allowed: Mask | None, count: int) -> IntArray:
    """The allowed slots below `count`, ascending.

    Examples
    --------
    >>> allowed_slots(np.array([5, 0, 0, 0, 0, 0, 0, 0], dtype=np.uint8), 3).tolist()
    [0, 2]
    """
    if allowed is None:
        return np.arange(count, dtype=np.int64)
    return np.flatnonzero(flags_of(allowed, count)).astype(np.int64, copy=False)


def checked_mask(allowed: Mask | None, count: int) -> Mask | None:
    """Return the mask with whole words for `count` slots; raises InputError if it is shorter."""
    if allowed is None:
        return None
    if allowed.dtype != np.uint8 or allowed.ndim != 1 or len(allowed) * 8 < count:
        raise InputError(
            f"the mask is {allowed.dtype} of shape {allowed.shape}: expected uint8 with a bit for "
            f"each of {count} slots"
        )
    if len(allowed) >= mask_bytes(count):
        return np.ascontiguousarray(allowed)
    return resized(allowed, count)


def checked_queries(queries: FloatArray, dimension: int) -> FloatArray:
    """Return queries as a C-contiguous float32 matrix (q, dimension)."""
    matrix = queries
    if queries.dtype != np.float32 or not queries.flags.c_contiguous:
        matrix = np.ascontiguousarray(queries, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[1] != dimension:
        raise DimensionMismatch(f"queries have shape {matrix.shape}: expected (q, {dimension})")
    return matrix


def checked_rows(rows: FloatArray, dimension: int | None = None) -> FloatArray:
    """Return rows as float32 (n, dimension), each contiguous, any multiple of 4 bytes apart."""
    if rows.ndim != 2 or rows.shape[1] < 1 or dimension not in (None, rows.shape[1]):
        expected = "dimension" if dimension is None else dimension
        raise DimensionMismatch(f"vectors have shape {rows.shape}: expected (n, {expected})")
    stride, step = rows.strides
    plain = rows.dtype == np.float32 and rows.flags.aligned
    if plain and step == 4 and stride >= 4 * rows.shape[1] and stride % 4 == 0:
        return rows
    return np.ascontiguousarray(rows, dtype=np.float32)
