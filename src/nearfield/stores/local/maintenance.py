"""Tidying: freed space goes back, deleted vectors are wiped, and dead slots go."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from nearfield.masks import members
from nearfield.stores.local.database import Database, sync_folder
from nearfield.stores.local.description import Description
from nearfield.stores.local.schema import vectors_path
from nearfield.stores.local.state import State
from nearfield.stores.local.vectors import VectorWriter
from nearfield.types import IntArray

__all__ = ["Prepare", "generations", "needs_compacting", "remove_strangers", "renew", "wipe"]

_ROWS_AT_ONCE = 4096
# Dead slots cost disk and reading; a fresh generation costs a copy of everything.
_MOST_DEAD = 1000
_MOST_DEAD_SHARE = 0.25


def needs_compacting(state: State) -> bool:
    """Whether a fresh generation is worth its copy."""
    return state.dead > max(_MOST_DEAD, _MOST_DEAD_SHARE * state.slots)


def wipe(state: State, writer: VectorWriter) -> None:
    """Overwrite the vectors of dead slots, which no reader may need any more."""
    dead = members(state.dead_slots)
    left = dead[state.rows_of(dead) != 0]
    if len(left):
        writer.wipe(left)
    writer.cut(state.slots)
    writer.sync()


Prepare = Callable[[State, int, list[IntArray]], None]
"""Takes the state, the number of the next generation, and its slots' former numbers in order."""


def renew(
    folder: Path, database: Database, description: Description, state: State, prepare: Prepare
) -> VectorWriter:
    """Write a fresh generation without dead slots and switch to it.

    Readers go on with the file they have; one that comes too late for it sees the fresh state.
    `prepare` is called before that.
    """
    generation = 1 + max([state.generation, *generations(folder)])
    path = vectors_path(folder, generation)
    writer = VectorWriter.create(path, description.dimension, generation, description.collection)
    try:
        with database.write() as connection:
            kept: list[IntArray] = []
            former: list[IntArray] = []
            count = 0
            for rows, slots in _places(connection):
                state.checked(slots, rows)
                writer.put(count, state.read(slots))
                kept.append(rows)
                former.append(slots)
                count += len(rows)
            writer.sync()
            sync_folder(folder)
            prepare(state, generation, former)
            _switch(connection, generation, kept)
    except BaseException:
        # The file stays: a commit that failed may yet be found whole after a power cut.
        writer.close()
        raise
    return writer


def remove_strangers(folder: Path, generation: int) -> None:
    """Remove vectors files of other generations: earlier ones, and those of a crash.

    Only while the log is empty: what a crash left in it may name another generation.
    """
    kept = vectors_path(folder, generation).name
    for path in folder.glob("vectors-*.f32"):
        if path.name != kept:
            with suppress(OSError):  # in use by a reader, on systems that mind; the next one goes
                path.unlink()


def _places(connection: sqlite3.Connection) -> Iterator[tuple[IntArray, IntArray]]:
    """Rows and slots in order of insertion, in batches."""
    cursor = connection.execute("SELECT row, slot FROM chunk ORDER BY row")
    while found := cursor.fetchmany(_ROWS_AT_ONCE):
        places = np.array(found, dtype=np.int64)
        yield places[:, 0], places[:, 1]


def _switch(connection: sqlite3.Connection, generation: int, kept: list[IntArray]) -> None:
    count = 0
    for rows in kept:
        places = zip(range(count, count + len(rows)), rows.tolist(), strict=True)
        connection.executemany("UPDATE chunk SET slot = ? WHERE row = ?", places)
        count += len(rows)
    connection.execute("DELETE FROM dead")
    for key, value in (("generation", generation), ("slots", count), ("dead", 0)):
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'sequence'")


def generations(folder: Path) -> list[int]:
    """Generations of the vectors files that are there."""
    names = [path.stem.removeprefix("vectors-") for path in folder.glob("vectors-*.f32")]
    return [int(name) for name in names if name.isdigit()]
