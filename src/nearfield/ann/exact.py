"""Exact search: every row scored, by scores that depend on the two vectors alone.

A score is summed in float64, in sixteen lanes of one fixed order, and rounded once to float32.
Equal vectors therefore tie exactly wherever they stand, and ties go to the smaller slot. The
compiled library first finds, in float32 and with a proven margin, the rows that may be among the
best; NumPy does the same with a matrix product.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.ann import library
from nearfield.ann.arrays import (
    METRICS,
    allowed_slots,
    checked_mask,
    checked_queries,
    checked_rows,
)
from nearfield.ann.lanes import lane_sums
from nearfield.compiled import address
from nearfield.errors import InputError
from nearfield.masks import Mask
from nearfield.metric import Metric, top_k
from nearfield.types import FloatArray, IntArray

__all__ = ["Records", "exact_scores", "exact_search", "rescore"]

Doubles = npt.NDArray[np.float64]

_BLOCK = 4096
# Outside this range of lengths float32 sums may overflow or vanish; nothing is shortlisted then.
_SHORTEST, _LONGEST = 1e-12, 1e12


@dataclass(frozen=True, slots=True)
class Records:
    """Vectors in a file, read one by one where they are asked for.

    Attributes
    ----------
    file : int
        Descriptor, open for reading.
    offset : int
        Byte at which the vector of slot 0 starts.
    stride : int
        Bytes from one vector to the next; a multiple of 4.
    count : int
        Number of vectors.
    dimension : int
        Floats (little-endian float32) of each.
    """

    file: int
    offset: int
    stride: int
    count: int
    dimension: int


def exact_search(
    matrix: FloatArray, queries: FloatArray, k: int, metric: Metric, allowed: Mask | None = None
) -> tuple[IntArray, FloatArray]:
    """Return the `k` nearest rows of each query, best first, ties by smaller slot.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, dimension)
        Rows may lie apart, as in a mapped file of records.
    queries : ndarray of float32, shape (q, dimension)
    k : int
        At least 1.
    metric : Metric
    allowed : Mask, optional
        Slots that take part; all of them when left out.

    Returns
    -------
    slots : ndarray of int64, shape (q, k)
        -1 behind the last one where fewer take part.
    scores : ndarray of float32, shape (q, k)
        Higher is closer; the cosine with a zero vector is 0.

    Raises
    ------
    DimensionMismatch, InputError

    Examples
    --------
    >>> rows = np.array([[3.0, 4.0], [0.0, 1.0]], dtype=np.float32)
    >>> slots, scores = exact_search(rows, np.array([[0.0, 2.0]]), 1, Metric.COSINE)
    >>> slots.tolist(), scores.tolist()
    ([[1]], [[1.0]])
    """
    rows = checked_rows(matrix)
    wanted = checked_queries(queries, rows.shape[1])
    mask = checked_mask(allowed, len(rows))
    if k < 1:
        raise InputError(f"k is {k}: ask for at least 1 hit")
    kernel = library.choose()
    if kernel is None:
        return _search_with_numpy(rows, wanted, k, metric, mask)
    slots, scores = _answer(len(wanted), k)
    library.check(
        library.library().nfa_exact_search(
            kernel.index, rows.ctypes.data, rows.strides[0], len(rows), rows.shape[1],
            METRICS.index(metric), address(wanted), len(wanted), k,
            None if mask is None else address(mask), address(slots), address(scores),
        )
    )  # fmt: skip
    return slots, scores


def rescore(
    source: FloatArray | Records, queries: FloatArray, candidates: IntArray, metric: Metric, k: int
) -> tuple[IntArray, FloatArray]:
    """Score proposed slots exactly and return the `k` best of each query, ties by smaller slot.

    Parameters
    ----------
    source : ndarray of float32, shape (n, dimension), or Records
        Records are read from the file, so that they take no memory.
    queries : ndarray of float32, shape (q, dimension)
    candidates : ndarray of int64, shape (q, c)
        Different slots of each query; -1 where there is none.
    metric : Metric
    k : int
        At least 1.

    Returns
    -------
    slots, scores
        As of :func:`exact_search`.

    Raises
    ------
    DimensionMismatch, InputError
    OSError
        The file cannot be read, or ends before a record.
    """
    rows = source if isinstance(source, Records) else checked_rows(source)
    count = rows.count if isinstance(rows, Records) else len(rows)
    wanted = checked_queries(
        queries, rows.dimension if isinstance(rows, Records) else rows.shape[1]
    )
    proposed = np.ascontiguousarray(candidates, dtype=np.int64)
    if k < 1 or proposed.ndim != 2 or len(proposed) != len(wanted):
        raise InputError(
            f"k is {k} and candidates have shape {proposed.shape}: expected k ≥ 1 and "
            f"({len(wanted)}, c)"
        )
    kernel = library.choose()
    if kernel is None:
        _check_range(proposed, count)
        return _rescore_with_numpy(rows, wanted, proposed, metric, k)
    slots, scores = _answer(len(wanted), k)
    rest = (
        METRICS.index(metric), address(wanted), len(wanted), address(proposed),
        proposed.shape[1], k, address(slots), address(scores),
    )  # fmt: skip
    native = library.library()
    if isinstance(rows, Records):
        status = native.nfa_rescore_file(
            kernel.index, rows.file, rows.offset, rows.stride, count, rows.dimension, *rest
        )
    else:
        status = native.nfa_rescore(
            kernel.index, rows.ctypes.data, rows.strides[0], count, rows.shape[1], *rest
        )
    if status:
        _check_range(proposed, count)
        library.check(status)
    return slots, scores


def _check_range(candidates: IntArray, count: int) -> None:
    if candidates.size and not -1 <= int(candidates.min()) <= int(candidates.max()) < count:
        raise InputError(
            f"candidates lie between {candidates.min()} and {candidates.max()}: expected -1 to "
            f"{count - 1}"
        )


def exact_scores(rows: FloatArray, query: FloatArray, metric: Metric) -> FloatArray:
    """Score each row against one query, with NumPy; the compiled library gives the same bits.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, dimension)
    query : ndarray of float32, shape (dimension,)
    metric : Metric

    Returns
    -------
    ndarray of float32, shape (n,)

    Examples
    --------
    >>> rows = np.array([[3.0, 4.0], [0.0, 1.0]], dtype=np.float32)
    >>> exact_scores(rows, np.array([0.0, 2.0], dtype=np.float32), Metric.COSINE).tolist()
    [0.800000011920929, 1.0]
    """
    scores = np.empty(len(rows), dtype=np.float32)
    wanted = query.astype(np.float64)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float64)
        # A dot product beyond float32's range is infinite, as its ranking demands.
        with np.errstate(over="ignore"):
            scores[start : start + _BLOCK] = _scores(block, wanted, metric)
    return scores


def _scores(rows: Doubles, query: Doubles, metric: Metric) -> Doubles:
    if metric is Metric.EUCLIDEAN:
        apart = rows - query
        distances: Doubles = -np.sqrt(lane_sums(apart * apart))
        return distances
    dots = lane_sums(rows * query)
    if metric is Metric.DOT:
        return dots
    lengths = np.sqrt(lane_sums(rows * rows)) * np.sqrt(lane_sums((query * query)[None, :]))
    cosines = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0.0)
    clipped: Doubles = np.clip(cosines, -1.0, 1.0, out=cosines)
    return clipped


def _answer(queries: int, k: int) -> tuple[IntArray, FloatArray]:
    return np.empty((queries, k), dtype=np.int64), np.empty((queries, k), dtype=np.float32)


def _search_with_numpy(
    rows: FloatArray, queries: FloatArray, k: int, metric: Metric, mask: Mask | None
) -> tuple[IntArray, FloatArray]:
    everyone = allowed_slots(mask, len(rows))
    slots, scores = _blank(len(queries), k)
    taken = rows if mask is None else rows[everyone]
    with np.errstate(over="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", taken, taken).astype(np.float64))
    for i, query in enumerate(queries):
        near = _shortlist(taken, lengths, query, k, metric)
        _put_best(slots[i], scores[i], everyone[near], exact_scores(taken[near], query, metric))
    return slots, scores


def _shortlist(
    rows: FloatArray, lengths: Doubles, query: FloatArray, k: int, metric: Metric
) -> IntArray:
    """Rows that may be among the `k` best, ascending: a float32 product with its error's bound.

    The error is at most dimension · 2⁻²³ · |a| · |b|, whatever the order of the sums (Higham,
    Accuracy and Stability of Numerical Algorithms, section 3.1); the factor 4 covers two keys and
    the operations around the product.
    """
    length = float(np.sqrt(np.dot(query.astype(np.float64), query)))
    longest, shortest = lengths.max(initial=0.0), lengths.min(initial=1.0)
    usual = shortest > _SHORTEST and longest < _LONGEST and _SHORTEST < length < _LONGEST
    if len(rows) <= k or not usual:
        return np.arange(len(rows), dtype=np.int64)
    relative = 4.0 * (len(query) + 8) * 2.0**-23
    dots = (rows @ query).astype(np.float64)
    match metric:
        case Metric.COSINE:
            keys, margin = dots / (lengths * length), relative
        case Metric.DOT:
            keys, margin = dots, relative * longest * length
        case Metric.EUCLIDEAN:
            keys, margin = 2.0 * dots - lengths * lengths, relative * (longest + length) ** 2
    threshold = np.partition(keys, len(keys) - k)[len(keys) - k]
    return np.flatnonzero(keys >= threshold - margin).astype(np.int64)


def _rescore_with_numpy(
    source: FloatArray | Records, queries: FloatArray, candidates: IntArray, metric: Metric, k: int
) -> tuple[IntArray, FloatArray]:
    slots, scores = _blank(len(queries), k)
    for i, query in enumerate(queries):
        chosen = np.sort(candidates[i][candidates[i] >= 0])
        rows = _read(source, chosen) if isinstance(source, Records) else source[chosen]
        _put_best(slots[i], scores[i], chosen, exact_scores(rows, query, metric))
    return slots, scores


def _read(source: Records, slots: IntArray) -> FloatArray:
    size = 4 * source.dimension
    parts = [os.pread(source.file, size, source.offset + s * source.stride) for s in slots.tolist()]
    if any(len(part) != size for part in parts):
        raise OSError("a vector record could not be read: the file is shorter than expected")
    return np.frombuffer(b"".join(parts), dtype="<f4").reshape(len(slots), source.dimension)


def _blank(queries: int, k: int) -> tuple[IntArray, FloatArray]:
    slots, scores = _answer(queries, k)
    slots.fill(-1)
    scores.fill(-np.inf)
    return slots, scores


def _put_best(
    slots: IntArray, scores: FloatArray, found: IntArray, found_scores: FloatArray
) -> None:
    """Write the best of ascending slots into one query's answer."""
    chosen = top_k(found_scores, len(slots))
    slots[: len(chosen)] = found[chosen]
    scores[: len(chosen)] = found_scores[chosen]
