"""All columns of a collection: a chain of segments, and the masks of filters over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from nearfield.errors import InputError
from nearfield.filters import MAX_DEPTH, Filter, depth
from nearfield.masks import Mask, everything, mask_of, members, nothing, place, trimmed
from nearfield.stores.columns.cache import Cache
from nearfield.stores.columns.fields import Fields
from nearfield.stores.columns.file import damaged
from nearfield.stores.columns.gather import Batch, gather, merge
from nearfield.stores.columns.judge import judge
from nearfield.stores.columns.segment import Segment, save
from nearfield.types import IntArray, MetadataValue

__all__ = ["ColumnTable", "MaskResult"]

_NAME = re.compile(r"columns-(\d{10,})-(\d{10,})\.nfc")
_OWNER_BYTES = 32
_BATCH = 1 << 16  # rows whose values are Python objects at one time
_ALIKE = 4  # as many segments of like size become one
_SMALL = 4096  # segments below are of like size
_ATTEMPTS = 10

_Answer = tuple[Mask, Mask | None]
_Link = tuple[Segment, Cache[_Answer]]


@dataclass(frozen=True, slots=True)
class MaskResult:
    """Which slots match a filter.

    Attributes
    ----------
    matching : ndarray of uint8
        Packed: slots that certainly match. Not to be written to.
    unsure : ndarray of uint8 or None
        Packed: slots that have to be judged one by one; none of them is in `matching`. None
        where nothing is left to judge.
    count : int
        Slots the masks are about.
    """

    matching: Mask
    unsure: Mask | None
    count: int

    def complete(self, judged: Callable[[IntArray], Iterable[bool]]) -> Mask:
        """The mask of all slots that match.

        Parameters
        ----------
        judged : callable
            Takes the slots left open, ascending, and says of each whether it matches; not
            called when there are none.

        Examples
        --------
        >>> result = MaskResult(everything(2), mask_of(np.array([4, 5]), 8), 8)
        >>> members(result.complete(lambda slots: slots > 4)).tolist()
        [0, 1, 5]
        """
        if self.unsure is None:
            return self.matching
        slots = members(self.unsure)
        chosen = [
            slot for slot, matches in zip(slots.tolist(), judged(slots), strict=True) if matches
        ]
        return self.matching | mask_of(np.array(chosen, dtype=np.int64), self.count)


class ColumnTable:
    """Typed columns over the slots [0, n) of one generation, in files that can be made again.

    One process appends; any number of processes read, each seeing the state in which it opened
    or last refreshed. Methods that read may be called by several threads.

    Parameters
    ----------
    folder : Path
        Where the files ``columns-*`` lie.
    owner : bytes
        At most 32 bytes that name the collection and the generation; files of another owner
        are refused.

    Examples
    --------
    >>> import tempfile
    >>> from nearfield.filters import parse
    >>> table = ColumnTable.create(Path(tempfile.mkdtemp()), b"example")
    >>> table.append([{"lang": "en", "year": 2019}, {"lang": "de"}, {"lang": "en", "year": 2024}])
    >>> members(table.mask(parse('lang = "en" and year >= 2020')).matching).tolist()
    [2]
    """

    def __init__(self, folder: Path, owner: bytes) -> None:
        if len(owner) > _OWNER_BYTES:
            raise InputError(f"the owner has {len(owner)} bytes: expected at most {_OWNER_BYTES}")
        self._folder = folder
        self._owner = owner.ljust(_OWNER_BYTES, b"\0")
        # Replaced as a whole, so that a reading thread sees one state.
        self._chain: tuple[_Link, ...] = ()

    @classmethod
    def create(cls, folder: Path, owner: bytes) -> ColumnTable:
        """An empty table; files of an earlier one in the folder are deleted.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        table = cls(folder, owner)
        table._sweep()
        return table

    @classmethod
    def open(cls, folder: Path, owner: bytes) -> ColumnTable:
        """Map the table of a folder; it is empty where there are no files.

        Raises
        ------
        StoreCorrupt
            A file is damaged or belongs to another owner. Damage inside an array shows when the
            array is first needed.
        FormatVersionError
            Another version wrote it.
        """
        table = cls(folder, owner)
        table.refresh()
        return table

    def __len__(self) -> int:
        """How many slots the table covers."""
        return _covered(self._chain)

    def refresh(self) -> None:
        """Take in what another process appended since; what is mapped already stays so.

        Raises
        ------
        StoreCorrupt, FormatVersionError
            As :meth:`open`.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._chain = tuple(self._chained())
            except FileNotFoundError:  # merged and deleted after it was listed
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def append(self, rows: Fields | Iterable[Mapping[str, MetadataValue] | None]) -> None:
        """Give the next slots their fields, as :meth:`nearfield.types.Chunk.fields` tells them.

        None stands for a slot that nothing is known of; masks leave it open.

        Segments of like size are merged, so that there are few of them; a call costs least for
        many rows at once.

        Raises
        ------
        OSError
            The disk does not take it; the table is as before.
        StoreCorrupt
            A segment to be merged is damaged.
        """
        batches = [gather(fields) for fields in _blocks(rows)]
        if not batches:
            return
        fresh = sum(batch.count for batch in batches)
        kept = [segment for segment, _ in self._chain]
        while alike := _tail_alike(kept, fresh):
            kept = kept[: -len(alike)]
            batches = [segment.batch() for segment in alike] + batches
            fresh += sum(segment.count for segment in alike)
        self._write(len(kept), batches)

    def merge(self) -> None:
        """Make one segment of all.

        Raises
        ------
        OSError, StoreCorrupt
            As :meth:`append`.
        """
        if len(self._chain) > 1:
            self._write(0, [segment.batch() for segment, _ in self._chain])

    def mask(self, where: Filter, count: int | None = None) -> MaskResult:
        """Which of the first `count` slots match a filter.

        Parameters
        ----------
        where : Filter
        count : int, optional
            Slots the caller has; as many as are covered if left out. Slots that the table does
            not cover are left open, to be judged like any other.

        Raises
        ------
        InputError
            The filter is nested deeper than ``MAX_DEPTH`` levels.
        StoreCorrupt
            A column that the filter names is damaged.
        """
        if depth(where) > MAX_DEPTH:
            raise InputError(f"the filter is nested deeper than {MAX_DEPTH} levels")
        chain = self._chain
        covered = _covered(chain)
        count = covered if count is None else count
        # Not the tree itself: trees that differ in 1, 1.0 and True are equal to Python.
        key = repr(where)
        if len(chain) == 1 and count == covered:
            return MaskResult(*_answer(chain[0], where, key), count)
        matching, unsure = nothing(count), nothing(count)
        for entry in chain:
            segment = entry[0]
            if segment.start < count:
                certain, open_ = _answer(entry, where, key)
                place(certain, matching, segment.start)
                if open_ is not None:
                    place(open_, unsure, segment.start)
        if covered < count:
            place(everything(count - covered), unsure, covered)
        matching, unsure = trimmed(matching, count), trimmed(unsure, count)
        return MaskResult(matching, unsure if unsure.any() else None, count)

    def verify(self) -> None:
        """Raise StoreCorrupt unless every byte of every file is as it was written."""
        for segment, _ in self._chain:
            segment.verify()

    def _chained(self) -> Iterator[_Link]:
        """The longest file at slot 0, the longest where it ends, and so on."""
        longest: dict[int, int] = {}
        for start, stop in self._listed():
            longest[start] = max(stop, longest.get(start, 0))
        mapped = {entry[0].path: entry for entry in self._chain}
        start = 0
        while start in longest:
            stop = longest[start]
            path = self._path(start, stop)
            if path in mapped:
                yield mapped[path]
            else:
                segment = Segment(path, self._owner)
                if (segment.start, segment.start + segment.count) != (start, stop):
                    raise damaged(path, "it covers other slots than its name says")
                yield segment, Cache()
            start = stop

    def _write(self, kept: int, batches: Sequence[Batch]) -> None:
        """Replace the segments behind the first `kept` by one of `batches`."""
        start = _covered(self._chain[:kept])
        batch = batches[0] if len(batches) == 1 else merge(batches)
        path = self._path(start, start + batch.count)
        save(batch, path, self._owner, start)
        self._chain = (*self._chain[:kept], (Segment(path, self._owner), Cache()))
        self._sweep()

    def _sweep(self) -> None:
        """Delete files that are no part of the chain, half-written ones included."""
        used = {segment.path for segment, _ in self._chain}
        listed = [self._path(start, stop) for start, stop in self._listed()]
        for path in [*listed, *self._folder.glob(".columns-*.new")]:
            if path not in used:
                # Where it cannot be deleted, as on systems that lock mapped files, it stays: a
                # shorter file is never chosen while the longer one is there.
                with suppress(OSError):
                    path.unlink()

    def _listed(self) -> Iterator[tuple[int, int]]:
        if self._folder.exists():
            for path in sorted(self._folder.iterdir()):
                if found := _NAME.fullmatch(path.name):
                    yield int(found[1]), int(found[2])

    def _path(self, start: int, stop: int) -> Path:
        return self._folder / f"columns-{start:010d}-{stop:010d}.nfc"


def _blocks(
    rows: Fields | Iterable[Mapping[str, MetadataValue] | None],
) -> Iterator[Fields]:
    if isinstance(rows, Fields):
        if rows.count:
            yield rows
        return
    remaining = iter(rows)
    while block := list(islice(remaining, _BATCH)):
        yield Fields.of_rows(block)


def _covered(chain: Sequence[_Link]) -> int:
    return chain[-1][0].start + chain[-1][0].count if chain else 0


def _answer(entry: _Link, where: Filter, key: str) -> _Answer:
    segment, cache = entry
    found = cache.get(key)
    if found is None:
        certain, possible = judge(segment, where)
        matching = trimmed(certain, segment.count)
        unsure = None if certain is possible else trimmed(possible & ~certain, segment.count)
        found = matching, unsure if unsure is not None and unsure.any() else None
        for mask in found:
            if mask is not None:  # kept, hence shared
                mask.flags.writeable = False
        cache.put(key, found)
    return found


def _tail_alike(segments: Sequence[Segment], fresh: int) -> list[Segment]:
    """The last segments that should become one with `fresh` more rows; often none."""
    alike: list[Segment] = []
    for segment in reversed(segments):
        if _tier(segment.count) > _tier(fresh):
            break
        alike.insert(0, segment)
    return alike if len(alike) >= _ALIKE - 1 else []


def _tier(count: int) -> int:
    """Sizes within a factor of four are of one tier."""
    return max(count, _SMALL).bit_length() // 2
