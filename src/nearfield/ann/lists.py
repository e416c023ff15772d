"""Lists of near vectors (an inverted file): a search scans the 1-bit codes of some lists only.

A list is passed over when its mean estimate and `reach` standard deviations do not come up to the
better half of the candidates that were kept so far. So the number of lists follows from the
question, and `reach` is the one parameter, measured on the collection's own vectors.

The file is written once, as a whole (little-endian):

=============  =====================================================================
header         magic, version, sizes, tag, CRC-32 of what follows, of the header
means          int8 (count, width): mean of a list's rotated vectors, in units of a step
floats         float32 (4, count): steps; of what is added to estimates the mean; standard deviation
               of the vectors, a dimension; that of what is added
starts         uint32 (count + 1): the block that each list begins with
blocks         as in :mod:`nearfield.ann.segments`, the uint32 slots of the 64 places behind
               each; 2³² - 1 where a place is empty
=============  =====================================================================
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from ctypes import pointer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.ann import library, with_numpy
from nearfield.ann.codes import Codes
from nearfield.ann.damage import DamagedIndex
from nearfield.ann.segments import BLOCK, SEGMENT, Layout, Parts
from nearfield.ann.space import Space
from nearfield.errors import FormatVersionError
from nearfield.types import FloatArray, IntArray

__all__ = ["Lists"]

FORMAT = 1
EMPTY = np.uint32(2**32 - 1)

_MAGIC = b"NFLISTS\0"
_HEADER = struct.Struct("<8s4I2Q64sI")
_CHECKSUM = struct.Struct("<I")
_PAGE = 4096
_SLOTS = 4 * BLOCK
_STEPS = 127.0
_AT_ONCE = 8192
_ROUNDS = 5
_SAMPLED = 32  # vectors a list that centres are found with
_SHARE = 0.7  # lists, as a multiple of the root of the number of vectors


class Lists:
    """A file of lists, mapped to read; may be shared by threads.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    covered : int
        Slots from 0 on that stand in lists; later ones are scanned one by one.
    count : int
        Number of lists.
    tag : bytes
        What the caller gave when they were made.

    Raises
    ------
    DamagedIndex
        It is of another kind, cut off, or its header does not have its checksum.
    FormatVersionError
        Another version of Nearfield wrote it.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise DamagedIndex(f"{path} cannot be read: {error}") from error
        self._data = np.frombuffer(mapped, dtype=np.uint8)
        head = self._data[: _HEADER.size + 4].tobytes()
        if len(head) != _HEADER.size + 4 or not head.startswith(_MAGIC):
            raise DamagedIndex(f"{path} is not a file of lists: build it again")
        if _CHECKSUM.unpack(head[-4:])[0] != zlib.crc32(head[:-4]):
            raise DamagedIndex(f"the header of {path} does not have its checksum")
        _, version, width, count, _, covered, blocks, tag, self._check = _HEADER.unpack(head[:-4])
        if version != FORMAT:
            raise FormatVersionError(
                f"{path} has format {version}, expected {FORMAT}: build it again"
            )
        self.path, self.width, self.count, self.covered = path, width, count, covered
        self.tag = tag.rstrip(b"\0")
        self._block = Layout(width, BLOCK).block_bytes
        due = _blocks_start(width, count) + blocks * (self._block + _SLOTS)
        if len(self._data) != due:
            raise DamagedIndex(
                f"{path} has {len(self._data)} bytes and {blocks} blocks take {due}: it was cut "
                "off; build it again"
            )
        floats = _PAGE + count * width
        self.means = self._data[_PAGE:floats].view("<i1").reshape(count, width)
        starts = floats + 16 * count
        self.floats = self._data[floats:starts].view("<f4").reshape(4, count)
        self.starts = self._data[starts : starts + 4 * (count + 1)].view("<u4")
        rises = bool((self.starts[1:] >= self.starts[:-1]).all())
        if not rises or self.starts[0] != 0 or self.starts[-1] != blocks:
            raise DamagedIndex(f"the lists of {path} do not lie one behind the other")

    @classmethod
    def build(cls, path: Path, codes: Codes, vectors: FloatArray, tag: bytes = b"") -> Lists:
        """Make the lists of all codes and write them in the place of an older file.

        Parameters
        ----------
        path : Path
        codes : Codes
        vectors : ndarray of float32, shape (n, dimension)
            What the codes are of, n ≥ ``len(codes)``; rows may lie apart.
        tag : bytes
            At most 64, kept for the caller.

        Raises
        ------
        OSError
            It cannot be written.
        """
        rows, space = vectors[: len(codes)], codes.space
        codes_of = _gathered(codes)
        count = max(1, int(_SHARE * len(rows) ** 0.5))
        centres = _centres(space, rows, count)
        homes = _homes(space, rows, centres)
        # What float32 cannot measure is always proposed: it has a list that none passes over.
        homes[np.isnan(codes_of[1])] = count
        means, floats = _shapes(space, rows, homes, count + 1, codes_of[1])
        blocks, body = _laid_out(space.width, homes, count + 1, means, floats, codes_of)
        check = 0
        for part in body:
            check = zlib.crc32(part.data, check)
        packed = _HEADER.pack(
            _MAGIC, FORMAT, space.width, count + 1, 0, len(rows), blocks, tag, check
        )
        draft = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            with draft.open("wb") as file:
                file.write((packed + _CHECKSUM.pack(zlib.crc32(packed))).ljust(_PAGE, b"\0"))
                for part in body:
                    file.write(part.data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return cls(path)

    def structure(self, reach: float) -> Any:  # noqa: ANN401 - ctypes has no plain type of pointers
        """The lists for the compiled library; they must live as long as it is used."""
        base = self._data.ctypes.data
        floats = _PAGE + self.count * self.width
        starts = floats + 16 * self.count
        return pointer(
            library.Lists(
                base + _blocks_start(self.width, self.count), base + starts, base + _PAGE,
                *(base + floats + 4 * self.count * i for i in range(4)),
                self.count, self.covered, reach,
            )
        )  # fmt: skip

    def block(self, number: int) -> tuple[Parts, npt.NDArray[np.uint32]]:
        """A list's codes, as parts without rows, and the slots of their places."""
        size = self._block + _SLOTS
        start = _blocks_start(self.width, self.count)
        first, last = int(self.starts[number]), int(self.starts[number + 1])
        blocks = self._data[start + first * size : start + last * size].reshape(-1, size)
        layout = Layout(self.width, BLOCK * (last - first))
        parts = Parts.of(np.ascontiguousarray(blocks[:, : self._block]).reshape(-1), layout)
        return parts, np.ascontiguousarray(blocks[:, self._block :]).view("<u4").reshape(-1)

    def verify(self) -> None:
        """Read everything; raises DamagedIndex where it does not have its checksum."""
        if zlib.crc32(self._data[_PAGE:].data) != self._check:
            raise DamagedIndex(f"{self.path} does not have its checksum: build it again")


def _blocks_start(width: int, count: int) -> int:
    end = _PAGE + count * width + 16 * count + 4 * (count + 1)
    return -(-end // _PAGE) * _PAGE


def _gathered(codes: Codes) -> tuple[npt.NDArray[np.uint8], FloatArray, npt.NDArray[np.uint16]]:
    """Signs (n, width / 8), what is added, and factors of every slot."""
    segments, count, _ = codes.mapped
    width = codes.space.width
    signs = np.empty((count, width // 8), dtype=np.uint8)
    adds, factors = np.empty(count, np.float32), np.empty(count, np.uint16)
    for number, data in enumerate(segments):
        first = number * SEGMENT
        used = min(SEGMENT, count - first)
        parts, blocks = Parts.of(data, Layout(width, SEGMENT)), -(-used // BLOCK)
        rows = parts.signs[:blocks].transpose(0, 2, 1).reshape(-1, width // 8)
        signs[first : first + used] = rows[:used]
        adds[first : first + used] = parts.adds[:used]
        factors[first : first + used] = parts.row_factors[:used]
    return signs, adds, factors


def _centres(space: Space, rows: FloatArray, count: int) -> FloatArray:
    """k-means over a sample (Lloyd 1982), shape (count, width)."""
    rng = np.random.default_rng(0)
    size = min(len(rows), _SAMPLED * count)
    sample = _placed(space, rows[np.sort(rng.choice(len(rows), size, replace=False))])
    sample = sample[np.isfinite(sample).all(axis=1)]
    if len(sample) < count:
        return np.zeros((count, space.width), dtype=np.float32)
    centres = sample[rng.choice(len(sample), count, replace=False)]
    for _ in range(_ROUNDS):
        homes = _nearest(sample, centres)
        order = np.argsort(homes, kind="stable")
        bounds = np.searchsorted(homes[order], np.arange(count + 1))
        sums = np.add.reduceat(sample[order], np.minimum(bounds[:-1], len(sample) - 1), axis=0)
        filled = np.diff(bounds) > 0
        centres[filled] = sums[filled] / np.diff(bounds)[filled, None].astype(np.float32)
    return centres


def _placed(space: Space, rows: FloatArray) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        return space.placed(np.ascontiguousarray(rows))


def _nearest(rows: FloatArray, centres: FloatArray) -> IntArray:
    """The centre at the least distance of each row; of rows that are not finite any."""
    halves = np.float32(0.5) * np.einsum("ij,ij->i", centres, centres)
    found = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _AT_ONCE):
        with np.errstate(over="ignore", invalid="ignore"):
            scores = rows[start : start + _AT_ONCE] @ centres.T
            scores -= halves
        found[start : start + _AT_ONCE] = scores.argmax(axis=1)
    return found


def _homes(space: Space, rows: FloatArray, centres: FloatArray) -> IntArray:
    parts = [
        _nearest(_placed(space, rows[start : start + _AT_ONCE]), centres)
        for start in range(0, len(rows), _AT_ONCE)
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _shapes(
    space: Space, rows: FloatArray, homes: IntArray, count: int, adds: FloatArray
) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Means of the lists, quantised, and their steps, added means and deviations."""
    sums, squares = np.zeros((count, space.width)), np.zeros(count)
    sizes = np.maximum(np.bincount(homes, minlength=count), 1)
    for start in range(0, len(rows), _AT_ONCE):
        own = homes[start : start + _AT_ONCE]
        apart = _placed(space, rows[start : start + _AT_ONCE]) - space.centre
        apart[own == count - 1] = 0.0
        order = np.argsort(own, kind="stable")
        there, first = np.unique(own[order], return_index=True)
        sums[there] += np.add.reduceat(apart[order], first, axis=0)
        squares += np.bincount(own, np.einsum("ij,ij->i", apart, apart), count)
    means = sums / sizes[:, None]
    variances = np.maximum(squares / sizes - (means * means).sum(axis=1), 0.0) / space.width
    turned = space.rotated(means.astype(np.float32))
    steps = np.abs(turned).max(axis=1) / np.float32(_STEPS)
    whole = np.rint(turned / np.where(steps > 0, steps, np.float32(1.0))[:, None])
    usual = np.where(np.isnan(adds), np.float32(0.0), adds).astype(np.float64)
    added = np.bincount(homes, usual, count) / sizes
    spread = np.bincount(homes, usual * usual, count) / sizes - added * added
    floats = np.stack([steps, added, np.sqrt(variances), np.sqrt(np.maximum(spread, 0.0))])
    floats[2, -1] = np.inf
    return whole.astype(np.int8), floats.astype(np.float32)


def _laid_out(
    width: int,
    homes: IntArray,
    count: int,
    means: npt.NDArray[np.int8],
    floats: FloatArray,
    codes_of: tuple[npt.NDArray[np.uint8], FloatArray, npt.NDArray[np.uint16]],
) -> tuple[int, list[npt.NDArray[Any]]]:
    """Number of blocks, and what follows the header."""
    signs, adds, factors = codes_of
    sizes = np.bincount(homes, minlength=count)
    starts = np.concatenate([[0], np.cumsum(-(-sizes // BLOCK))])
    order = np.argsort(homes, kind="stable")
    inside = np.arange(len(homes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    slots = np.full(int(starts[-1]) * BLOCK, EMPTY, dtype=np.uint32)
    slots[np.repeat(starts[:-1] * BLOCK, sizes) + inside] = order
    size = Layout(width, BLOCK).block_bytes
    blocks = np.zeros((int(starts[-1]), size + _SLOTS), dtype=np.uint8)
    for start in range(0, len(blocks), _AT_ONCE // BLOCK):
        part = blocks[start : start + _AT_ONCE // BLOCK]
        own = slots[start * BLOCK :][: len(part) * BLOCK]
        taken = np.where(own == EMPTY, 0, own)
        codes = signs[taken].reshape(len(part), BLOCK, width // 8).transpose(0, 2, 1)
        part[:, : BLOCK * (width // 8)] = codes.reshape(len(part), -1)
        halves = np.stack([with_numpy.halves(adds[taken]), factors[taken]])
        halves = halves.reshape(2, len(part), BLOCK).transpose(1, 0, 2).reshape(len(part), -1)
        part[:, BLOCK * (width // 8) : size] = halves.astype("<u2").view(np.uint8)
        part[:, size:] = own.astype("<u4").reshape(-1, BLOCK).view(np.uint8)
    first = _PAGE + means.nbytes + floats.nbytes + 4 * (count + 1)
    padding = np.zeros(_blocks_start(width, count) - first, dtype=np.uint8)
    return len(blocks), [means, floats.astype("<f4"), starts.astype("<u4"), padding, blocks]
