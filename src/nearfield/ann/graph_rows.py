"""Vectors as the graph compares them: the caller's float32 rows, or int8 rows of its own.

The layout of an int8 row and the distances are described in ``csrc/graph_rows.c``. Products of
int8 codes are whole numbers, so NumPy and every compiled kernel compute the same distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from nearfield.ann import graph_library
from nearfield.ann.arrays import METRICS
from nearfield.errors import VectorRejected
from nearfield.metric import Metric
from nearfield.types import FloatArray, IntArray

__all__ = ["Bytes", "RowFormat", "Space"]

Bytes = npt.NDArray[np.uint8]

_LANES = 64
_OFFSET = 128

_LIFTED = 0.9
"""Share of the vectors that are brought to equal length for the metric ``dot``.

Lifting all of them to the longest, as theory would have it, makes neighbours of vectors that are
short alike; lifting none lets a few long ones attract all links. On lengths spread log-normally
(σ 0.2 to 1) this share reached the recall of lifting none with 70% of its comparisons or fewer.
"""


class RowFormat(StrEnum):
    """What the graph computes distances with while it is built and walked.

    ``int8`` keeps a quantised copy of every vector (dimension + 4 bytes or little more), which is
    fast and needs nothing but the graph's file; candidates are meant to be scored again.
    ``float32`` reads the caller's matrix in place and computes on its values.
    """

    FLOAT32 = "float32"
    INT8 = "int8"


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """How vectors are kept and compared.

    Attributes
    ----------
    dimension : int
    metric : Metric
    format : RowFormat
    centre : ndarray of float32, shape (dimension,), or None
        Taken off Euclidean int8 vectors, which changes no distance and refines the codes.
    radius : float
        Metric ``dot``: length that shorter stored vectors are brought to by one more coordinate.
    """

    dimension: int
    metric: Metric
    format: RowFormat
    centre: FloatArray | None = None
    radius: float = 0.0

    @classmethod
    def of(cls, vectors: FloatArray, metric: Metric, row_format: RowFormat) -> Space:
        """Take centre and radius from the first vectors of a graph."""
        centre, radius = None, 0.0
        if len(vectors) and metric is Metric.EUCLIDEAN and row_format is RowFormat.INT8:
            centre = np.asarray(vectors.mean(axis=0, dtype=np.float64), dtype=np.float32)
        if metric is Metric.DOT:
            slices = (vectors[i : i + 4096] for i in range(0, len(vectors), 4096))
            lengths = np.concatenate([np.empty(0), *(_lengths(part) for part in slices)])
            radius = float(np.quantile(lengths, _LIFTED)) if len(lengths) else 0.0
        return cls(vectors.shape[1], metric, row_format, centre, radius)

    @property
    def width(self) -> int:
        """Bytes of an int8 row's codes."""
        return -(-self.dimension // _LANES) * _LANES

    @property
    def stride(self) -> int:
        """Bytes of an int8 row."""
        return self.width + (4 if self.metric is Metric.COSINE else 8)

    @property
    def metric_number(self) -> int:
        """The compiled library's number of the metric."""
        return METRICS.index(self.metric)

    @property
    def format_number(self) -> int:
        """The compiled library's number of the format."""
        return 1 if self.format is RowFormat.INT8 else 0

    def encode(self, vectors: FloatArray, *, query: bool, compiled: bool) -> Bytes:
        """Quantise vectors (n, dimension) to int8 rows (n, stride).

        Raises
        ------
        VectorRejected
            A vector holds NaN or infinity.
        """
        rows = np.empty((len(vectors), self.stride), dtype=np.uint8)
        radius = 0.0 if query else self.radius
        if compiled and len(vectors):
            graph_library.encode(vectors, self.metric_number, self.centre, radius, rows)
        else:
            self._encode(vectors, radius, rows)
        return rows

    def _encode(self, vectors: FloatArray, radius: float, rows: Bytes) -> None:
        centred = vectors if self.centre is None else vectors - self.centre
        if not np.isfinite(centred).all():
            raise VectorRejected("a vector holds NaN or infinity: no graph can place it")
        highest = np.abs(centred).max(axis=1, initial=0.0).astype(np.float64)
        factor = np.divide(127.0, highest, out=np.zeros_like(highest), where=highest > 0.0)
        codes = np.rint(centred.astype(np.float64) * factor[:, None])
        rows[:, : self.width] = _OFFSET
        rows[:, : self.dimension] = (codes + _OFFSET).astype(np.uint8)
        squares, unit = (codes * codes).sum(axis=1), highest / 127.0
        numbers = rows[:, self.width :].view("<f4")
        if self.metric is Metric.COSINE:
            length = np.sqrt(squares)
            numbers[:, 0] = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0.0)
            return
        # The radius as the compiled library gets it, in single precision.
        long = float(np.float32(radius))
        lengths = unit * unit * squares
        numbers[:, 0] = unit
        if self.metric is Metric.DOT:
            numbers[:, 1] = np.sqrt(np.maximum(long * long - lengths, 0.0))
        else:
            numbers[:, 1] = lengths

    def terms(self, vectors: FloatArray) -> FloatArray:
        """What float32 rows need besides their values (n,): 1 / length, or dot's coordinate.

        Raises
        ------
        VectorRejected
            A vector holds NaN or infinity.
        """
        if not np.isfinite(vectors).all():
            raise VectorRejected("a vector holds NaN or infinity: no graph can place it")
        lengths = _lengths(vectors)
        if self.metric is Metric.DOT:
            return np.sqrt(np.maximum(self.radius**2 - lengths**2, 0.0)).astype(np.float32)
        inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0.0)
        return inverse.astype(np.float32)

    def distances(
        self,
        query: Bytes | FloatArray,
        rows: Bytes | FloatArray,
        terms: FloatArray,
        slots: IntArray,
    ) -> FloatArray:
        """Distances, lower is nearer, of one encoded query and the rows of some slots (s,)."""
        if self.format is RowFormat.FLOAT32:
            return self._float_distances(query, rows[slots], terms, slots)
        own, others = query.view(np.uint8), rows[slots]
        codes = others[:, : self.width].astype(np.float64) - _OFFSET
        dots = codes @ (own[: self.width].astype(np.float64) - _OFFSET)
        mine = own[self.width :].view("<f4")
        theirs = others[:, self.width :].view("<f4")
        product: FloatArray = mine[0] * theirs[:, 0] * dots.astype(np.float32)
        if self.metric is Metric.EUCLIDEAN:
            return np.asarray(mine[1] + theirs[:, 1] - np.float32(2.0) * product)
        return np.asarray(np.float32(0.0) - product)

    def _float_distances(
        self,
        query: Bytes | FloatArray,
        rows: Bytes | FloatArray,
        terms: FloatArray,
        slots: IntArray,
    ) -> FloatArray:
        if self.metric is Metric.EUCLIDEAN:
            return np.asarray(((rows - query) ** 2).sum(axis=1), dtype=np.float32)
        dots = rows @ query
        if self.metric is Metric.DOT:
            return np.asarray(-dots, dtype=np.float32)
        length = float(np.sqrt((query.astype(np.float64) ** 2).sum()))
        scale = np.float32(1.0 / length if length else 1.0)
        return np.asarray(-(dots * (scale * terms[slots])), dtype=np.float32)

    def estimates(self, distances: FloatArray) -> FloatArray:
        """Scores, higher is closer, of distances."""
        if self.metric is not Metric.EUCLIDEAN:
            return np.negative(distances)
        roots: FloatArray = np.sqrt(np.maximum(distances, np.float32(0.0)))
        return np.negative(roots, out=roots)


def _lengths(vectors: FloatArray) -> npt.NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    lengths: npt.NDArray[np.float64] = np.sqrt((wide * wide).sum(axis=1))
    return lengths
