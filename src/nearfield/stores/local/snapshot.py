"""A consistent copy of a collection while others go on reading and writing it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from nearfield.errors import StoreError
from nearfield.stores.local.database import sync_folder
from nearfield.stores.local.failures import io_errors, translated
from nearfield.stores.local.lock import make_folder
from nearfield.stores.local.schema import Mode, database_path, vectors_path
from nearfield.stores.local.state import State
from nearfield.stores.local.vectors import VectorWriter

__all__ = ["snapshot"]

_AT_ONCE = 4096


def snapshot(connection: sqlite3.Connection, state: State, target: Path) -> None:
    """Copy what the connection's transaction sees to the new or empty folder `target`.

    As long as the transaction lasts, no writer wipes or reuses what it sees. The collection is
    there once its database is, which comes last.

    Raises
    ------
    StoreError
        `target` holds something already.
    StoreFull, StoreReadOnly
    """
    make_folder(target)
    path = database_path(target)
    if path.exists():
        raise StoreError(f"there is a collection at {target} already: name another folder")
    with io_errors(target):
        _copy_vectors(state, vectors_path(target, state.generation))
    unborn = path.with_name(f".{path.name}.{os.getpid()}.new")
    with translated(path, Mode.WRITE), io_errors(path):
        try:
            with closing(sqlite3.connect(unborn, isolation_level=None)) as copy:
                connection.backup(copy)
                copy.execute("PRAGMA journal_mode = WAL").fetchall()
            with unborn.open("rb+") as file:
                os.fsync(file.fileno())
            unborn.replace(path)
        finally:
            unborn.unlink(missing_ok=True)
        sync_folder(target)


def _copy_vectors(state: State, target: Path) -> None:
    # From the open file: a compaction may have taken its name away.
    file = state.file
    copy = VectorWriter.create(target, file.dimension, file.generation, file.collection)
    try:
        for slot in range(0, state.slots, _AT_ONCE):
            copy.put(slot, file.run(slot, min(_AT_ONCE, state.slots - slot)))
        copy.sync()
    finally:
        copy.close()
