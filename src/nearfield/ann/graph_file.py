"""A graph's file: a page that describes it, then its arrays, each from a multiple of 4096 on.

The first page holds ``NFGRAPH`` and a zero byte, the version (uint32), the length of a JSON text
(uint32), that text, and in its last four bytes the page's CRC-32. The text names every array with
its place, type, shape and CRC-32. Numbers are little-endian.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from nearfield.ann.damage import DamagedIndex

__all__ = ["FORMAT_VERSION", "Arrays", "read", "verify", "write"]

FORMAT_VERSION = 1
MAGIC = b"NFGRAPH\0"
PAGE = 4096
CHUNK = 1 << 22

Arrays = Mapping[str, npt.NDArray[np.generic]]
Described = Mapping[str, int | float | str | bool]


@dataclass(frozen=True, slots=True)
class Section:
    """Where an array lies in the file."""

    name: str
    offset: int
    dtype: str
    shape: tuple[int, ...]
    crc: int

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


def write(path: Path, described: Described, arrays: Arrays) -> None:
    """Write a graph beside `path`, make it durable, and put it in the place of `path` at once."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("wb") as file:
            file.write(bytes(PAGE))
            sections = [_write_array(file, name, array) for name, array in arrays.items()]
            end = file.tell()
            file.seek(0)
            file.write(_page(described, sections, end))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> tuple[Described, Arrays]:
    """Check the first page and the file's length; map the arrays.

    Raises
    ------
    DamagedIndex
        It is no graph, of another version, damaged in its first page, or cut off.
    """
    described, sections, end = _read_page(path)
    if path.stat().st_size != end:
        raise DamagedIndex(
            f"{path} has {path.stat().st_size} bytes, expected {end}: build the graph again"
        )
    mapped = np.memmap(path, dtype=np.uint8, mode="r")
    return described, {
        section.name: mapped[section.offset : section.offset + section.size]
        .view(section.dtype)
        .reshape(section.shape)
        .view(np.ndarray)
        for section in sections
    }


def verify(path: Path) -> None:
    """Read everything and compare every checksum.

    Raises
    ------
    DamagedIndex
        Names the first array that differs.
    """
    _, sections, _ = _read_page(path)
    with path.open("rb") as file:
        for section in sections:
            file.seek(section.offset)
            left, crc = section.size, 0
            while left and (part := file.read(min(left, CHUNK))):
                crc, left = zlib.crc32(part, crc), left - len(part)
            if left or crc != section.crc:
                raise DamagedIndex(
                    f"{path} is damaged in {section.name!r} (bytes {section.offset} to "
                    f"{section.offset + section.size}): build the graph again"
                )


def _write_array(file: BinaryIO, name: str, array: npt.NDArray[np.generic]) -> Section:
    offset, crc = file.tell(), 0
    rows = max(1, CHUNK // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        part = np.ascontiguousarray(array[start : start + rows]).tobytes()
        crc = zlib.crc32(part, crc)
        file.write(part)
    file.write(bytes(-file.tell() % PAGE))
    return Section(name, offset, array.dtype.newbyteorder("<").str, array.shape, crc)


def _page(described: Described, sections: list[Section], end: int) -> bytes:
    text = json.dumps(
        {
            "graph": dict(described),
            "size": end,
            "sections": [[s.name, s.offset, s.dtype, list(s.shape), s.crc] for s in sections],
        }
    ).encode()
    head = MAGIC + struct.pack("<II", FORMAT_VERSION, len(text)) + text
    if len(head) > PAGE - 4:
        raise ValueError(f"the description takes {len(head)} bytes of at most {PAGE - 4}")
    head += bytes(PAGE - 4 - len(head))
    return head + struct.pack("<I", zlib.crc32(head))


def _read_page(path: Path) -> tuple[Described, list[Section], int]:
    with path.open("rb") as file:
        page = file.read(PAGE)
    if not page.startswith(MAGIC):
        raise DamagedIndex(f"{path} is no graph of Nearfield: build the graph again")
    if len(page) < PAGE or struct.unpack("<I", page[-4:])[0] != zlib.crc32(page[:-4]):
        raise DamagedIndex(f"{path} is damaged in its first page: build the graph again")
    version, length = struct.unpack_from("<II", page, len(MAGIC))
    if version != FORMAT_VERSION:
        raise DamagedIndex(
            f"{path} has graph format {version}, expected {FORMAT_VERSION}: build the graph again"
        )
    start = len(MAGIC) + 8
    content = json.loads(page[start : start + length])
    sections = [
        Section(name, offset, dtype, tuple(shape), crc)
        for name, offset, dtype, shape, crc in content["sections"]
    ]
    return content["graph"], sections, content["size"]
