"""A folder of segments and a manifest that says which of them count.

A segment is written whole, then the manifest is replaced in one step, then segments that are no
longer named are deleted. Whoever has them mapped keeps reading them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from nearfield.errors import StoreReadOnly
from nearfield.lexical import container
from nearfield.lexical.container import Container, DamagedIndex
from nearfield.lexical.merging import GONE, merge, renumber, to_merge
from nearfield.lexical.segment import Segment
from nearfield.masks import Mask

__all__ = ["MemoryShelf", "Shelf"]

_MANIFEST = "manifest.json"

UIntArray = npt.NDArray[np.uint32]


class Shelf:
    """Segments that cover slots from 0 on without gaps: those on disk, then those in memory.

    Parameters
    ----------
    path : Path
        The folder.
    write : bool

    Attributes
    ----------
    facts : mapping of str to str
        What the index was created with.

    Raises
    ------
    DamagedIndex
        The manifest or a segment's first page cannot be trusted.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self.write = write
        self.facts: Mapping[str, str] = {}
        self._raw = b""
        self._names: list[str] = []
        self._stored: list[Segment] = []
        self._tail: list[Segment] = []
        self._all: tuple[Segment, ...] = ()
        self.refresh()

    @classmethod
    def create(cls, path: Path, facts: Mapping[str, str]) -> Shelf:
        """Make an empty folder of segments, in place of what was there."""
        path.mkdir(parents=True, exist_ok=True)
        _write_manifest(path, facts, [], durable=False)
        shelf = cls(path, write=True)
        shelf._delete_others()
        return shelf

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments in order of their slots."""
        return self._all

    @property
    def stored(self) -> int:
        """Slots that segments on disk cover."""
        return self._stored[-1].end if self._stored else 0

    @property
    def end(self) -> int:
        """Slots that are covered, on disk or in memory."""
        return self._all[-1].end if self._all else 0

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return len(self._raw) + sum(segment.size for segment in self._stored)

    def snapshot(self) -> Self:
        """The same shelf for another user: neither sees what the other refreshes or extends."""
        other = copy(self)
        other._tail = list(self._tail)
        return other

    def refresh(self) -> bool:
        """Read the manifest again; returns whether it changed. Segments in memory are let go."""
        try:
            raw = (self.path / _MANIFEST).read_bytes()
        except FileNotFoundError:
            raise DamagedIndex(f"{self.path} holds no index: build it") from None
        if raw == self._raw:
            return False
        facts, names = _read_manifest(raw, self.path)
        kept = dict(zip(self._names, self._stored, strict=True))
        try:
            stored = [kept.get(name) or Segment.open(self.path / name) for name in names]
        except DamagedIndex:
            if (self.path / _MANIFEST).read_bytes() != raw:  # merged away in between
                return self.refresh()
            raise
        for before, after in zip([None, *stored], stored, strict=False):
            if after.first_slot != (before.end if before else 0):
                raise DamagedIndex(f"{self.path} has gaps between segments: rebuild the index")
        self.facts, self._raw, self._names = facts, raw, names
        self._stored, self._tail = stored, []
        self._all = tuple(stored)
        return True

    def append(self, data: bytearray, *, dead: Mask | None, durable: bool) -> None:
        """Write a segment that follows the last one on disk, and merge where it is due."""
        self._put([*self._names], data, durable=durable)
        while count := to_merge([segment.slots for segment in self._stored]):
            self._merge(count, dead, durable=durable)

    def optimise(self, *, dead: Mask | None, durable: bool) -> None:
        """Merge all segments on disk to one."""
        if self._stored:
            self._merge(len(self._stored), dead, durable=durable)

    def renumbered(self, path: Path, facts: Mapping[str, str], targets: UIntArray) -> Shelf:
        """Write what is on disk to another folder, with other slots; see ``SlotIndex.carry``."""
        covered, later = targets[: self.stored], targets[self.stored :]
        # New slots from here on wait for one that is not covered.
        count = int(later.min(initial=GONE))
        count = min(count, int((covered != GONE).sum()))
        other = Shelf.create(path, {**self.facts, **facts})
        if count:
            chosen = np.where(covered < count, covered, GONE)
            data = renumber(self._stored, chosen, count)
            other.append(data, dead=None, durable=False)
        return other

    def extend(self, data: bytearray) -> None:
        """Hold a segment that follows the last one in memory."""
        self._tail.append(Segment(Container(data, "the tail in memory")))
        while count := to_merge([segment.slots for segment in self._tail]):
            merged = merge(self._tail[-count:])
            self._tail[-count:] = [Segment(Container(merged, "the tail in memory"))]
        self._all = (*self._stored, *self._tail)

    def verify(self) -> None:
        """Check every byte on disk; raises DamagedIndex."""
        _read_manifest((self.path / _MANIFEST).read_bytes(), self.path)
        for segment in self._stored:
            segment.verify()

    def _merge(self, count: int, dead: Mask | None, *, durable: bool) -> None:
        self._put(self._names[:-count], merge(self._stored[-count:], dead), durable=durable)

    def _put(self, before: list[str], data: bytearray, *, durable: bool) -> None:
        if not self.write:
            raise StoreReadOnly(f"{self.path} was opened for reading only")
        number = 1 + max((int(name[8:-4]) for name in self._names), default=0)
        name = f"segment-{number:08}.nft"
        container.write(self.path / name, data, durable=durable)
        _write_manifest(self.path, self.facts, [*before, name], durable=durable)
        self.refresh()
        self._delete_others()

    def _delete_others(self) -> None:
        for path in self.path.glob("segment-*.nft"):
            if path.name not in self._names:
                with suppress(OSError):
                    path.unlink()


class MemoryShelf(Shelf):
    """Segments that are in memory alone.

    Parameters
    ----------
    facts : mapping of str to str
    """

    def __init__(self, facts: Mapping[str, str]) -> None:
        super().__init__(Path(), write=False)
        self.facts = facts

    def refresh(self) -> bool:
        return False


def _write_manifest(
    path: Path, facts: Mapping[str, str], names: list[str], *, durable: bool
) -> None:
    body = json.dumps({"facts": dict(facts), "segments": names}).encode()
    container.write(path / _MANIFEST, b"%s\n%08x\n" % (body, zlib.crc32(body)), durable=durable)


def _read_manifest(raw: bytes, path: Path) -> tuple[dict[str, str], list[str]]:
    body, _, rest = raw.partition(b"\n")
    if rest != b"%08x\n" % zlib.crc32(body):
        raise DamagedIndex(f"{path / _MANIFEST} is damaged: rebuild the text index")
    held = json.loads(body)
    return held["facts"], held["segments"]
