"""Chunks of many rows by one statement that answers with one row.

Each step of a statement gives Python's lock away and takes it again. Threads that search at the
same time spend more on that than on the rows themselves, so SQLite gathers them to one JSON text.
The statement also tells the number of the state it saw: it is a transaction by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from nearfield.stores.local.decoding import chunks_of
from nearfield.stores.local.failures import damaged
from nearfield.stores.local.rows import CHUNK_COLUMNS, FROM_CHUNK, chunk_of
from nearfield.types import Chunk, IntArray

__all__ = ["ROWS_AT_ONCE", "chunks_at", "fetch"]

ROWS_AT_ONCE = 500  # SQLite keeps 999 parameters to a statement in its oldest builds.

_COLUMNS = (
    "chunk.row, chunk.slot, chunk.id, document.id, chunk.text, chunk.start, chunk.stop, "
    "document.source, chunk.headings, chunk.page, chunk.metadata, lower(hex(chunk.digest))"
)


def chunks_at(
    connection: sqlite3.Connection, rows: IntArray, slots: IntArray, path: Path
) -> list[Chunk]:
    """The chunks of rows whose vectors stand at these slots, within a transaction.

    Raises
    ------
    StoreCorrupt
        There is no such row, or its vector stands elsewhere.
    """
    chunks: list[Chunk] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = np.ascontiguousarray(rows[start : start + ROWS_AT_ONCE], dtype=np.int64)
        places = np.ascontiguousarray(slots[start : start + ROWS_AT_ONCE], dtype=np.int64)
        try:
            _, gathered = fetch(connection, some.tolist())
        except sqlite3.OperationalError:  # a value that JSON does not hold: which one?
            chunks += _row_by_row(connection, some.tolist(), places.tolist(), path)
        else:
            chunks += chunks_of(gathered, some, places, path)
    return chunks


def fetch(connection: sqlite3.Connection, rows: Sequence[int]) -> tuple[object, bytes]:
    """Gather at most 500 rows; also the number of the operation whose state was seen."""
    sequence, gathered = connection.execute(_gathering(len(rows)), rows).fetchone()
    return sequence, gathered


@lru_cache(maxsize=ROWS_AT_ONCE + 1)
def _gathering(count: int) -> str:
    marks = ",".join("?" * count)
    return (
        "SELECT (SELECT value FROM meta WHERE key = 'sequence'), "
        f"CAST(json_group_array(json_array({_COLUMNS})) AS BLOB) {FROM_CHUNK} "
        f"WHERE chunk.row IN ({marks})"
    )


def _row_by_row(
    connection: sqlite3.Connection, rows: Sequence[int], slots: Sequence[int], path: Path
) -> list[Chunk]:
    """The same, step by step; raises StoreCorrupt for the row that is not as it was written."""
    marks = ",".join("?" * len(rows))
    select = f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} WHERE chunk.row IN ({marks})"
    found = {columns[-2]: columns for columns in connection.execute(select, rows)}
    chunks = []
    for row, slot in zip(rows, slots, strict=True):
        columns = found.get(row)
        if columns is None or columns[-1] != slot:
            place = columns and columns[-1]
            raise damaged(path, f"slot {slot} has the vector of row {row}, which is at {place}")
        chunks.append(chunk_of(columns, path))
    return chunks
