"""From the vectors of a text's tokens to one vector: each way its own formula.

hᵢ are the n token vectors of one text, i = 1 … n, special tokens included. All work on packed
batches, so padding cannot leak into them. The ways and their names are those of Reimers and
Gurevych 2019, "Sentence-BERT" (https://arxiv.org/abs/1908.10084), and of the
sentence-transformers library; the weighted mean is from Muennighoff 2022, "SGPT"
(https://arxiv.org/abs/2202.08904).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np

from nearfield.types import FloatArray, IntArray

__all__ = ["PoolingMode", "pool"]


class PoolingMode(StrEnum):
    """A way to turn token vectors into one; the values are sentence-transformers' names."""

    CLS = "cls"
    MAX = "max"
    MEAN = "mean"
    MEAN_SQRT_LENGTH = "mean_sqrt_len_tokens"
    WEIGHTED_MEAN = "weightedmean"
    LAST_TOKEN = "lasttoken"


def pool(
    states: FloatArray, borders: IntArray, modes: Sequence[PoolingMode], *, skip: int = 0
) -> FloatArray:
    """Pool each text's token vectors; several modes are put side by side.

    Parameters
    ----------
    states : ndarray of float32, shape (tokens, hidden)
        Packed token vectors.
    borders : ndarray of int64, shape (texts + 1,)
        Text i has the rows ``borders[i]:borders[i + 1]``.
    modes : sequence of PoolingMode
        One or more, in the order of the concatenation.
    skip : int
        Tokens at each text's start that are left out: the prompt's, where a model says so.

    Returns
    -------
    ndarray of float32, shape (texts, hidden · len(modes))
        Zero for a text of which nothing is left.

    Examples
    --------
    >>> states = np.array([[1.0, 2.0], [3.0, 6.0], [5.0, 5.0]], dtype=np.float32)
    >>> print(pool(states, np.array([0, 2, 3]), [PoolingMode.MEAN]))
    [[2. 4.]
     [5. 5.]]
    """
    if not len(states):
        return np.zeros((len(borders) - 1, states.shape[1] * len(modes)), dtype=np.float32)
    starts = np.minimum(borders[:-1] + skip, borders[1:])
    lengths = borders[1:] - starts
    parts = [_MODES[mode](states, borders[:-1], starts, lengths) for mode in modes]
    pooled = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    pooled[lengths == 0] = 0.0
    return np.ascontiguousarray(pooled, dtype=np.float32)


def _cls(states: FloatArray, first: IntArray, starts: IntArray, lengths: IntArray) -> FloatArray:
    """h₁, the vector of the first token (BERT's ``[CLS]``)."""
    return states[_safe(starts, states)]


def _last(states: FloatArray, first: IntArray, starts: IntArray, lengths: IntArray) -> FloatArray:
    """hₙ, the vector of the last token."""
    return states[_safe(starts + lengths - 1, states)]


def _max(states: FloatArray, first: IntArray, starts: IntArray, lengths: IntArray) -> FloatArray:
    """maxᵢ hᵢ, each dimension by itself."""
    return _reduce(np.maximum, states, starts, lengths)


def _mean(states: FloatArray, first: IntArray, starts: IntArray, lengths: IntArray) -> FloatArray:
    """(1/n) Σᵢ hᵢ."""
    return _reduce(np.add, states, starts, lengths) / _column(lengths)


def _mean_sqrt_length(
    states: FloatArray, first: IntArray, starts: IntArray, lengths: IntArray
) -> FloatArray:
    """(1/√n) Σᵢ hᵢ."""
    total = _reduce(np.add, states, starts, lengths)
    mean: FloatArray = np.divide(total, np.sqrt(_column(lengths)), dtype=np.float32)
    return mean


def _weighted_mean(
    states: FloatArray, first: IntArray, starts: IntArray, lengths: IntArray
) -> FloatArray:
    """Σᵢ i·hᵢ / Σᵢ i; a token that follows a skipped prompt keeps its place i in the text."""
    texts = np.repeat(np.arange(len(starts)), np.diff(np.append(first, len(states))))
    places = (np.arange(len(states)) - first[texts] + 1).astype(np.float32)[:, None]
    total = _reduce(np.add, places, starts, lengths)
    weighted = _reduce(np.add, states * places, starts, lengths)
    mean: FloatArray = np.divide(weighted, np.maximum(total, 1.0), dtype=np.float32)
    return mean


def _reduce(ufunc: np.ufunc, rows: FloatArray, starts: IntArray, lengths: IntArray) -> FloatArray:
    """Reduce rows starts[i] … starts[i] + lengths[i] - 1 for each i; any row where empty."""
    # reduceat takes borders: the even ones open a text, the odd ones close it. A border behind
    # the last row is not allowed, hence the row of padding.
    borders = np.empty(2 * len(starts), dtype=np.int64)
    borders[0::2], borders[1::2] = starts, starts + lengths
    if borders[-1] == len(rows) and not (borders[:-1] == len(rows)).any():
        borders = borders[:-1]
    else:
        rows = np.concatenate([rows, np.zeros((1, rows.shape[1]), dtype=rows.dtype)])
    reduced: FloatArray = ufunc.reduceat(rows, borders, axis=0)[0::2]
    return reduced


def _safe(index: IntArray, states: FloatArray) -> IntArray:
    return np.clip(index, 0, len(states) - 1)


def _column(lengths: IntArray) -> FloatArray:
    return np.maximum(lengths, 1).astype(np.float32)[:, None]


_Mode = Callable[[FloatArray, IntArray, IntArray, IntArray], FloatArray]
_MODES: dict[PoolingMode, _Mode] = {
    PoolingMode.CLS: _cls,
    PoolingMode.MAX: _max,
    PoolingMode.MEAN: _mean,
    PoolingMode.MEAN_SQRT_LENGTH: _mean_sqrt_length,
    PoolingMode.WEIGHTED_MEAN: _weighted_mean,
    PoolingMode.LAST_TOKEN: _last,
}
