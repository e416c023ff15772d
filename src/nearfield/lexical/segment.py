"""A segment: the postings of a range of slots, never changed once written."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import c_uint64
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.lexical import codec, container
from nearfield.lexical.codec import BLOCK
from nearfield.lexical.container import Container, DamagedIndex
from nearfield.lexical.dictionary import Dictionary
from nearfield.lexical.library import Source, chosen
from nearfield.lexical.postings import Postings, decode, encode, join_keys

__all__ = ["Loose", "Packed", "Segment", "build_segment", "joined_segment"]

UIntArray = npt.NDArray[np.uint32]
FloatArray = npt.NDArray[np.float32]

_STRUCT = struct.Struct("<9Q")  # nfl_segment
_LIST = struct.Struct("<6I2Q")  # nfl_list
_REMEMBERED = 1 << 16
_POINTED = (
    "keys", "key_ends", "terms", "positions", "surfaces", "surface_ends", "surface_terms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Packed:
    """Postings of one term as they stand in a segment.

    Attributes
    ----------
    rank : int
        Rank of the term in the segment.
    count : int
        Number of slots.
    first_block, tail, tail_end : int
        Where they are.
    """

    rank: int
    count: int
    first_block: int
    tail: int
    tail_end: int

    def native(self, segment: int, clause: int) -> bytes:
        """``nfl_list``."""
        return _LIST.pack(
            segment, clause, self.count, self.first_block, self.tail, self.tail_end, 0, 0
        )


@dataclass(frozen=True, slots=True)
class Loose:
    """Postings that were made for one query: of a phrase, a prefix, parts of words.

    Attributes
    ----------
    slots : ndarray of uint32, shape (n,)
        Ascending, counted from the segment's first slot.
    frequencies : ndarray of float32, shape (n,)
    """

    slots: UIntArray
    frequencies: FloatArray

    @property
    def count(self) -> int:
        """Number of slots."""
        return len(self.slots)

    def native(self, segment: int, clause: int) -> bytes:
        """``nfl_list``; valid as long as the arrays live."""
        places = self.slots.ctypes.data, self.frequencies.ctypes.data
        return _LIST.pack(segment, clause, self.count, 0, 0, 0, *places)


def build_segment(
    keys: Sequence[bytes],
    postings: Postings,
    lengths: UIntArray,
    surfaces: Mapping[bytes, int],
    facts: Mapping[str, object],
) -> bytearray:
    """Return the bytes of a segment.

    Parameters
    ----------
    keys : sequence of bytes
        Ascending.
    postings : Postings
    lengths : ndarray of uint32, shape (slots,)
    surfaces : mapping of bytes to int
        Spelling to rank of its key.
    facts : mapping
        At least ``first_slot``, ``counted``, ``total_length`` and ``has_positions``.
    """
    raw, ends = join_keys(keys)
    spelt = sorted(surfaces)
    surface_raw, surface_ends = join_keys(spelt)
    sections: dict[str, npt.NDArray[Any]] = {"keys": raw, "key_ends": ends}
    sections |= encode(postings, lengths)
    sections["surfaces"], sections["surface_ends"] = surface_raw, surface_ends
    sections["surface_terms"] = np.array([surfaces[key] for key in spelt], dtype=np.uint32)
    return joined_segment(lengths, sections, facts)


def joined_segment(
    lengths: UIntArray, sections: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, object]
) -> bytearray:
    """Return the bytes of a segment whose other sections are ready, in their order."""
    return container.build({**facts, "slots": len(lengths)}, {"lengths": lengths, **sections})


class Segment:
    """Reads a segment, in a file or in memory.

    Parameters
    ----------
    held : Container

    Attributes
    ----------
    first_slot, slots : int
        It covers slots `first_slot` to `first_slot` + `slots`.
    counted : int
        Texts that take part in statistics; fewer than `slots` where dead ones were dropped.
    total_length : int
        Their positions.
    """

    def __init__(self, held: Container) -> None:
        self._held = held
        facts = held.facts
        self.first_slot: int = facts["first_slot"]
        self.slots: int = facts["slots"]
        self.counted: int = facts["counted"]
        self.total_length: int = facts["total_length"]
        self.has_positions: bool = facts["has_positions"]
        self._arrays = {name: held.array(name) for name in facts["sections"]}
        self._terms: UIntArray = self._arrays["terms"].reshape(-1, 4)
        self._blocks: UIntArray = self._arrays["blocks"].reshape(-1, 5)
        self._found: dict[bytes, Packed | None] = {}
        if len(self._arrays["lengths"]) != self.slots:
            self.refuse()
        self.keys = Dictionary(
            self._arrays["keys"],
            self._arrays["key_ends"],
            self._checked("keys", "key_ends", "terms"),
        )
        self.surfaces = Dictionary(
            self._arrays["surfaces"],
            self._arrays["surface_ends"],
            self._checked("surfaces", "surface_ends", "surface_terms"),
        )

    @classmethod
    def open(cls, path: Path) -> Segment:
        """Map a file; raises DamagedIndex where its first page cannot be trusted."""
        return cls(Container.open(path))

    @property
    def end(self) -> int:
        """The slot after the last."""
        return self.first_slot + self.slots

    @property
    def size(self) -> int:
        """Bytes."""
        size: int = self._held.facts["size"]
        return size

    def verify(self) -> None:
        """Check every byte; raises DamagedIndex."""
        self._held.verify()

    @cached_property
    def lengths(self) -> UIntArray:
        """Positions of each text, shape (slots,)."""
        self._held.check("lengths")
        return self._arrays["lengths"]

    @cached_property
    def native(self) -> bytes:
        """``nfl_segment``."""
        names = ("blocks", "words", "tails")
        places = [self.lengths.ctypes.data, *(self._arrays[n].ctypes.data for n in names)]
        sizes = [len(self._blocks), len(self._arrays["words"]), len(self._arrays["tails"])]
        return _STRUCT.pack(*places, self.slots, *sizes, self.first_slot)

    def find(self, key: bytes) -> Packed | None:
        """Postings of a term, checked."""
        try:
            return self._found[key]
        except KeyError:
            rank = self.keys.place(key)
            packed = self.packed(rank) if rank >= 0 else None
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = packed
            return packed

    def packed(self, rank: int) -> Packed:
        """Postings of the term of this rank, checked."""
        (count, block, tail, _), (_, _, tail_end, _) = self._terms[rank : rank + 2].tolist()
        full = count // BLOCK
        fits = 0 < count <= self.slots and block + full <= len(self._blocks)
        if not fits or not tail <= tail_end <= len(self._arrays["tails"]):
            self.refuse()
        if full:
            self._held.check("blocks", block * 20, (block + full) * 20)
            last = self._blocks[block + full - 1].tolist()
            words = last[4] + 4 * ((last[3] & 255) + (last[3] >> 8))
            begin = int(self._blocks[block, 4])
            if not begin <= words <= len(self._arrays["words"]):
                self.refuse()
            self._held.check("words", begin * 4, words * 4)
        if count % BLOCK:
            self._held.check("tails", tail, tail_end)
        return Packed(rank, count, block, tail, tail_end)

    def read(self, packed: Packed) -> Loose:
        """Unpack postings."""
        native = chosen()
        if native is None:
            found = self.decode(packed.rank, packed.rank + 1, positions=False)
            return Loose(found.slots, found.frequencies.astype(np.float32))
        slots = np.empty(packed.count, dtype=np.uint32)
        frequencies = np.empty(packed.count, dtype=np.float32)
        places = slots.ctypes.data, frequencies.ctypes.data
        if native.nfl_read(self.native, packed.native(0, 0), *places):
            self.refuse()
        return Loose(slots, frequencies)

    def read_run(self, members: Sequence[Packed]) -> Loose:
        """Unpack terms of consecutive ranks, one behind the other: for many small ones."""
        first, last = members[0].rank, members[-1].rank + 1
        found = decode(self._arrays, first, last, positions=False)
        return Loose(found.slots, found.frequencies.astype(np.float32))

    def positions(self, packed: Packed, frequencies: FloatArray) -> UIntArray:
        """Positions of a term: `frequencies` ascending ones for each of its slots."""
        begin, end = int(self._terms[packed.rank, 3]), int(self._terms[packed.rank + 1, 3])
        self._held.check("positions", begin, end)
        data = self._arrays["positions"][begin:end]
        sizes = frequencies.astype(np.int64)
        if len(sizes) and sizes.min() < 1:  # a word stands where it is listed at least once
            self.refuse()
        native = chosen()
        if native is None:
            gaps = codec.variable_decode(data)
            if len(gaps) != sizes.sum():
                self.refuse()
        else:
            gaps = np.empty(int(sizes.sum()), dtype=np.uint32)
            if native.nfl_variable(data.ctypes.data, len(data), gaps.ctypes.data, len(gaps)) < 0:
                self.refuse()
        return codec.running(gaps, sizes)

    def decode(self, first: int, last: int, *, positions: bool) -> Postings:
        """Unpack the postings of terms `first` to before `last`; checks the whole sections."""
        for name in ("terms", "blocks", "words", "tails", *(("positions",) if positions else ())):
            self._held.check(name)
        return decode(self._arrays, first, last, positions=positions)

    def source(self) -> Source:
        """``nfl_source``, checked; valid as long as this lives."""
        for name in self._arrays:
            self._held.check(name)
        _ = self.lengths
        arrays = self._arrays
        places = {name: arrays[name].ctypes.data for name in _POINTED}
        return Source(
            segment=(c_uint64 * 9)(*_STRUCT.unpack(self.native)),
            **places,
            key_count=len(self.keys), key_bytes=len(arrays["keys"]),
            position_bytes=len(arrays["positions"]), surface_count=len(self.surfaces),
            surface_bytes=len(arrays["surfaces"]),
        )  # fmt: skip

    def counts(self) -> npt.NDArray[np.int64]:
        """Number of slots of each term, by rank."""
        self._held.check("terms")
        return self._terms[:-1, 0].astype(np.int64)

    def surface_terms(self, ranks: range) -> list[int]:
        """Ranks of the terms that surfaces of these ranks became."""
        self._held.check("surface_terms")
        found: list[int] = self._arrays["surface_terms"][ranks.start : ranks.stop].tolist()
        return found

    def spellings(self) -> Iterator[tuple[bytes, int]]:
        """All surfaces with the ranks of their terms."""
        count = len(self.surfaces)
        return zip(self.surfaces.all(), self.surface_terms(range(count)), strict=True)

    def refuse(self) -> None:
        """Raise DamagedIndex: the checksums hold and the postings make no sense."""
        raise DamagedIndex(f"{self._held.name} holds impossible postings: rebuild the text index")

    def _checked(self, *names: str) -> Callable[[], None]:
        def check() -> None:
            for name in names:
                self._held.check(name)

        return check
