"""A file of named arrays that is mapped, not read, and checked before it is believed.

Layout (little-endian): one page of 4,096 bytes — magic, version, length of the facts, the facts as
JSON, zeros, and in its last four bytes the CRC-32 of all before it —, then the sections, each at a
multiple of 64 bytes. The last section holds a CRC-32 for every 64 KiB of what lies between; its
own stands in the facts. The page is checked when the file is opened; a section's blocks are
checked when it is first used, so opening takes no longer for a large file.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.errors import FormatVersionError, StoreCorrupt

__all__ = ["Container", "DamagedIndex", "build", "write"]

_MAGIC = b"NFTEXT\r\n"
_VERSION = 1
_PAGE = 4096
_CHECKED = 1 << 16
_ALIGNMENT = 64
_START = struct.Struct("<8sII")
_TYPES = {"u1": np.uint8, "u4": np.uint32}

Sections = Mapping[str, npt.NDArray[Any]]


class DamagedIndex(StoreCorrupt):
    """A derived index cannot be trusted: it must be made again from the collection."""


def build(facts: Mapping[str, object], sections: Sections) -> bytearray:
    """Return the bytes of a container.

    Parameters
    ----------
    facts : mapping
        What JSON can hold; together with the table of sections less than 4 kB.
    sections : mapping of str to ndarray of uint8 or uint32
    """
    table: dict[str, tuple[str, int, int]] = {}
    place = _PAGE
    for name, array in sections.items():
        kind = "u1" if array.dtype == np.uint8 else "u4"
        table[name] = (kind, place, array.nbytes)
        place += array.nbytes + -array.nbytes % _ALIGNMENT
    count = -(-(place - _PAGE) // _CHECKED)
    data = bytearray(place + 4 * count)  # filled in place: sections can be large
    for name, array in sections.items():
        kind, start, _ = table[name]
        into = np.frombuffer(data, _TYPES[kind], array.size, start)
        into[:] = array.reshape(-1)
    view = memoryview(data)
    borders = [*range(_PAGE, place, _CHECKED), place]
    sums = [zlib.crc32(view[begin:end]) for begin, end in pairwise(borders)]
    view[place:] = struct.pack(f"<{count}I", *sums)
    head = json.dumps(
        {
            **facts,
            "sections": table,
            "size": len(data),
            "sums": [place, zlib.crc32(view[place:])],
        },
        separators=(",", ":"),
    ).encode()
    if len(head) > _PAGE - 4 - _START.size:
        raise ValueError(f"the facts take {len(head)} bytes, there is room for {_PAGE - 20}")
    page = (_START.pack(_MAGIC, _VERSION, len(head)) + head).ljust(_PAGE - 4, b"\0")
    view[:_PAGE] = page + struct.pack("<I", zlib.crc32(page))
    return data


def write(path: Path, data: bytes | bytearray, *, durable: bool) -> None:
    """Write a file beside its place and move it there in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with draft.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


class Container:
    """A file, or the bytes of one, as arrays.

    Parameters
    ----------
    data : bytearray or mmap
    name : str
        For messages.

    Attributes
    ----------
    facts : dict

    Raises
    ------
    DamagedIndex
        It is no such file, or its first page is damaged, or it is too short.
    FormatVersionError
        It is of another version.
    """

    def __init__(
        self, data: bytearray | mmap.mmap, name: str, first_page: bytes | None = None
    ) -> None:
        self.name = name
        self._data = data
        self.facts: dict[str, Any] = self._facts_of(first_page or bytes(data[:_PAGE]))
        self._sections: dict[str, tuple[str, int, int]] = self.facts["sections"]
        self._sums: npt.NDArray[np.uint32] | None = None
        self._seen = bytearray(-(-max(0, self.facts["sums"][0] - _PAGE) // _CHECKED))

    @classmethod
    def open(cls, path: Path) -> Container:
        """Map a file."""
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                # Read apart: touching the map may bring two megabytes of it into memory.
                first_page = file.read(_PAGE)
        except FileNotFoundError:
            raise DamagedIndex(f"{path} is missing: rebuild the text index") from None
        except ValueError:  # an empty file cannot be mapped
            raise DamagedIndex(f"{path} is empty: rebuild the text index") from None
        return cls(mapped, str(path), first_page)

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return a section, unchecked; :meth:`check` it before its values are believed."""
        kind, start, size = self._sections[name]
        dtype = _TYPES[kind]
        return np.frombuffer(self._data, dtype, size // np.dtype(dtype).itemsize, start)

    def check(self, name: str, start: int = 0, stop: int | None = None) -> None:
        """Check bytes `start` to `stop` of a section, once.

        Raises
        ------
        DamagedIndex
            They are not what was written.
        """
        _, place, size = self._sections[name]
        first = (place + start - _PAGE) // _CHECKED
        last = -(-(place + (size if stop is None else min(stop, size)) - _PAGE) // _CHECKED)
        if self._seen.count(1, first, last) == last - first:
            return
        sums = self._block_sums()
        end = self.facts["sums"][0]
        view = memoryview(self._data)
        for block in range(first, last):
            if not self._seen[block]:
                begin = _PAGE + block * _CHECKED
                found = zlib.crc32(view[begin : min(begin + _CHECKED, end)])
                if found != int(sums[block]):
                    self._damaged(f"section {name!r}, bytes {begin} to {begin + _CHECKED}")
                self._seen[block] = 1

    def verify(self) -> None:
        """Check every byte; raises DamagedIndex and says where."""
        self._seen = bytearray(len(self._seen))
        for name in self._sections:
            self.check(name)

    def _block_sums(self) -> npt.NDArray[np.uint32]:
        if self._sums is None:
            place, expected = self.facts["sums"]
            raw = bytes(self._data[place : self.facts["size"]])
            if zlib.crc32(raw) != expected:
                self._damaged("its checksums")
            self._sums = np.frombuffer(raw, np.uint32)
        return self._sums

    def _facts_of(self, page: bytes) -> dict[str, Any]:
        if len(page) < _PAGE or page[:8] != _MAGIC:
            self._damaged("it does not begin like a text index")
        if zlib.crc32(page[:-4]) != int.from_bytes(page[-4:], "little"):
            self._damaged("its first page")
        _, version, length = _START.unpack_from(page)
        if version != _VERSION:
            raise FormatVersionError(
                f"{self.name} has version {version} of the text index, this Nearfield reads "
                f"{_VERSION}: rebuild the index"
            )
        facts: dict[str, Any] = json.loads(page[_START.size : _START.size + length])
        if len(self._data) != facts["size"]:
            self._damaged(f"it has {len(self._data)} bytes, expected {facts['size']}")
        return facts

    def _damaged(self, what: str) -> None:
        raise DamagedIndex(f"{self.name} is damaged ({what}): rebuild the text index")
