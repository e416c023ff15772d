"""The writer's side: operations that change a collection, and what keeps it tidy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from nearfield.errors import StoreError, StoreFull
from nearfield.stores.local import maintenance, rows
from nearfield.stores.local.beside import beside
from nearfield.stores.local.database import Database
from nearfield.stores.local.dead import mark
from nearfield.stores.local.description import Description
from nearfield.stores.local.maintenance import Prepare
from nearfield.stores.local.schema import DATABASE, database_path, vectors_path
from nearfield.stores.local.state import State, States
from nearfield.stores.local.vectors import VectorWriter
from nearfield.types import Chunk, FloatArray, IntArray

__all__ = ["Placed", "Writer"]


def nothing_to_prepare(state: State, generation: int, former: list[IntArray]) -> None:
    """For writers of collections from which nothing is derived."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a batch went: the slot of its first chunk, which the others follow."""

    generation: int
    first: int


class Writer:
    """Changes a collection; everything that it acknowledges is on disk.

    Vectors are appended and brought to the disk first, then the database commits the rows that
    name them. A crash in between leaves records that nothing names.

    Parameters
    ----------
    folder : Path
    database : Database
    description : Description
    states : States
    """

    def __init__(
        self, folder: Path, database: Database, description: Description, states: States
    ) -> None:
        self._folder = folder
        self._database = database
        self._description = description
        self._states = states
        self._file: VectorWriter | None = None
        self._first: int | None = None  # slot that the current operation writes from
        self._dirty = False

    @classmethod
    def create(
        cls, folder: Path, description: Description, generation: int = 1, sequence: int = 0
    ) -> None:
        """Make the files of an empty collection; it is there once the database is."""
        path = vectors_path(folder, generation)
        file = VectorWriter.create(path, description.dimension, generation, description.collection)
        file.sync()
        file.close()
        counters = {"generation": generation, "sequence": sequence}
        Database.create(database_path(folder), description.meta() | counters)

    @contextmanager
    def operation(self) -> Iterator[sqlite3.Connection]:
        """Change chunks or sources, as one more operation of the sequence."""
        with self._database.write() as connection:
            connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'sequence'")
            self._first = None
            try:
                yield connection
            except BaseException:
                self._discard()
                raise
            # When the commit itself fails, the records stay: a power cut may yet bring it back.
        self._dirty = True

    def put(
        self,
        connection: sqlite3.Connection,
        chunks: Sequence[Chunk],
        matrix: FloatArray,
        known: Mapping[str, int],
    ) -> Placed:
        """Insert or replace chunks with their vectors; `known` are the rows of those there."""
        if not chunks:
            return Placed(0, 0)
        slots = _counter(connection, "slots")
        file = self._opened(connection, slots)
        self._first = first = max(slots, file.end)
        placed = rows.assigned_rows(connection, chunks, known)
        with beside(partial(_append, file, first, placed, matrix)):
            rows.put_chunks(connection, chunks, known, placed, first)
            if first > slots:  # what a failed commit wrote is left alone, and its slots are dead
                mark(connection, np.arange(slots, first, dtype=np.int64))
        count = first + len(chunks)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'slots'", (count,))
        return Placed(_counter(connection, "generation"), first)

    def compact(self, prepare: Prepare = nothing_to_prepare) -> None:
        """Write a fresh generation where slots are dead, and the database without gaps.

        `prepare` is called before the fresh generation counts.
        """
        with self._database.writer():
            state = self._state()
            if state.dead:
                self._renew(state, prepare)
            empty = self._database.rewrite()
            self._wipe(empty=empty)
            self._dirty = False

    def needs_compacting(self) -> bool:
        """Whether :meth:`tidy` is going to write a fresh generation."""
        return self._dirty and maintenance.needs_compacting(self._state())

    def tidy(self, prepare: Prepare = nothing_to_prepare) -> None:
        """Give freed space back; closing does so after every change.

        Everything is on disk already: on a full disk the next writer tidies up.
        """
        if not self._dirty:
            return
        with suppress(StoreFull), self._database.writer():
            state = self._state()
            if maintenance.needs_compacting(state):
                self._renew(state, prepare)
            empty = self._database.shrink()
            self._wipe(empty=empty)
        self._dirty = False

    def close(self) -> None:
        """Close the vectors file; closing twice is harmless."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _renew(self, state: State, prepare: Prepare) -> None:
        renewed = maintenance.renew(self._folder, self._database, self._description, state, prepare)
        self.close()
        self._file = renewed
        # Committed durably; who still needs the old file has it open, or starts again.
        with suppress(OSError):
            state.file.path.unlink()

    def _wipe(self, *, empty: bool) -> None:
        """Wipe dead vectors and remove strange files, once the log is empty.

        Then no reader sees an earlier state, and no commit is left that a crash could bring back.
        """
        if not empty:
            return
        with self._database.read() as connection:
            state = self._states.of(connection)
            maintenance.remove_strangers(self._folder, state.generation)
            file = self._opened(connection, state.slots)
            if state.dead or file.end > state.slots:
                maintenance.wipe(state, file)

    def _state(self) -> State:
        with self._database.read() as connection:
            return self._states.of(connection)

    def _opened(self, connection: sqlite3.Connection, slots: int) -> VectorWriter:
        if self._file is None:
            path = vectors_path(self._folder, _counter(connection, "generation"))
            if not path.is_file():
                raise StoreError(f"{path} is missing: restore it from a copy, or run repair")
            self._file = VectorWriter(path, self._description.dimension)
            if self._file.end > slots and not self._log_bytes():
                self._file.cut(slots)
        return self._file

    def _log_bytes(self) -> int:
        try:
            return (self._folder / f"{DATABASE}-wal").stat().st_size
        except OSError:
            return 0

    def _discard(self) -> None:
        """Cut off what was written for a batch that does not come."""
        if self._file is not None and self._first is not None:
            with suppress(StoreError):
                self._file.cut(self._first)


def _append(file: VectorWriter, first: int, placed: Sequence[int], matrix: FloatArray) -> None:
    """Bring vectors to the disk."""
    file.append(first, placed, matrix)
    file.sync()


def _counter(connection: sqlite3.Connection, key: str) -> int:
    (value,) = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(value)
