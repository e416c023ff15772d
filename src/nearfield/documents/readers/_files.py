"""Opening files within limits: regular files only, decompressed, bounded in memory."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nearfield.documents.decode import binary_reason, bom_encoding, recode
from nearfield.documents.readers._suffixes import COMPRESSED
from nearfield.errors import ReadError
from nearfield.protocols import ReadLimits

__all__ = ["Line", "human_size", "lines", "open_archive", "open_stream", "read_bytes"]

_BLOCK = 1 << 20
# gzip reaches 1032:1 at most, on nothing but repetition; real logs stay far below 300:1.
_BOMB_RATIO = 300
_BOMB_FLOOR = 100_000_000
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream.

    Attributes
    ----------
    number : int
        From 1.
    data : bytes or None
        The line with its line end; None when it was too long to keep.
    size : int
        Its length in bytes.
    """

    number: int
    data: bytes | None
    size: int


def human_size(count: int) -> str:
    """Bytes for people, in powers of 1000.

    Examples
    --------
    >>> human_size(999), human_size(10_000_000), human_size(1_530_000_000)
    ('999 bytes', '10 MB', '1.5 GB')
    """
    if count < 1000:
        return f"{count} bytes"
    value, units = float(count), iter(("kB", "MB", "GB", "TB", "PB", "EB"))
    unit = ""
    while value >= 999.5 and (following := next(units, None)):
        value, unit = value / 1000, following
    shown = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    return f"{shown.removesuffix('.0')} {unit}"


def open_stream(path: Path) -> BinaryIO:
    """Open a regular file for reading, decompressed when it ends in ``.gz``.

    Raises
    ------
    ReadError
        The path is a folder, a pipe, a socket or a device: opening those could wait forever.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise ReadError("a folder" if stat.S_ISDIR(mode) else "no regular file")
    file = path.open("rb")
    if path.suffix.lower() != COMPRESSED:
        return file
    return io.BufferedReader(_Gunzip(file), _BLOCK)


def read_bytes(path: Path, limits: ReadLimits) -> bytes:
    """Read a whole file, decompressed.

    Raises
    ------
    ReadError
        It is larger than ``limits.file_bytes``.
    """
    with open_stream(path) as stream:
        compressed = path.suffix.lower() == COMPRESSED
        if not compressed and (size := path.stat().st_size) > limits.file_bytes:
            raise _too_large(human_size(size), limits)
        data = stream.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise _too_large("more after decompression" if compressed else "growing", limits)
    return data


def lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    """Lines of a stream, as UTF-8 whatever its byte-order mark says.

    A line longer than `limit` bytes is passed over in pieces, so that memory stays bounded.

    Raises
    ------
    ReadError
        The stream begins with what is no text.
    """
    # A peek may be short but never empty before the end, and 4 bytes come in one piece.
    head = _peek(stream)
    if not bom_encoding(head) and (reason := binary_reason(head)):
        raise ReadError(reason)
    if marked := bom_encoding(head):
        encoding, length = marked
        stream.read(length)
        if encoding != "utf-8":
            stream = recode(stream, encoding)
    number = 0
    while data := stream.readline(limit + 1):
        number += 1
        if len(data) <= limit or data.endswith(b"\n"):
            yield Line(number, data, len(data))
            continue
        size = len(data)
        while data and not data.endswith(b"\n"):
            data = stream.readline(_BLOCK)
            size += len(data)
        yield Line(number, None, size)


def open_archive(path: Path, limits: ReadLimits) -> zipfile.ZipFile:
    """Open a zip-based document after measuring what it would unpack to.

    Raises
    ------
    ReadError
        It is no zip archive, or its members add up to more than ``limits.file_bytes``.
    """
    with open_stream(path) as file:
        head = file.read(8)
    if head == _OLE_MAGIC:
        raise ReadError("protected by a password, or in the old binary format; save it anew")
    if not head:
        raise ReadError("the file is empty")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ReadError(f"damaged, cut short, or another format: {error}") from error
    # Readers of zip archives stop at the sizes that the directory states.
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > limits.file_bytes:
        archive.close()
        raise _too_large(f"{human_size(unpacked)} unpacked", limits)
    return archive


def _too_large(found: str, limits: ReadLimits) -> ReadError:
    return ReadError(f"too large: {found}, the limit is {human_size(limits.file_bytes)}")


def _peek(stream: BinaryIO) -> bytes:
    return stream.peek(4)[:8192] if isinstance(stream, io.BufferedReader) else b""


class _Gunzip(io.RawIOBase):
    """Decompressed bytes; refuses bombs and names damage."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = gzip.GzipFile(fileobj=file)
        self._produced = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            block = self._gzip.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ReadError(f"the compressed data is damaged or cut short: {error}") from error
        self._produced += len(block)
        if self._produced > max(_BOMB_FLOOR, _BOMB_RATIO * self._file.tell()):
            raise ReadError(
                f"a decompression bomb: {human_size(self._file.tell())} "
                f"became more than {human_size(self._produced)}"
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._gzip.close()
        self._file.close()
        super().close()
