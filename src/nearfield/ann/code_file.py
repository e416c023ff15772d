"""The file of a collection of codes: a header, two commit records, checksums, segments.

========  ======================================================================================
offset    what
========  ======================================================================================
0         header: what the codes are of; never changes
4096      commit records, written in turn: how many vectors count, checksum of the last unit
8192      centre: float32 × width
then      CRC-32 of each full unit of 1,024 vectors, room for 65,536 of them (sparse)
then      segments (:mod:`nearfield.ann.segments`); the last one ends behind its last unit in use
========  ======================================================================================

Everything is little-endian. Codes are on disk before the commit record that counts them. After
a crash the older record holds; what lies behind it is written over.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.ann.arrays import METRICS
from nearfield.ann.damage import DamagedIndex
from nearfield.ann.segments import SEGMENT, UNIT, Layout
from nearfield.ann.space import ROUNDS, Space
from nearfield.errors import FormatVersionError, InputError, StoreError, StoreFull, StoreReadOnly

__all__ = ["MOST_UNITS", "CodeFile", "Commit"]

FORMAT = 2
TAG_BYTES = 64
MOST_UNITS = 65536

_MAGIC = b"NFCODES\0"
_HEADER = struct.Struct(f"<8s5I4xQd{TAG_BYTES}sI")
_COMMIT = struct.Struct("<3QI")
_CHECKSUM = struct.Struct("<I")
# Not every system has the cheaper one.
_sync = getattr(os, "fdatasync", os.fsync)

_COMMITS, _COMMIT_APART, _CENTRE, _PAGE = 4096, 512, 8192, 4096


@dataclass(frozen=True, slots=True)
class Commit:
    """What counts of the file.

    Attributes
    ----------
    sequence : int
        Grows by one with each commit.
    count : int
        Number of vectors.
    tail : int
        Checksum of the vectors in the last, partly used unit; 0 where there is none.
    """

    sequence: int
    count: int
    tail: int


class CodeFile:
    """A file of codes, open for reading or writing.

    Parameters
    ----------
    path : Path
    write : bool

    Raises
    ------
    DamagedIndex
        It is of another kind, cut off, or its header or centre does not have its checksum.
    FormatVersionError
        Another version of Nearfield wrote it.
    StoreReadOnly
        It may not be opened so.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        except PermissionError as error:
            raise StoreReadOnly(f"{path} cannot be opened: {error.strerror}") from error
        except OSError as error:
            raise DamagedIndex(f"{path} cannot be opened: {error.strerror}") from error
        try:
            self.space, self.tag = self._read_header()
            self.read_commit()
        except OSError as error:
            self.close()
            raise DamagedIndex(f"{path} cannot be read: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, space: Space, tag: bytes) -> CodeFile:
        """Make an empty file, in the place of any other, and open it for writing."""
        if len(tag) > TAG_BYTES:
            raise InputError(f"the tag has {len(tag)} bytes: at most {TAG_BYTES} fit")
        head = _HEADER.pack(
            _MAGIC, FORMAT, METRICS.index(space.metric), space.dimension, space.width, ROUNDS,
            space.seed, space.scale, tag, zlib.crc32(space.centre.astype("<f4").tobytes()),
        )  # fmt: skip
        draft = path.with_name(f"{path.name}.draft")
        try:
            file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            raise _refused(path, error) from error
        try:
            _write(file, head + _CHECKSUM.pack(zlib.crc32(head)), 0, draft)
            _write(file, _packed(Commit(1, 0, 0)), _COMMITS + _COMMIT_APART, draft)
            _write(file, space.centre.astype("<f4").tobytes(), _CENTRE, draft)
            os.ftruncate(file, _segments_start(space.width))
            os.fsync(file)
        finally:
            os.close(file)
        draft.replace(path)
        return cls(path, write=True)

    def close(self) -> None:
        """Close the file; maps of it stay valid."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def layout(self) -> Layout:
        """Of a segment."""
        return Layout(self.space.width, SEGMENT)

    def read_commit(self) -> Commit:
        """The newest commit whose checksum holds and whose segments are all there.

        Raises
        ------
        DamagedIndex
            There is none.
        """
        found = []
        for place in range(2):
            data = os.pread(self._file, _COMMIT.size + 4, _COMMITS + place * _COMMIT_APART)
            fields, check = data[: _COMMIT.size], data[_COMMIT.size :]
            if len(check) == 4 and _CHECKSUM.unpack(check)[0] == zlib.crc32(fields):
                sequence, count, tail, _ = _COMMIT.unpack(fields)
                found.append(Commit(sequence, count, tail))
        if not found:
            raise DamagedIndex(f"{self.path} has no intact commit record: build it again")
        commit = max(found, key=lambda c: c.sequence)
        due = _segments_start(self.space.width) + self._end(commit.count)
        there = os.fstat(self._file).st_size
        if there < due:
            raise DamagedIndex(
                f"{self.path} has {there} bytes and {commit.count} vectors take {due}: it was cut "
                "off; build it again"
            )
        return commit

    def map(self, count: int) -> list[npt.NDArray[np.uint8]]:
        """Map the segments of `count` vectors for reading, one behind the other.

        Each is an array of its bytes; the last one ends behind its last unit in use.
        """
        if not count:
            return []
        start = _segments_start(self.space.width)
        # Mapped from 0: an offset would count in the system's pages, which may be large.
        mapped = mmap.mmap(self._file, start + self._end(count), access=mmap.ACCESS_READ)
        data = np.frombuffer(mapped, dtype=np.uint8, offset=start)
        return [data[i : i + self.layout.size] for i in range(0, len(data), self.layout.size)]

    def read_unit(self, number: int) -> npt.NDArray[np.uint8]:
        """A writable copy of a unit, laid out as one."""
        unit = np.zeros(Layout(self.space.width, UNIT).size, dtype=np.uint8)
        for place, start, end in self._parts(number):
            data = os.pread(self._file, end - start, place)
            unit[start : start + len(data)] = np.frombuffer(data, dtype=np.uint8)
        return unit

    def write_unit(self, number: int, unit: npt.NDArray[np.uint8]) -> None:
        """Write a whole unit; it counts once it is committed."""
        if number >= MOST_UNITS:
            raise InputError(f"a file of codes takes {MOST_UNITS * UNIT} vectors at most")
        for place, start, end in self._parts(number):
            _write(self._file, unit[start:end].data, place, self.path)

    def _parts(self, number: int) -> list[tuple[int, int, int]]:
        """For each part of a unit: its place in the file, and from where to where in the unit."""
        segment, inside = divmod(number * UNIT, SEGMENT)
        whole, unit = self.layout, Layout(self.space.width, UNIT)
        start = _segments_start(self.space.width) + segment * whole.size
        share = inside // UNIT
        return [
            (start + share * unit.rows, 0, unit.rows),
            (start + whole.rows + share * (unit.size - unit.rows), unit.rows, unit.size),
        ]

    def _end(self, count: int) -> int:
        """Bytes of the segments of `count` vectors, up to the last unit's end."""
        full, rest = divmod(count, SEGMENT)
        return full * self.layout.size + self.layout.end(-(-rest // UNIT) * UNIT)

    def write_checksum(self, number: int, value: int) -> None:
        """Note the checksum of a full unit."""
        place = _checksums_start(self.space.width) + 4 * number
        _write(self._file, _CHECKSUM.pack(value), place, self.path)

    def read_checksum(self, number: int) -> int:
        """Return the checksum that was noted for a full unit."""
        data = os.pread(self._file, 4, _checksums_start(self.space.width) + 4 * number)
        return int(_CHECKSUM.unpack(data)[0]) if len(data) == 4 else -1

    def commit(self, commit: Commit) -> None:
        """Make what was written count: first it, then the record, reaches the disk."""
        try:
            _sync(self._file)
            place = _COMMITS + commit.sequence % 2 * _COMMIT_APART
            _write(self._file, _packed(commit), place, self.path)
        except OSError as error:
            raise _refused(self.path, error) from error

    def _read_header(self) -> tuple[Space, bytes]:
        data = os.pread(self._file, _HEADER.size + 4, 0)
        if len(data) != _HEADER.size + 4 or not data.startswith(_MAGIC):
            raise DamagedIndex(f"{self.path} is not a file of codes: build it again")
        head = data[: _HEADER.size]
        _, version, metric, dimension, width, rounds, seed, scale, tag, centre_check = (
            _HEADER.unpack(head)
        )
        if _CHECKSUM.unpack(data[_HEADER.size :])[0] != zlib.crc32(head):
            raise DamagedIndex(f"the header of {self.path} does not have its checksum")
        if version != FORMAT or rounds != ROUNDS:
            raise FormatVersionError(
                f"{self.path} has format {version}, expected {FORMAT}: build it again"
            )
        centre = os.pread(self._file, 4 * width, _CENTRE)
        if zlib.crc32(centre) != centre_check:
            raise DamagedIndex(f"the centre in {self.path} does not have its checksum")
        values = np.frombuffer(centre, dtype="<f4").astype(np.float32)
        return Space(dimension, METRICS[metric], seed, scale, values), tag.rstrip(b"\0")


def _checksums_start(width: int) -> int:
    return _CENTRE + -(-4 * width // _PAGE) * _PAGE


def _segments_start(width: int) -> int:
    return _checksums_start(width) + 4 * MOST_UNITS


def _packed(commit: Commit) -> bytes:
    fields = _COMMIT.pack(commit.sequence, commit.count, commit.tail, 0)
    return fields + _CHECKSUM.pack(zlib.crc32(fields))


def _write(file: int, data: bytes | memoryview, place: int, path: Path) -> None:
    left = memoryview(data)
    try:
        while left:
            written = os.pwrite(file, left, place)
            left, place = left[written:], place + written
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"the disk is full: {path} could not grow, and what it held still counts")
    return StoreError(f"{path} could not be written: {error.strerror}")
