"""How codes lie in memory and on disk.

A segment holds 16,384 vectors: blocks of 64 for the scan, then rows for what the scan keeps. The
scan reads long stretches, which memory delivers half as fast again as short ones. Vectors are
quantised and checked in units of 1,024, laid out alike.

=====  =================  =============================================================
block  width/8 × 64 B     byte j of vector v at [j][v]: signs of dimensions 8j … 8j+7
       64 × bfloat16      what is added to an estimate (times a factor of the query)
       64 × bfloat16      factor of the 1-bit product
row    width/64 × 24 B    low three bits of the 4-bit levels of 64 dimensions: byte i < 16 has
                          the lowest two of dimensions i, 16 + i, 32 + i, 48 + i; bits g and
                          4 + g of byte 16 + i the third of 16 g + i and 16 g + 8 + i
       float32            what is added, as in the block
       bfloat16           factor, as in the block
       uint16             factor of the 4-bit product by that of the 1-bit one, · 2¹⁵
=====  =================  =============================================================

The highest bit of a level is the sign, which the scan has multiplied already.
A vector has bytes of its own, so that others can be appended while readers search.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "SEGMENT", "UNIT", "Layout", "Parts"]

BLOCK = 64
UNIT = 1024
SEGMENT = 16384
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of `places` vectors lie.

    Attributes
    ----------
    width : int
        Dimensions of a code, a multiple of 64.
    places : int
        Vectors: those of a segment or of a unit.

    Examples
    --------
    >>> Layout(384, SEGMENT).size / SEGMENT  # bytes a vector
    204.0
    """

    width: int
    places: int

    @property
    def block_bytes(self) -> int:
        return BLOCK * (self.width // 8 + 4)

    @property
    def low_bytes(self) -> int:
        """Bytes of a row's levels."""
        return self.width // 64 * 24

    @property
    def row_bytes(self) -> int:
        return self.low_bytes + 8

    @property
    def rows(self) -> int:
        """Offset of the rows."""
        return self.places // BLOCK * self.block_bytes

    @property
    def size(self) -> int:
        return self.rows + self.places * self.row_bytes

    def end(self, used: int) -> int:
        """Bytes that `used` vectors need from the start on."""
        return self.rows + used * self.row_bytes if used else 0


@dataclass(frozen=True, slots=True)
class Parts:
    """Views of the parts of a segment or unit.

    Attributes
    ----------
    signs : ndarray of uint8, shape (blocks, width / 8, 64)
    rough_adds, factors : ndarray of uint16 (bfloat16), shape (blocks, 64)
    rows : ndarray of uint8, shape (m, row_bytes)
        As many as there are: a file ends behind the last row in use.
    low : ndarray of uint8, shape (m, low_bytes)
    adds : ndarray of float32, shape (m,)
    row_factors, ratios : ndarray of uint16, shape (m,)
        The rows' own parts.
    """

    signs: Bytes
    rough_adds: npt.NDArray[np.uint16]
    factors: npt.NDArray[np.uint16]
    rows: Bytes
    low: Bytes
    adds: npt.NDArray[np.float32]
    row_factors: npt.NDArray[np.uint16]
    ratios: npt.NDArray[np.uint16]

    @classmethod
    def of(cls, data: Bytes, layout: Layout) -> Parts:
        """View bytes that are laid out so."""
        codes, low = BLOCK * (layout.width // 8), layout.low_bytes
        blocks = data[: layout.rows].reshape(-1, layout.block_bytes)
        rows = data[layout.rows : layout.size]
        rows = rows[: len(rows) // layout.row_bytes * layout.row_bytes]
        rows = rows.reshape(-1, layout.row_bytes)
        return cls(
            signs=blocks[:, :codes].reshape(-1, layout.width // 8, BLOCK),
            rough_adds=blocks[:, codes : codes + 2 * BLOCK].view("<u2"),
            factors=blocks[:, codes + 2 * BLOCK :].view("<u2"),
            rows=rows,
            low=rows[:, :low],
            adds=rows[:, low : low + 4].view("<f4")[:, 0],
            row_factors=rows[:, low + 4 : low + 6].view("<u2")[:, 0],
            ratios=rows[:, low + 6 :].view("<u2")[:, 0],
        )

    def checksum(self, used: int, first: int = 0) -> int:
        """CRC-32 of `used` vectors from the place `first` on, whatever lies in the places behind.

        Parameters
        ----------
        used : int
        first : int
            A multiple of 64.
        """
        start = first // BLOCK
        whole, rest = divmod(used, BLOCK)
        parts: list[npt.NDArray[np.generic]] = []
        for values in (self.signs, self.rough_adds, self.factors):
            parts.append(values[start : start + whole])
            if rest:
                parts.append(values[start + whole, ..., :rest])
        value = 0
        for part in [*parts, self.rows[first : first + used]]:
            value = zlib.crc32(part.tobytes(), value)
        return value
