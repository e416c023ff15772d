"""What vectors are measured against before they are quantised: a centre, a scale, a rotation.

Centring takes out what all vectors have in common. A random rotation spreads what is left evenly
over all dimensions, so that one bit or four for each of them say equally much (RaBitQ: Gao and
Long, SIGMOD 2024). The rotation is a product of random signs and Walsh-Hadamard transforms, which
takes O(width log width) steps and no memory (Ailon and Chazelle, STOC 2006).
"""

from __future__ import annotations

from ctypes import byref, pointer
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nearfield.ann import library
from nearfield.ann.arrays import METRICS
from nearfield.ann.lanes import lane_sums
from nearfield.errors import InputError
from nearfield.metric import Metric
from nearfield.types import FloatArray

__all__ = ["MOST_DIMENSIONS", "Space"]

MOST_DIMENSIONS = 16384
"""Sums of quantised products stay inside of their integers up to here."""

ROUNDS = 4
_PADDING = 64


@dataclass(frozen=True, eq=False)
class Space:
    """Centre, scale and rotation of one collection of codes.

    Attributes
    ----------
    dimension : int
    metric : Metric
    seed : int
        Of the rotation, 0 ≤ seed < 2⁶⁴.
    scale : float
        Typical length of a vector; 1 for cosine.
    centre : ndarray of float32, shape (width,)
        Mean of the vectors (of unit length for cosine, in units of `scale` otherwise), zero
        padded.
    """

    dimension: int
    metric: Metric
    seed: int
    scale: float
    centre: FloatArray

    @classmethod
    def around(cls, sample: FloatArray, metric: Metric, seed: int) -> Space:
        """Centre and scale of a sample, shape (n, dimension); none of it is needed later.

        Raises
        ------
        InputError
            The vectors have no or too many dimensions.
        """
        dimension = sample.shape[1]
        if not 1 <= dimension <= MOST_DIMENSIONS:
            raise InputError(
                f"vectors have {dimension} dimensions: 1 to {MOST_DIMENSIONS} can be quantised"
            )
        rows = sample.astype(np.float64)
        lengths = np.sqrt((rows * rows).sum(axis=1))
        scale = 1.0
        if metric is Metric.COSINE:
            rows = rows / np.where(lengths > 0.0, lengths, 1.0)[:, None]
        else:
            usual = float(np.median(lengths)) if len(lengths) else 0.0
            scale = usual if 0.0 < usual < np.inf else 1.0
            rows = rows / scale
        centre = np.zeros(-(-dimension // _PADDING) * _PADDING, dtype=np.float32)
        if len(rows):
            centre[:dimension] = rows.mean(axis=0)
        return cls(dimension, metric, seed, scale, centre)

    @property
    def width(self) -> int:
        """Dimensions of a code: a multiple of 64. Short vectors gain precision by padding."""
        return len(self.centre)

    @cached_property
    def signs(self) -> FloatArray:
        """Random signs ±1, shape (rounds, width), from the seed by SplitMix64."""
        count = ROUNDS * self.width
        steps = np.arange(1, count // 64 + 1, dtype=np.uint64)
        state = np.uint64(self.seed) + steps * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
        bits = np.unpackbits(state.astype("<u8").view(np.uint8), bitorder="little")
        return np.where(bits, 1.0, -1.0).astype(np.float32).reshape(ROUNDS, self.width)

    @cached_property
    def structure(self) -> Any:  # noqa: ANN401 - a pointer, for which ctypes has no plain type
        """The same for the compiled library, as a structure's field."""
        return pointer(self._structure)

    @cached_property
    def native(self) -> Any:  # noqa: ANN401 - ctypes has no type for what byref returns
        """The same for the compiled library, as an argument."""
        return byref(self._structure)

    @cached_property
    def _structure(self) -> library.Space:
        return library.Space(
            self.dimension,
            self.width,
            METRICS.index(self.metric),
            ROUNDS,
            self.centre.ctypes.data,
            self.signs.ctypes.data,
            self.scale,
        )

    def rotated(self, rows: FloatArray) -> FloatArray:
        """Rotate rows of shape (n, width), with NumPy, in the order of the compiled library."""
        part = 1 << (self.width.bit_length() - 1)
        turned = rows.copy()
        for turn, signs in enumerate(self.signs):
            turned *= signs
            place = slice(self.width - part, None) if turn % 2 else slice(0, part)
            turned[:, place] = _hadamard(turned[:, place])
        return turned

    def placed(self, vectors: FloatArray) -> FloatArray:
        """Unit or scaled vectors, zero padded: shape (n, width), not yet centred."""
        n = len(vectors)
        factors = np.full(n, 1.0 / self.scale)
        if self.metric is Metric.COSINE:
            rows = vectors.astype(np.float64)
            squares = lane_sums(rows * rows)
            factors = np.divide(1.0, np.sqrt(squares), out=np.zeros(n), where=squares > 0.0)
        padded = np.zeros((n, self.width), dtype=np.float32)
        with np.errstate(over="ignore"):
            padded[:, : self.dimension] = vectors * factors.astype(np.float32)[:, None]
        return padded


def _hadamard(rows: FloatArray) -> FloatArray:
    """Walsh-Hadamard transform of each row, scaled to keep lengths."""
    n, length = rows.shape
    apart = 1
    while apart < length:
        pairs = rows.reshape(n, -1, 2, apart)
        first, second = pairs[:, :, 0], pairs[:, :, 1]
        rows = np.stack([first + second, first - second], axis=2).reshape(n, length)
        apart *= 2
    scaled: FloatArray = rows * np.float32(1.0 / np.sqrt(length))
    return scaled
