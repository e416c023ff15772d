"""Look at every byte of the derived parts; damage there costs speed or recall, never data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from nearfield.ann.codes import Codes
from nearfield.ann.graph import Graph
from nearfield.ann.lists import Lists
from nearfield.errors import StoreError
from nearfield.lexical import Impacts, Lexical
from nearfield.stores.columns import ColumnTable
from nearfield.stores.local.database import Database
from nearfield.stores.local.derived.parts import (
    CODES_FILE,
    GRAPH_FILE,
    LISTS_FILE,
    SPARSE,
    folder_of,
    owner_of,
)
from nearfield.stores.local.derived.tuning import Tuning
from nearfield.stores.local.description import Description
from nearfield.stores.local.schema import Mode
from nearfield.stores.local.state import State
from nearfield.stores.local.verify import Fault, Finding

__all__ = ["check", "is_whole"]


def check(collection: Path, state: State) -> Iterator[Finding]:
    """Findings about the derived parts of the state's generation."""
    folder = folder_of(collection, state.generation)
    owner = _owner(collection, state)
    checks: dict[str, Callable[[Path], None]] = {
        CODES_FILE: lambda path: _codes(path, owner),
        LISTS_FILE: lambda path: _lists(path, owner),
        GRAPH_FILE: lambda path: _graph(path, owner),
        "columns": lambda path: ColumnTable.open(path, owner).verify(),
        "text": lambda path: _text(path, owner),
        "tuning.json": _tuning,
    }
    sparse = {path.name: _sparse for path in sorted(folder.glob(f"{SPARSE}-*"))}
    for name, look in (checks | sparse).items():
        if (folder / name).exists():
            try:
                look(folder / name)
            except (StoreError, OSError) as error:
                yield Finding(
                    Fault.DERIVED, str((folder / name).relative_to(collection)), str(error)
                )


def is_whole(sparse: Path) -> bool:
    """Whether a folder of learned weights has all of its checksums."""
    try:
        _sparse(sparse)
    except (StoreError, OSError):
        return False
    return True


def _codes(path: Path, owner: bytes) -> None:
    codes = Codes.open(path)
    try:
        damaged = codes.verify()
    finally:
        codes.close()
    if damaged:
        raise StoreError(f"{len(damaged)} units do not have their checksum, the first {damaged[0]}")
    _require(owner, codes.tag)


def _lists(path: Path, owner: bytes) -> None:
    lists = Lists(path)
    lists.verify()
    _require(owner, lists.tag[4:])


def _graph(path: Path, owner: bytes) -> None:
    _require(owner.hex(), Graph.open(path).tag)


def _text(path: Path, owner: bytes) -> None:
    text = Lexical.open(path)
    text.verify()
    _require(owner.hex(), text.tag)


def _sparse(path: Path) -> None:
    Impacts.open(path).verify()


def _tuning(path: Path) -> None:
    if Tuning.read(path) is None:
        raise StoreError("it does not say how many candidates to take")


def _require(owner: bytes | str, found: bytes | str) -> None:
    if owner != found:
        raise StoreError("it belongs to another collection")


def _owner(collection: Path, state: State) -> bytes:
    database = Database.open(collection, Mode.READ)
    try:
        with database.read() as connection:
            description = Description.read(connection, database.path)
    finally:
        database.close()
    return owner_of(description.collection, state.generation)
