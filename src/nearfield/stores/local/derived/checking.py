"""Look at every byte of the derived parts; damage there costs speed or recall, never data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from nearfield.ann import graph_file
from nearfield.ann.codes import Codes
from nearfield.errors import StoreError
from nearfield.lexical import Lexical
from nearfield.stores.columns import ColumnTable
from nearfield.stores.local.database import Database
from nearfield.stores.local.derived.parts import GRAPH_FILE, folder_of, owner_of
from nearfield.stores.local.description import Description
from nearfield.stores.local.schema import Mode
from nearfield.stores.local.state import State
from nearfield.stores.local.verify import Fault, Finding

__all__ = ["check"]


def check(collection: Path, state: State) -> Iterator[Finding]:
    """Findings about the derived parts of the state's generation."""
    folder = folder_of(collection, state.generation)
    owner = _owner(collection, state)
    checks: dict[str, Callable[[Path], None]] = {
        "codes.nfc": _codes,
        GRAPH_FILE: graph_file.verify,
        "columns": lambda path: ColumnTable.open(path, owner).verify(),
        "text": lambda path: Lexical.open(path).verify(),
    }
    for name, look in checks.items():
        if (folder / name).exists():
            try:
                look(folder / name)
            except (StoreError, OSError) as error:
                yield Finding(
                    Fault.DERIVED, str((folder / name).relative_to(collection)), str(error)
                )


def _codes(path: Path) -> None:
    codes = Codes.open(path)
    try:
        damaged = codes.verify()
    finally:
        codes.close()
    if damaged:
        raise StoreError(f"{len(damaged)} units do not have their checksum, the first {damaged[0]}")


def _owner(collection: Path, state: State) -> bytes:
    database = Database.open(collection, Mode.READ)
    try:
        with database.read() as connection:
            description = Description.read(connection, database.path)
    finally:
        database.close()
    return owner_of(description.collection, state.generation)
