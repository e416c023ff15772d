"""Weights in a kernel's own order (*panels*), kept on disk so that a warm start maps them.

A file is one page of header, then the panels as the library lays them out. Its name is the
digest of everything that they follow from: the model's weights, its shape and the kernel, in a
folder for each build of the library. Files are written under a name of their own and renamed when
they are whole, so that processes may meet at their first use; the header has a checksum of itself
and of the panels, so that whatever a crash, a full disk or a fault leaves is seen and made again.
A cache folder that cannot be written costs the time of ordering the weights, nothing else.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nearfield.paths import cache_dir

__all__ = ["PanelFile", "empty"]

# Magic, format, bytes and checksum of the panels, the key's digest, CRC-32 of all before it.
_HEADER = struct.Struct("<8sIQQ32s")
_CRC = struct.Struct("<I")
_MAGIC = b"NFPANELS"
_FORMAT = 1
_PAGE = 4096

_LARGEST_TOTAL = 4 << 30  # of all files together; beyond it the longest unused ones go
_ANOTHER_BUILD_DAYS = 7  # a second installation may share the folder
_DRAFT_HOURS = 1


class PanelFile:
    """The place on disk of one model's panels.

    Parameters
    ----------
    build : str
        The library's build.
    key : str
        Everything else that the panels follow from.
    checksum : callable
        From address and size to 64 bits; what the library offers.
    """

    def __init__(self, build: str, key: str, checksum: Callable[[int, int], int]) -> None:
        self._key = hashlib.sha256(key.encode()).digest()
        self._checksum = checksum
        self.path = cache_dir() / "panels" / build / f"{self._key.hex()[:40]}.panels"

    def load(self, size: int) -> memoryview | None:
        """Map the panels, or return None where there is no whole file of them.

        Parameters
        ----------
        size : int
            Bytes of the panels.

        Returns
        -------
        memoryview of `size` bytes, read-only, or None
        """
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size != _PAGE + size:
                    return None
                mapped = mmap.mmap(file.fileno(), _PAGE + size, **_SHARED)
            os.utime(self.path)
        except (OSError, ValueError):
            return None
        panels = memoryview(mapped)[_PAGE:]
        if mapped[:_PAGE] != self._header(size, self._checksum(address(panels), size)):
            return None
        return panels

    def store(self, panels: memoryview) -> None:
        """Write the panels; whatever prevents it is no fault, the next process tries again."""
        size = len(panels)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.{time.monotonic_ns()}.draft")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("xb") as file:
                file.write(self._header(size, self._checksum(address(panels), size)))
                file.write(panels)
            draft.replace(self.path)
            _tidy(self.path)
        except OSError:
            pass
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _header(self, size: int, checksum: int) -> bytes:
        header = _HEADER.pack(_MAGIC, _FORMAT, size, checksum, self._key)
        return (header + _CRC.pack(zlib.crc32(header))).ljust(_PAGE, b"\0")


def empty(size: int) -> memoryview:
    """Zeroed memory on huge pages, where there are any.

    Weights are read from end to end: with 4 kB pages each page would cost a table walk.
    """
    memory = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory)


def address(memory: memoryview) -> int:
    """Where a piece of memory lies."""
    import numpy as np

    return int(np.frombuffer(memory, dtype=np.uint8).ctypes.data)


def _mapping() -> dict[str, int]:
    if hasattr(mmap, "MAP_POPULATE"):  # all pages at once: each will be read
        flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
        return {"flags": flags, "prot": mmap.PROT_READ}
    return {"access": mmap.ACCESS_READ}


_SHARED = _mapping()


def _tidy(kept: Path) -> None:
    """Remove dead drafts, what other builds left, and the longest unused beyond the limit."""
    now = time.time()
    for folder in kept.parent.parent.iterdir():
        if folder != kept.parent and now - _last_use(folder) > _ANOTHER_BUILD_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)
    files = []
    for path in kept.parent.parent.glob("*/*"):
        with suppress(OSError):
            stat = path.stat()
            if path.suffix == ".draft" and now - stat.st_mtime > _DRAFT_HOURS * 3600:
                path.unlink()
            elif path.suffix == ".panels":
                files.append((stat.st_mtime, stat.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= _LARGEST_TOTAL:
            return
        if path != kept:
            path.unlink(missing_ok=True)
            total -= size


def _last_use(folder: Path) -> float:
    """Latest modification in a folder, in seconds of the epoch; each load marks its file."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
