"""The derived parts of one generation, opened to search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nearfield.ann.codes import Codes
from nearfield.ann.graph import Graph
from nearfield.errors import StoreError
from nearfield.lexical import Lexical
from nearfield.stores.columns import ColumnTable
from nearfield.stores.local.derived.tuning import Tuning
from nearfield.stores.local.schema import DERIVED

__all__ = ["GRAPH_FILE", "Parts", "folder_of", "owner_of", "stamp_of"]

GRAPH_FILE = "graph.nfg"

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Parts:
    """What is there; a part that is missing or cannot be trusted is None.

    Attributes
    ----------
    generation : int
    codes : Codes or None
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
            found = Codes.open(folder / "codes.nfc", write=write)
            if found.tag != owner:
                found.close()
                raise StoreError("it belongs to another collection")
            return found

        def graph() -> Graph:
            found = Graph.open(folder / GRAPH_FILE, verify=False)
            if found.tag != owner.hex():
                raise StoreError("it belongs to another collection")
            return found

        columns = folder / "columns"
        text = folder / "text"
        return cls(
            generation,
            codes=opened(folder / "codes.nfc", codes),
            graph=opened(
                folder / "graph.nfg", lambda: Graph.open(folder / "graph.nfg", verify=False)
            ),
            columns=opened(columns, lambda: ColumnTable.open(columns, owner)),
            text=opened(text, lambda: Lexical.open(text, write=write)),
            tuning=Tuning.read(folder / "tuning.json"),
            problems=tuple(problems),
            stamp=stamp,
        )

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


def stamp_of(folder: Path) -> tuple[int, ...]:
    """Which parts are there, and when those that are replaced as a whole were written."""
    names = ("codes.nfc", "columns", "text", GRAPH_FILE, "tuning.json")
    replaced = {GRAPH_FILE, "tuning.json"}
    stamps = []
    for name in names:
        try:
            written = (folder / name).stat().st_mtime_ns
        except OSError:
            stamps.append(0)
        else:
            stamps.append(written if name in replaced else 1)
    return tuple(stamps)


def owner_of(collection: bytes, generation: int) -> bytes:
    """What marks files as belonging to one generation of one collection; 25 bytes."""
    # The last byte is no zero: where owners are padded with zeros, they come back whole.
    return generation.to_bytes(8, "little") + collection + b"\x01"
