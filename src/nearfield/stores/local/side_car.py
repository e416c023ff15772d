"""The side-car: every vector in one file that is mapped into memory, not read.

It is derived from the database, says which state it shows, and is checked when it is opened;
one that is missing, damaged or too old is made again.

Layout (little-endian): a header of 128 bytes; then int64 rows (n), float32 lengths (n, padded
to a multiple of 8 bytes), float32 vectors (n × dimension, padded alike).
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.types import FloatArray, IntArray

__all__ = ["Snapshot", "load", "save"]

_MAGIC = b"NFSIDE\r\n"
_VERSION = 1
# magic, version, dimension, rows, sequence, last row, collection, checksum of the arrays
_HEADER = struct.Struct("<8sIIQQQ16sQ")
_HEADER_BYTES = 128
_WORDS = 1 << 17  # 1 MiB
_FACTOR = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The vectors of one state of the collection.

    Attributes
    ----------
    collection : bytes
        The collection's 16 random bytes.
    sequence : int
        The operation it shows.
    last_row : int
        Highest row that had been given to a chunk by then.
    rows : ndarray of int64, shape (n,)
        Ascending.
    lengths : ndarray of float32, shape (n,)
        Euclidean length of each vector.
    vectors : ndarray of float32, shape (n, dimension)
    """

    collection: bytes
    sequence: int
    last_row: int
    rows: IntArray
    lengths: FloatArray
    vectors: FloatArray


def save(snapshot: Snapshot, path: Path) -> bool:
    """Write the side-car and move it into place; False where the disk does not take it."""
    count, dimension = snapshot.vectors.shape
    arrays = [
        _padded(part) for part in (snapshot.rows, snapshot.lengths, snapshot.vectors.reshape(-1))
    ]
    header = _HEADER.pack(
        _MAGIC,
        _VERSION,
        dimension,
        count,
        snapshot.sequence,
        snapshot.last_row,
        snapshot.collection,
        _checksum(arrays),
    )
    unborn = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with unborn.open("wb") as file:
            file.write((header + struct.pack("<I", zlib.crc32(header))).ljust(_HEADER_BYTES, b"\0"))
            for array in arrays:
                file.write(array.data)
        # No fsync: after a power cut the checksum tells a torn file, and it is made again.
        unborn.replace(path)
    except OSError:
        with suppress(OSError):
            unborn.unlink(missing_ok=True)
        return False
    return True


def load(path: Path, collection: bytes, dimension: int) -> Snapshot | None:
    """Map the side-car, or return None when there is none that can be trusted."""
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None
    if len(mapped) < _HEADER_BYTES:
        return None
    header = mapped[: _HEADER.size]
    (checksum,) = struct.unpack_from("<I", mapped, _HEADER.size)
    magic, version, width, count, sequence, last_row, owner, total = _HEADER.unpack(header)
    expected = (_MAGIC, _VERSION, dimension, collection, checksum)
    if (magic, version, width, owner, zlib.crc32(header)) != expected:
        return None
    sizes = [count * 8, _even(count * 4), _even(count * dimension * 4)]
    if len(mapped) != _HEADER_BYTES + sum(sizes):
        return None
    parts, start = [], _HEADER_BYTES
    for size in sizes:
        parts.append(np.frombuffer(mapped, np.uint64, count=size // 8, offset=start))
        start += size
    if _checksum(parts) != total:
        return None
    rows, lengths, vectors = parts
    return Snapshot(
        collection,
        sequence,
        last_row,
        rows.view(np.int64),
        lengths.view(np.float32)[:count],
        vectors.view(np.float32)[: count * dimension].reshape(count, dimension),
    )


def _padded(array: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    raw = np.ascontiguousarray(array).view(np.uint8)
    if raw.size % 8:
        raw = np.concatenate([raw, np.zeros(8 - raw.size % 8, dtype=np.uint8)])
    return raw.view(np.uint64)


def _even(size: int) -> int:
    return size + -size % 8


def _checksum(arrays: list[npt.NDArray[np.uint64]]) -> int:
    """Checksum of all words; as fast as memory is read (a CRC would take ten times as long).

    Sums of blocks are chained by multiplication, so that blocks in another order, zeroed
    pages and any flipped bit change it. It guards against accidents, not against intent.
    """
    total = len(arrays)
    for array in arrays:
        for start in range(0, len(array), _WORDS):
            block = int(np.add.reduce(array[start : start + _WORDS], dtype=np.uint64))
            total = (total * _FACTOR + block + 1) & _MASK
    return total
