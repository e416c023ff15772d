"""The vectors file: one record a slot, appended, mapped, and never changed while anyone needs it.

Layout (little-endian): a header page of 4,096 bytes (magic, version, dimension, generation, the
collection's id, CRC-32 of these); then one record a slot: int64 row of the chunk, uint32 CRC-32
of the vector's bytes, uint32 zero, `dimension` float32. How many slots count says the database;
what lies beyond is the rest of a write that was never committed, and is overwritten.

A record of zeros is a slot whose chunk is gone and whose vector was wiped; one of row -1 was
being wiped when the writer ended.
"""

from __future__ import annotations

import mmap
import os
import struct
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.ann.records import read_records
from nearfield.stores.local.failures import damaged, io_errors
from nearfield.types import FloatArray, IntArray

__all__ = [
    "HEADER_BYTES",
    "Records",
    "VectorFile",
    "VectorWriter",
    "checksums",
    "record_bytes",
    "record_type",
    "records_of",
]

HEADER_BYTES = 4096
_MAGIC = b"NFVECT\r\n"
_VERSION = 1
_HEADER = struct.Struct("<8sIIQ16s")
_CHECKSUM = struct.Struct("<I")
_BEING_WIPED = -1
_AT_ONCE = 4096
_ROW_BYTES = 8
_READ_APART = 4096  # more records than this are gathered from the mapping

Records: TypeAlias = npt.NDArray[np.void]
"""Structured: ``row`` int64, ``checksum`` uint32, ``zero`` uint32, ``vector`` float32 (dim,)."""


def record_type(dimension: int) -> np.dtype[np.void]:
    """The layout of a record."""
    return np.dtype(
        [("row", "<i8"), ("checksum", "<u4"), ("zero", "<u4"), ("vector", "<f4", (dimension,))]
    )


def record_bytes(dimension: int) -> int:
    """Bytes of a record.

    Examples
    --------
    >>> record_bytes(384)
    1552
    """
    return 16 + 4 * dimension


def records_of(rows: Sequence[int] | IntArray, vectors: FloatArray) -> Records:
    """Records of vectors (n, dimension), each with its checksum."""
    records = np.zeros(len(vectors), dtype=record_type(vectors.shape[1]))
    records["row"] = rows
    records["vector"] = vectors
    records["checksum"] = checksums(records["vector"])
    return records


def checksums(vectors: FloatArray) -> npt.NDArray[np.uint32]:
    """CRC-32 of each row's bytes."""
    rows = vectors.astype("<f4", copy=False)
    return np.fromiter(map(zlib.crc32, rows), dtype=np.uint32, count=len(rows))


class VectorFile:
    """A generation's vectors, opened to read; may be shared by threads.

    Parameters
    ----------
    path : Path
    dimension : int
    generation : int
    collection : bytes
        The collection's 16 random bytes.
    checked : bool
        False takes the file whatever its header says.

    Raises
    ------
    FileNotFoundError
        The file is not there; a later generation may have taken its place.
    StoreCorrupt
        It is not the one that is meant, or damaged.
    """

    def __init__(
        self,
        path: Path,
        dimension: int,
        generation: int,
        collection: bytes,
        *,
        checked: bool = True,
    ) -> None:
        self.path = path
        self.dimension = dimension
        self.generation = generation
        self.collection = collection
        self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        # Closed when the last state that uses it is forgotten, be it in another thread.
        weakref.finalize(self, os.close, self.descriptor)
        self._type = record_type(dimension)
        self._mapped: Records = np.empty(0, dtype=self._type)
        expected = _header(dimension, generation, collection)
        with path.open("rb") as file:
            found = file.read(len(expected))
        if checked and found != expected:
            raise damaged(path, _difference(found, dimension, generation, collection))

    def require(self, slots: int) -> None:
        """Raise StoreCorrupt when the file is too short for so many slots."""
        size = os.fstat(self.descriptor).st_size
        needed = HEADER_BYTES + slots * self._type.itemsize
        if size < needed:
            raise damaged(self.path, f"it has {size:,} bytes and {slots:,} slots take {needed:,}")

    def mapped(self, slots: int) -> Records:
        """Records of slots [0, slots), mapped read-only; nothing is read before it is used."""
        if len(self._mapped) < slots:
            self.require(slots)
            mapping = mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_READ)
            whole = (len(mapping) - HEADER_BYTES) // self._type.itemsize
            self._mapped = np.frombuffer(mapping, self._type, count=whole, offset=HEADER_BYTES)
        return self._mapped[:slots]

    def read(self, slots: IntArray) -> Records:
        """Copies of some records, in the order asked for.

        Few are read from the file, not from the mapping: pages that searches touch here and
        there would add up to the whole file in memory.
        """
        if len(slots) > _READ_APART or not hasattr(os, "pread"):
            return self.mapped(int(slots.max(initial=-1)) + 1)[slots]
        size = self._type.itemsize
        try:
            found = read_records(self.descriptor, HEADER_BYTES, size, slots)
        except OSError as error:
            raise damaged(self.path, f"its records cannot be read: {error}") from error
        return found.view(self._type).reshape(len(slots))

    def heads(self, slots: IntArray) -> IntArray:
        """Row of the chunk of each slot, in the order asked for."""
        if len(slots) > _READ_APART or not hasattr(os, "pread"):
            return self.read(slots)["row"]
        try:
            found = read_records(
                self.descriptor, HEADER_BYTES, self._type.itemsize, slots, size=_ROW_BYTES
            )
        except OSError as error:
            raise damaged(self.path, f"its records cannot be read: {error}") from error
        rows: IntArray = found.view("<i8").reshape(len(slots))
        return rows

    def run(self, first: int, count: int) -> Records:
        """Copies of the records of slots [first, first + count)."""
        if not hasattr(os, "pread"):
            return self.mapped(first + count)[first:].copy()
        size = self._type.itemsize
        place = HEADER_BYTES + first * size
        return self._whole(os.pread(self.descriptor, count * size, place), count)

    def _whole(self, found: bytes, count: int) -> Records:
        if len(found) != count * self._type.itemsize:
            raise damaged(self.path, "it ends before its last slot")
        return np.frombuffer(found, dtype=self._type)


class VectorWriter:
    """A generation's vectors, opened to append; one writer at a time.

    Parameters
    ----------
    path : Path
        An existing file.
    dimension : int
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self._type = record_type(dimension)
        with io_errors(path):
            self._file = path.open("r+b", buffering=0)
            beyond = max(0, os.fstat(self._file.fileno()).st_size - HEADER_BYTES)
        self._end = -(-beyond // self._type.itemsize)

    @classmethod
    def create(cls, path: Path, dimension: int, generation: int, collection: bytes) -> VectorWriter:
        """Make a file without slots, in place of any that is there."""
        header = _header(dimension, generation, collection)
        with io_errors(path), path.open("wb") as file:
            file.write(header.ljust(HEADER_BYTES, b"\0"))
        return cls(path, dimension)

    def append(self, slot: int, rows: Sequence[int] | IntArray, vectors: FloatArray) -> None:
        """Write records at `slot` and after it; they count once the database says so."""
        for start in range(0, len(vectors), _AT_ONCE):
            stop = start + _AT_ONCE
            self.put(slot + start, records_of(rows[start:stop], vectors[start:stop]))

    @property
    def end(self) -> int:
        """The first slot that nothing was ever written to, or that was cut off."""
        return self._end

    def put(self, slot: int, records: Records) -> None:
        """Write ready records at `slot` and after it."""
        self._end = max(self._end, slot + len(records))
        with io_errors(self.path):
            self._file.seek(HEADER_BYTES + slot * self._type.itemsize)
            left = records.view(np.uint8).data
            while left:
                left = left[self._file.write(left) :]

    def wipe(self, slots: IntArray) -> None:
        """Overwrite the records of slots (ascending) with zeros.

        The row goes last, when the vector's zeros are on the disk: a record with row 0 is wiped
        to its end, whatever happens in between.
        """
        for row in (_BEING_WIPED, 0):
            for run in np.split(slots, np.flatnonzero(np.diff(slots) != 1) + 1):
                for start in range(0, len(run), _AT_ONCE):
                    zeros = np.zeros(len(run[start : start + _AT_ONCE]), dtype=self._type)
                    zeros["row"] = row
                    self.put(int(run[start]), zeros)
            self.sync()

    def sync(self) -> None:
        """Have the system bring what was written to the disk."""
        with io_errors(self.path):
            getattr(os, "fdatasync", os.fsync)(self._file.fileno())

    def cut(self, slots: int) -> None:
        """Give back what lies beyond the committed slots."""
        with io_errors(self.path):
            self._file.truncate(HEADER_BYTES + slots * self._type.itemsize)
        self._end = slots

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._file.close()


def _header(dimension: int, generation: int, collection: bytes) -> bytes:
    fields = _HEADER.pack(_MAGIC, _VERSION, dimension, generation, collection)
    return fields + _CHECKSUM.pack(zlib.crc32(fields))


def _difference(found: bytes, dimension: int, generation: int, collection: bytes) -> str:
    """What a header says that it should not."""
    whole = _HEADER.size + _CHECKSUM.size
    if len(found) < whole or _CHECKSUM.pack(zlib.crc32(found[: _HEADER.size])) != found[-4:]:
        return "its header does not have its checksum"
    fields = _HEADER.unpack(found[: _HEADER.size])
    expected = (_MAGIC, _VERSION, dimension, generation, collection)
    names = ("magic", "version", "dimension", "generation", "collection")
    for name, given, due in zip(names, fields, expected, strict=True):
        if given != due:
            return f"its header says {name} {given!r} and the database {due!r}"
    return "its header is not the database's"
