"""One mapped file of named arrays, every one with its own checksum.

Layout (little-endian): a header of 128 bytes; the arrays, each at a multiple of 8 bytes and once
only however often it is named; the directory as JSON. The header and the directory are checked
when the file is opened, an array when it is first asked for. A file is written under another name
and moved into place, so that readers see all of it or nothing.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.errors import FormatVersionError, StoreCorrupt

__all__ = ["ArrayFile", "ArrayWriter", "damaged"]

Array: TypeAlias = npt.NDArray[Any]

_MAGIC = b"NFCOLS\r\n"
_VERSION = 1
# magic, version, checksum of the directory, owner, bytes of the file, start of the directory
_HEADER = struct.Struct("<8sII32sQQ")
_HEADER_BYTES = 128
_TYPES = ("|u1", "<u2", "<u4", "<u8")


def damaged(path: Path, what: str) -> StoreCorrupt:
    """An error that names the file and the remedy."""
    return StoreCorrupt(
        f"{path} is damaged: {what}. It holds nothing of its own: delete it, and it is made again"
    )


class ArrayWriter:
    """Collects arrays and writes them with a directory that names them by number."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, int, str]] = []
        self._arrays: list[npt.NDArray[np.uint8]] = []
        self._known: dict[tuple[str, bytes], int] = {}
        self._end = _HEADER_BYTES

    def add(self, array: Array) -> int:
        """Take an array of unsigned integers; its number."""
        kind, raw = array.dtype.str, np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        same = kind, hashlib.blake2b(raw.data, digest_size=16).digest()
        number = self._known.setdefault(same, len(self._entries))
        if number == len(self._entries):
            self._entries.append((self._end, len(raw), zlib.crc32(raw.data), kind))
            self._arrays.append(raw)
            self._end += len(raw) + -len(raw) % 8
        return number

    def save(self, path: Path, owner: bytes, directory: dict[str, Any]) -> None:
        """Write everything and move it into place.

        Raises
        ------
        OSError
            The disk does not take it; nothing is left behind.
        """
        listed = json.dumps({"arrays": self._entries, **directory}, separators=(",", ":")).encode()
        header = _HEADER.pack(
            _MAGIC, _VERSION, zlib.crc32(listed), owner, self._end + len(listed), self._end
        )
        unborn = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            with unborn.open("wb") as file:
                lead = header + struct.pack("<I", zlib.crc32(header))
                file.write(lead.ljust(_HEADER_BYTES, b"\0"))
                for array in self._arrays:
                    file.write(array.data)
                    file.write(bytes(-len(array) % 8))
                file.write(listed)
            # No fsync: after a power cut the checksums tell a torn file, and it is made again.
            unborn.replace(path)
        except OSError:
            with suppress(OSError):
                unborn.unlink(missing_ok=True)
            raise


class ArrayFile:
    """The arrays of one file, mapped.

    Parameters
    ----------
    path : Path
    owner : bytes
        The 32 bytes it was written with.

    Raises
    ------
    StoreCorrupt
        It is damaged or belongs to another collection.
    FormatVersionError
        Another version wrote it.
    """

    def __init__(self, path: Path, owner: bytes) -> None:
        self.path = path
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEADER_BYTES:
                raise damaged(path, f"it has {size} bytes, and its header alone has 128")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header = self._map[: _HEADER.size]
        (checksum,) = struct.unpack_from("<I", self._map, _HEADER.size)
        magic, version, listed_sum, found, total, start = _HEADER.unpack(header)
        if magic != _MAGIC or zlib.crc32(header) != checksum:
            raise damaged(path, "its header does not have its checksum")
        if version != _VERSION:
            raise FormatVersionError(
                f"{path} has format {version}, and this version reads {_VERSION}: delete it, and "
                "it is made again"
            )
        if found != owner:
            raise damaged(path, "it belongs to another collection or generation")
        if size != total:
            raise damaged(path, f"it has {size} bytes where {total} were written")
        listed = self._map[start:total]
        if zlib.crc32(listed) != listed_sum:
            raise damaged(path, "its directory does not have its checksum")
        self.directory: dict[str, Any] = json.loads(listed)
        self._entries: list[tuple[int, int, int, str]] = self.directory.pop("arrays")
        self._checked: dict[int, Array] = {}

    def array(self, number: int) -> Array:
        """An array, read-only; checked at the first call.

        Raises
        ------
        StoreCorrupt
            Its bytes do not have their checksum.
        """
        found = self._checked.get(number)
        if found is None:
            start, size, checksum, kind = self._entries[number]
            if kind not in _TYPES:
                raise damaged(self.path, f"array {number} is of unknown type {kind!r}")
            raw = memoryview(self._map)[start : start + size]
            if zlib.crc32(raw) != checksum:
                raise damaged(self.path, f"array {number} does not have its checksum")
            found = np.frombuffer(raw, dtype=kind) if size else np.empty(0, dtype=kind)
            self._checked[number] = found
        return found

    def verify(self) -> None:
        """Check every array again, whether it was used or not.

        Raises
        ------
        StoreCorrupt
            One does not have its checksum.
        """
        self._checked.clear()
        for number in range(len(self._entries)):
            self.array(number)
