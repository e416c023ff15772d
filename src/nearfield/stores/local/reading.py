"""Queries over the stored chunks; each runs within its caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nearfield.filters import Filter
from nearfield.masks import mask_of
from nearfield.stores.checks import require_known
from nearfield.stores.local.database import encode, in_batches
from nearfield.stores.local.failures import damaged
from nearfield.stores.local.rows import CHUNK_COLUMNS, DocumentEntry, chunk_of
from nearfield.stores.local.schema import FROM_CHUNK
from nearfield.stores.local.state import State
from nearfield.stores.local.where import slots_where
from nearfield.types import Chunk, FloatArray, IntArray

__all__ = [
    "chunks_at",
    "chunks_by_id",
    "chunks_of",
    "digests",
    "documents",
    "scan",
    "sequence",
    "vectors_by_id",
]

_SCANNED_AT_ONCE = 256
_ROWS_AT_ONCE = 500  # SQLite keeps 999 parameters to a statement in its oldest builds.


def sequence(connection: sqlite3.Connection) -> int:
    """The number of the newest operation."""
    (number,) = connection.execute("SELECT value FROM meta WHERE key = 'sequence'").fetchone()
    return int(number)


def chunks_at(
    connection: sqlite3.Connection, rows: IntArray, slots: IntArray, path: Path
) -> list[Chunk]:
    """The chunks of rows whose vectors stand at these slots, within a transaction.

    Raises
    ------
    StoreCorrupt
        There is no such row, it is not as it was written, or its vector stands elsewhere.
    """
    chunks: list[Chunk] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        stop = start + _ROWS_AT_ONCE
        chunks += _chunks(connection, rows[start:stop].tolist(), slots[start:stop].tolist(), path)
    return chunks


def _chunks(
    connection: sqlite3.Connection, rows: Sequence[int], slots: Sequence[int], path: Path
) -> list[Chunk]:
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


def chunks_by_id(
    connection: sqlite3.Connection, ids: Sequence[str], path: Path
) -> dict[str, Chunk]:
    """The chunks of those of `ids` that are there."""
    found = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        for columns in connection.execute(
            f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} WHERE chunk.id IN ({marks})", batch
        ):
            chunk = chunk_of(columns, path)
            found[chunk.id] = chunk
    return found


def vectors_by_id(connection: sqlite3.Connection, state: State, ids: Sequence[str]) -> FloatArray:
    """The vectors of `ids`, in their order; UnknownId names those that are missing."""
    found: dict[str, tuple[int, int]] = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        select = f"SELECT id, row, slot FROM chunk WHERE id IN ({marks})"
        found.update((id_, (row, slot)) for id_, row, slot in connection.execute(select, batch))
    require_known(ids, found)
    places = np.array([found[id_] for id_ in ids], dtype=np.int64).reshape(-1, 2)
    return state.checked(places[:, 1], places[:, 0])


def digests(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
    """The digests of those of `ids` that are there."""
    found: dict[str, str] = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        rows = connection.execute(f"SELECT id, digest FROM chunk WHERE id IN ({marks})", batch)
        found.update((id_, digest.hex()) for id_, digest in rows)
    return found


def documents(connection: sqlite3.Connection) -> list[DocumentEntry]:
    """Every document that has chunks, by id."""
    return [
        DocumentEntry(*columns)
        for columns in connection.execute(
            "SELECT coalesce(document.id, chunk.id) AS name, coalesce(document.source, '') AS "
            f"place, count(*) {FROM_CHUNK} GROUP BY name, place ORDER BY name, place"
        )
    ]


def chunks_of(connection: sqlite3.Connection, document_id: str, path: Path) -> list[Chunk]:
    """A document's chunks in order of their start."""
    return [
        chunk_of(columns, path)
        for columns in connection.execute(
            f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} WHERE chunk.row IN ("
            "SELECT row FROM chunk WHERE id = CAST(?1 AS TEXT) AND document IS NULL UNION ALL "
            "SELECT chunk.row FROM document JOIN chunk ON chunk.document = document.row "
            "WHERE document.id = CAST(?1 AS TEXT)) ORDER BY chunk.start, chunk.row",
            (encode(document_id),),
        )
    ]


def scan(
    connection: sqlite3.Connection, state: State, where: Filter | None, path: Path
) -> Iterator[tuple[Chunk, FloatArray]]:
    """Every matching chunk with its vector, in order of insertion."""
    wanted = None if where is None else mask_of(slots_where(connection, where), state.slots)
    cursor = connection.execute(f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} ORDER BY chunk.row")
    while found := cursor.fetchmany(_SCANNED_AT_ONCE):
        if wanted is not None:
            found = [one for one in found if wanted[one[-1] >> 3] >> (one[-1] & 7) & 1]
        rows_slots = np.array([one[-2:] for one in found], dtype=np.int64).reshape(-1, 2)
        vectors = state.checked(rows_slots[:, 1], rows_slots[:, 0])
        for columns, vector in zip(found, vectors, strict=True):
            yield chunk_of(columns, path), vector
