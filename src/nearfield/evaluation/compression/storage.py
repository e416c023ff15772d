"""Fewer bits a dimension, and how vectors kept so are compared with a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nearfield.metric import top_k
from nearfield.types import FloatArray, IntArray, Word

__all__ = ["Kept", "Storage", "keep"]

_RESCORED = 4
"""Candidates for each hit that are scored again."""

_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1).astype(np.uint8)


class Storage(Word):
    """How a component is kept.

    ``float32``, ``float16``; ``int8``, one of 256 steps between the least and the largest value
    of its dimension; ``binary``, its sign, compared by Hamming distance. ``binary-rescored`` scores
    the best again by the float32 question against the signs (Yamada, Asai and Hajishirzi 2021),
    and ``binary-float32`` by the float32 vectors, which stay on disk.
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"
    BINARY = "binary"
    BINARY_RESCORED = "binary-rescored"
    BINARY_FLOAT32 = "binary-float32"


class Kept(Protocol):
    """Documents that can be searched."""

    @property
    def bytes(self) -> float:
        """In memory, a vector."""

    @property
    def disk_bytes(self) -> float:
        """On disk beside them, a vector."""

    def search(self, query: FloatArray, k: int) -> IntArray:
        """Places of the `k` nearest documents, best first; the query has shape (dimension,)."""


@dataclass(frozen=True, slots=True)
class _Dense:
    """Rows that are compared by their products, whatever they are kept as."""

    rows: npt.NDArray[np.generic]
    scale: FloatArray
    offset: FloatArray
    bytes: float
    disk_bytes: float = 0.0

    def search(self, query: FloatArray, k: int) -> IntArray:
        # (scale · code + offset) · q = code · (scale · q) + offset · q: codes need no decoding.
        scores = self.rows.astype(np.float32) @ (self.scale * query) + float(self.offset @ query)
        return top_k(scores, k)


@dataclass(frozen=True, slots=True)
class _Binary:
    """Signs as bits."""

    codes: npt.NDArray[np.uint8]
    dimension: int
    again: Storage
    vectors: FloatArray

    @property
    def bytes(self) -> float:
        return self.dimension / 8

    @property
    def disk_bytes(self) -> float:
        return 4.0 * self.dimension if self.again is Storage.BINARY_FLOAT32 else 0.0

    def search(self, query: FloatArray, k: int) -> IntArray:
        asked = np.packbits(query > 0)
        distances = _BITS[self.codes ^ asked].sum(axis=1, dtype=np.int32)
        if self.again is Storage.BINARY:
            return top_k(-distances, k)
        candidates = top_k(-distances, _RESCORED * k)
        if self.again is Storage.BINARY_FLOAT32:
            rows = self.vectors[candidates]
        else:
            bits = np.unpackbits(self.codes[candidates], axis=1, count=self.dimension)
            rows = 2.0 * bits.astype(np.float32) - 1.0
        chosen: IntArray = candidates[top_k(rows @ query, k)]
        return chosen


def keep(storage: Storage, documents: FloatArray) -> Kept:
    """Keep unit vectors, shape (n, dimension), in so many bits.

    Examples
    --------
    >>> rows = np.array([[0.8, 0.6], [0.6, -0.8], [-1.0, 0.0]], dtype=np.float32)
    >>> kept = keep(Storage.INT8, rows)
    >>> kept.bytes, kept.search(rows[1], 2).tolist()
    (2.0, [1, 0])
    """
    dimension = documents.shape[1]
    ones, zeros = np.ones(dimension, np.float32), np.zeros(dimension, np.float32)
    match storage:
        case Storage.FLOAT32:
            return _Dense(documents, ones, zeros, 4.0 * dimension)
        case Storage.FLOAT16:
            return _Dense(documents.astype(np.float16), ones, zeros, 2.0 * dimension)
        case Storage.INT8:
            low, high = documents.min(axis=0), documents.max(axis=0)
            step = np.maximum((high - low) / 255.0, 1e-12).astype(np.float32)
            codes = np.rint((documents - low) / step).astype(np.uint8)
            return _Dense(codes, step, low, float(dimension))
        case _:
            return _Binary(np.packbits(documents > 0, axis=1), dimension, storage, documents)
