"""How codes lie in memory and on disk.

A segment holds 16,384 vectors: blocks of 64 for the scan, then the factors of the 4-bit rows, then
these rows. The scan reads long stretches, which memory delivers half as fast again as short ones.
Vectors are quantised and checked in units of 1,024, laid out alike.

======  ================  =============================================================
block   width/8 × 64 B    byte j of vector v at [j][v]: signs of dimensions 8j … 8j+7
        64 × float32      what is added to an estimate (times a factor of the query)
        64 × bfloat16     factor of the 1-bit product
factor  uint16            factor of the 4-bit product by that of the 1-bit one, · 2¹⁵
row     width/2 B         low halves: dimensions 0 … width/2 - 1, high halves: the rest
======  ================  =============================================================

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
    248.0
    """

    width: int
    places: int

    @property
    def block_bytes(self) -> int:
        return BLOCK * (self.width // 8 + 6)

    @property
    def ratios(self) -> int:
        """Offset of the factors."""
        return self.places // BLOCK * self.block_bytes

    @property
    def rows(self) -> int:
        """Offset of the 4-bit rows."""
        return self.ratios + 2 * self.places

    @property
    def size(self) -> int:
        return self.rows + self.places * (self.width // 2)

    def end(self, used: int) -> int:
        """Bytes that `used` vectors need from the start on."""
        return self.rows + used * (self.width // 2) if used else 0


@dataclass(frozen=True, slots=True)
class Parts:
    """Views of the parts of a segment or unit.

    Attributes
    ----------
    signs : ndarray of uint8, shape (blocks, width / 8, 64)
    adds : ndarray of float32, shape (blocks, 64)
    factors : ndarray of uint16 (bfloat16), shape (blocks, 64)
    ratios : ndarray of uint16, shape (places,)
    rows : ndarray of uint8, shape (m, width / 2)
        As many as there are: a file ends behind the last row in use.
    """

    signs: Bytes
    adds: npt.NDArray[np.float32]
    factors: npt.NDArray[np.uint16]
    ratios: npt.NDArray[np.uint16]
    rows: Bytes

    @classmethod
    def of(cls, data: Bytes, layout: Layout) -> Parts:
        """View bytes that are laid out so."""
        width, codes = layout.width, BLOCK * (layout.width // 8)
        blocks = data[: layout.ratios].reshape(-1, layout.block_bytes)
        rows = data[layout.rows : layout.size]
        return cls(
            signs=blocks[:, :codes].reshape(-1, width // 8, BLOCK),
            adds=blocks[:, codes : codes + 4 * BLOCK].view("<f4"),
            factors=blocks[:, codes + 4 * BLOCK :].view("<u2"),
            ratios=data[layout.ratios : layout.rows].view("<u2"),
            rows=rows[: len(rows) // (width // 2) * (width // 2)].reshape(-1, width // 2),
        )

    def unit(self, number: int) -> Parts:
        """The parts of a segment that belong to one of its units."""
        blocks = slice(number * UNIT // BLOCK, (number + 1) * UNIT // BLOCK)
        places = slice(number * UNIT, (number + 1) * UNIT)
        return Parts(
            self.signs[blocks], self.adds[blocks], self.factors[blocks],
            self.ratios[places], self.rows[places],
        )  # fmt: skip

    def checksum(self, used: int) -> int:
        """CRC-32 of the first `used` vectors of a unit, whatever lies in the places behind."""
        whole, rest = divmod(used, BLOCK)
        parts: list[npt.NDArray[np.generic]] = []
        for values in (self.signs, self.adds, self.factors):
            parts.append(values[:whole])
            if rest:
                parts.append(values[whole, ..., :rest])
        value = 0
        for part in [*parts, self.ratios[:used], self.rows[:used]]:
            value = zlib.crc32(part.tobytes(), value)
        return value
