"""Look at every byte that counts, and name what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.errors import StoreCorrupt
from nearfield.stores.local.database import Database
from nearfield.stores.local.description import Description
from nearfield.stores.local.rows import CHUNK_COLUMNS, chunk_of
from nearfield.stores.local.schema import FROM_CHUNK, Mode
from nearfield.stores.local.state import State, States
from nearfield.stores.local.vectors import checksums

__all__ = ["DerivedCheck", "Fault", "Finding", "VerifyReport", "verify"]

_AT_ONCE = 4096
_MOST_OF_A_KIND = 100


class Fault(StrEnum):
    """What kind of thing is wrong."""

    DATABASE = "database"
    ROW = "row"
    VECTOR = "vector"
    SLOT = "slot"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    fault : Fault
    file : str
        Name of the file in the collection's directory.
    what : str
        One line for a person.
    """

    fault: Fault
    file: str
    what: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at and what was found.

    Attributes
    ----------
    chunks, slots : int
        How many were looked at.
    findings : tuple of Finding
        Empty when the collection is whole; at most 100 of each fault are named.
    """

    chunks: int
    slots: int
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


DerivedCheck: TypeAlias = Callable[[Path, State], Iterable[Finding]]
"""Looks at one kind of derived file of the folder; it was made for the generation of the state."""


def verify(folder: Path, derived: Sequence[DerivedCheck] = ()) -> VerifyReport:
    """Check database, rows, vectors, slots and derived files of one state.

    Never changes anything; a writer may go on meanwhile.

    Raises
    ------
    StoreNotFound, StoreReadOnly, FormatVersionError
        It cannot be looked at.
    """
    look = _Look(folder)
    try:
        database = Database.open(folder, Mode.READ)
    except StoreCorrupt as error:
        look.note(Fault.DATABASE, "collection.db", str(error))
        return look.report()
    try:
        # One transaction: a check that fails is noted, and the others go on.
        with database.read() as connection:
            look.check(connection, derived)
    except StoreCorrupt as error:
        look.note(Fault.DATABASE, "collection.db", str(error))
    finally:
        database.close()
    return look.report()


class _Look:
    """One run over a collection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._findings: list[Finding] = []
        self._chunks = 0
        self._slots = 0

    def report(self) -> VerifyReport:
        return VerifyReport(self._chunks, self._slots, tuple(self._findings))

    def note(self, fault: Fault, file: str, what: str) -> None:
        if sum(finding.fault is fault for finding in self._findings) < _MOST_OF_A_KIND:
            self._findings.append(Finding(fault, file, what))

    def check(self, connection: sqlite3.Connection, derived: Sequence[DerivedCheck]) -> None:
        path = self._folder / "collection.db"
        for part in (self._integrity, self._relations):
            try:
                part(connection)
            except sqlite3.Error as error:
                self.note(Fault.DATABASE, path.name, str(error))
        state = None
        try:
            state = States(self._folder, path, Description.read(connection, path)).of(connection)
            self._slots = state.slots
        except (StoreCorrupt, FileNotFoundError) as error:
            name = _name(error, path.name)
            fault = Fault.SLOT if name == path.name else Fault.VECTOR
            self.note(fault, name, str(error))
        owners = self._owners(connection, path, state)
        if state is not None:
            self._vectors(state, owners)
            for check in derived:
                self._findings.extend(check(self._folder, state))

    def _integrity(self, connection: sqlite3.Connection) -> None:
        for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST_OF_A_KIND})"):
            if line != "ok":
                self.note(Fault.DATABASE, "collection.db", line)

    def _relations(self, connection: sqlite3.Connection) -> None:
        for (row,) in connection.execute(
            "SELECT row FROM chunk WHERE document IS NOT NULL "
            "AND document NOT IN (SELECT row FROM document)"
        ):
            self.note(Fault.ROW, "collection.db", f"row {row} belongs to no document")
        for (id_,) in connection.execute(
            "SELECT id FROM document WHERE row NOT IN "
            "(SELECT document FROM chunk WHERE document IS NOT NULL)"
        ):
            self.note(Fault.ROW, "collection.db", f"document {id_!r} has no passage")

    def _owners(
        self, connection: sqlite3.Connection, path: Path, state: State | None
    ) -> npt.NDArray[np.int64]:
        """Check every row; returns the row that says it stands in each slot, 0 for none."""
        owners = np.zeros(self._slots, dtype=np.int64)
        try:
            for row, slot in self._rows(connection, path):
                self._chunks += 1
                if state is None:
                    continue
                if not 0 <= slot < self._slots:
                    self.note(Fault.SLOT, path.name, f"row {row} is in slot {slot}, past the end")
                elif owners[slot]:
                    rows = f"rows {owners[slot]} and {row}"
                    self.note(Fault.SLOT, path.name, f"{rows} are both in slot {slot}")
                else:
                    owners[slot] = row
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self.note(Fault.DATABASE, path.name, f"rows cannot be read: {error}")
        return owners

    def _rows(self, connection: sqlite3.Connection, path: Path) -> Iterator[tuple[int, int]]:
        select = f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} ORDER BY chunk.row"
        for columns in connection.execute(select):
            try:
                chunk_of(columns, path)
            except StoreCorrupt as error:
                self.note(Fault.ROW, path.name, str(error))
            yield columns[-2], columns[-1]

    def _vectors(self, state: State, owners: npt.NDArray[np.int64]) -> None:
        name = state.file.path.name
        dead = np.unpackbits(state.dead_slots, count=state.slots, bitorder="little").view(np.bool_)
        for start in range(0, state.slots, _AT_ONCE):
            stop = min(start + _AT_ONCE, state.slots)
            records = state.file.run(start, stop - start)
            owned, gone = owners[start:stop], dead[start:stop]
            # What a dead slot holds is nobody's: it may be half wiped.
            sound = gone | (records["checksum"] == checksums(records["vector"]))
            usable = np.isfinite(records["vector"]).all(axis=1) & records["vector"].any(axis=1)
            for what, wrong in (
                ("does not have its checksum", ~sound),
                ("is NaN, infinite or zero", sound & ~gone & ~usable),
            ):
                for at in np.flatnonzero(wrong).tolist():
                    self.note(
                        Fault.VECTOR, name, f"slot {start + at}, row {owned[at]}: its vector {what}"
                    )
            for at in np.flatnonzero(gone & (owned != 0)).tolist():
                self.note(
                    Fault.SLOT, "collection.db", f"slot {start + at} of row {owned[at]} is dead"
                )
            for at in np.flatnonzero(~gone & (owned != records["row"])).tolist():
                self.note(
                    Fault.SLOT,
                    name,
                    f"slot {start + at} is row {records['row'][at]}'s by its record and row "
                    f"{owned[at]}'s by the database",
                )


def _name(error: Exception, fallback: str) -> str:
    if isinstance(error, FileNotFoundError) and error.filename:
        return Path(error.filename).name
    first = Path(str(error).split(" ", 1)[0]).name
    return first if first.startswith("vectors-") else fallback
