"""The derived parts of one generation, opened to search."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from nearfield.ann.codes import Codes
from nearfield.ann.graph import Graph
from nearfield.ann.lists import Lists
from nearfield.errors import StoreError
from nearfield.lexical import Lexical
from nearfield.stores.columns import ColumnTable
from nearfield.stores.local.derived.tuning import Tuning
from nearfield.stores.local.schema import DERIVED

__all__ = [
    "CODES_FILE",
    "GRAPH_FILE",
    "LISTS_FILE",
    "SPARSE",
    "Parts",
    "emptied",
    "folder_of",
    "lists_owner",
    "owner_of",
    "stamp_of",
]

CODES_FILE = "codes.nfc"
GRAPH_FILE = "graph.nfg"
LISTS_FILE = "lists.nfl"
SPARSE = "sparse"
"""How folders of learned term weights begin; they are made by the searches that need them."""

_REPLACED = frozenset({GRAPH_FILE, LISTS_FILE, "tuning.json"})

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Parts:
    """What is there; a part that is missing or cannot be trusted is None.

    A reader's parts never change: what comes later is seen by :meth:`refreshed` ones, so that a
    search in another thread finishes with what it began with.

    Attributes
    ----------
    generation : int
    codes : Codes or None
    lists : Lists or None
        Of these codes.
    graph : Graph or None
    columns : ColumnTable or None
    text : Lexical or None
    tuning : Tuning or None
    problems : tuple of str
        Why parts that are there cannot be used.
    stamp : tuple of int
        Tells whether parts came, went or were replaced since; see :func:`stamp_of`.
    """

    generation: int
    codes: Codes | None = None
    lists: Lists | None = None
    graph: Graph | None = None
    columns: ColumnTable | None = None
    text: Lexical | None = None
    tuning: Tuning | None = None
    problems: tuple[str, ...] = ()
    stamp: tuple[int, ...] = ()

    @classmethod
    def open(cls, collection: Path, generation: int, owner: bytes, *, write: bool = False) -> Parts:
        """Open what is there of one generation; damage costs a part, never an error."""
        folder = folder_of(collection, generation)
        stamp = stamp_of(folder)  # first: what comes while it is opened is seen the next time
        problems: list[str] = []

        def opened(path: Path, how: Callable[[], Part]) -> Part | None:
            try:
                return how() if path.exists() else None
            except (StoreError, OSError) as error:
                problems.append(f"{path.name}: {error}")
                return None

        def codes() -> Codes:
            found = Codes.open(folder / CODES_FILE, write=write)
            if found.tag != owner:
                found.close()
                raise StoreError("it belongs to another collection")
            return found

        def lists(of: Codes) -> Lists:
            found = Lists(folder / LISTS_FILE)
            if found.tag != lists_owner(of, owner):
                raise StoreError("it belongs to other codes")
            return found

        def graph() -> Graph:
            found = Graph.open(folder / GRAPH_FILE, verify=False)
            if found.tag != owner.hex():
                raise StoreError("it belongs to another collection")
            return found

        def text() -> Lexical:
            found = Lexical.open(folder / "text", write=write)
            if found.tag != owner.hex():
                raise StoreError("it belongs to another collection")
            return found

        columns = folder / "columns"
        quantised = opened(folder / CODES_FILE, codes)
        return cls(
            generation,
            codes=quantised,
            lists=opened(folder / LISTS_FILE, lambda: lists(quantised)) if quantised else None,
            graph=opened(folder / GRAPH_FILE, graph),
            columns=opened(columns, lambda: ColumnTable.open(columns, owner)),
            text=opened(folder / "text", text),
            tuning=Tuning.read(folder / "tuning.json"),
            problems=tuple(problems),
            stamp=stamp,
        )

    def refreshed(self) -> Parts:
        """The same parts with what was added to each since.

        Raises
        ------
        StoreError, OSError
            One cannot be trusted any more.
        """
        codes, columns = copy(self.codes), copy(self.columns)
        text = self.text.snapshot() if self.text is not None else None
        for part in (codes, columns, text):
            if part is not None:
                part.refresh()
        return replace(self, codes=codes, columns=columns, text=text)

    @property
    def tuned(self) -> Tuning:
        """What was measured, or what serves most collections."""
        return self.tuning or Tuning()

    @property
    def covered(self) -> int:
        """Slots that words and columns both cover."""
        parts = (self.columns, self.text)
        return min(len(part) if part is not None else 0 for part in parts)


def folder_of(collection: Path, generation: int) -> Path:
    """Where the parts of a generation lie."""
    return collection / DERIVED / f"{generation:06}"


def emptied(path: Path) -> Path:
    """The path, with nothing there any more."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


def stamp_of(folder: Path) -> tuple[int, ...]:
    """Which parts are there, and when those that are replaced as a whole were written."""
    stamps = []
    for name in (CODES_FILE, "columns", "text", GRAPH_FILE, LISTS_FILE, "tuning.json"):
        try:
            found = (folder / name).stat()
        except OSError:
            stamps.append(0)
        else:
            # Codes grow in place and are made afresh in another file.
            stamps.append(found.st_mtime_ns if name in _REPLACED else found.st_ino or 1)
    return tuple(stamps)


def owner_of(collection: bytes, generation: int) -> bytes:
    """What marks files as belonging to one generation of one collection; 25 bytes."""
    # The last byte is no zero: where owners are padded with zeros, they come back whole.
    return generation.to_bytes(8, "little") + collection + b"\x01"


def lists_owner(codes: Codes, owner: bytes) -> bytes:
    """What marks lists as those of codes: of the same owner, around the same centre."""
    return zlib.crc32(codes.space.centre.tobytes()).to_bytes(4, "little") + owner
