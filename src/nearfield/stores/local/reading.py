"""Queries over the stored chunks; each runs within its caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from nearfield.filters import Filter
from nearfield.stores.local.database import damaged, encode, in_batches
from nearfield.stores.local.index import decode_vectors
from nearfield.stores.local.rows import CHUNK_COLUMNS, DocumentEntry, chunk_of
from nearfield.stores.local.where import rows_where
from nearfield.types import Chunk, FloatArray

__all__ = [
    "chunks_by_id",
    "chunks_by_row",
    "chunks_of",
    "digests",
    "documents",
    "scan",
    "vectors_by_row",
]

_FROM = "FROM chunk JOIN document ON document.row = chunk.document"


def chunks_by_id(
    connection: sqlite3.Connection, ids: Sequence[str], path: Path
) -> dict[str, Chunk]:
    """The chunks of those of `ids` that are there."""
    found = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        for columns in connection.execute(
            f"SELECT {CHUNK_COLUMNS} {_FROM} WHERE chunk.id IN ({marks})", batch
        ):
            chunk = chunk_of(columns, path)
            found[chunk.id] = chunk
    return found


def chunks_by_row(
    connection: sqlite3.Connection, rows: Collection[int], path: Path
) -> dict[int, Chunk]:
    """The chunks of rows that must be there."""
    found = {}
    for row in rows:
        columns = connection.execute(
            f"SELECT {CHUNK_COLUMNS} {_FROM} WHERE chunk.row = ?", (row,)
        ).fetchone()
        if columns is None:
            raise damaged(path, f"row {row} has a vector and no text")
        found[row] = chunk_of(columns, path)
    return found


def vectors_by_row(
    connection: sqlite3.Connection, rows: Sequence[int], dimension: int, path: Path
) -> FloatArray:
    """The vectors of rows that must be there, in the order of `rows`."""
    select = "SELECT row, checksum, data FROM vector WHERE row = ?"
    records = [connection.execute(select, (row,)).fetchone() for row in rows]
    if None in records:
        raise damaged(path, f"row {rows[records.index(None)]} has a text and no vector")
    return decode_vectors(records, dimension, path)[1]


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
            f"SELECT document.id, document.source, count(*) {_FROM} "
            "GROUP BY document.row ORDER BY document.id, document.source"
        )
    ]


def chunks_of(connection: sqlite3.Connection, document_id: str, path: Path) -> list[Chunk]:
    """A document's chunks in order of their start."""
    return [
        chunk_of(columns, path)
        for columns in connection.execute(
            f"SELECT {CHUNK_COLUMNS} {_FROM} WHERE document.id = CAST(? AS TEXT) "
            "ORDER BY chunk.start, chunk.row",
            (encode(document_id),),
        )
    ]


def scan(
    connection: sqlite3.Connection, where: Filter | None, dimension: int, path: Path
) -> Iterator[tuple[Chunk, FloatArray]]:
    """Every matching chunk with its vector, in order of insertion."""
    wanted = None if where is None else set(rows_where(connection, where).tolist())
    for row, checksum, data, *columns in connection.execute(
        f"SELECT chunk.row, vector.checksum, vector.data, {CHUNK_COLUMNS} {_FROM} "
        "LEFT JOIN vector ON vector.row = chunk.row ORDER BY chunk.row"
    ):
        if wanted is None or row in wanted:
            (vector,) = decode_vectors([(row, checksum, data)], dimension, path)[1]
            yield chunk_of(columns, path), vector
