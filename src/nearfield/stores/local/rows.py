"""Chunks as rows of the database and back."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearfield.stores.local.database import damaged, encode, in_batches
from nearfield.types import Chunk

__all__ = [
    "CHUNK_COLUMNS",
    "DocumentEntry",
    "chunk_digest",
    "chunk_of",
    "delete_rows",
    "last_row",
    "put_chunks",
    "rows_of",
]

CHUNK_COLUMNS = (
    "chunk.id, document.id, chunk.text, chunk.start, chunk.stop, document.source, "
    "chunk.headings, chunk.page, chunk.metadata, chunk.digest"
)
_TEXT = "CAST(? AS TEXT)"
_DIGEST_BYTES = 16
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode
# What SQLite does not read as Python does (see where.py): NULs and lone surrogates; and, where
# a JSON value starts, NaN, infinities, whole numbers near 64 bits and huge floats. A text that
# merely looks like these is caught as well, which costs time only.
_ODD = re.compile(r"[\0\ud800-\udfff]|\\u0000|[:,\[]-?(?:NaN|Infinity|\d{19}|\d[\d.]*e[+-]?\d{3})")


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document of the collection.

    Attributes
    ----------
    id, source : str
    chunks : int
        How many of its chunks are stored.
    """

    id: str
    source: str
    chunks: int


def chunk_digest(chunk: Chunk) -> str:
    """32 hexadecimal characters over everything a chunk says; equal digests, equal chunks.

    Compare it with :meth:`LocalStore.existing` to leave out what is stored already.

    Examples
    --------
    >>> a, b = Chunk("x", "d", "text", 0, 4), Chunk("x", "d", "text", 0, 4, page=2)
    >>> chunk_digest(a) == chunk_digest(b)
    False
    """
    headings, metadata = _json(chunk.headings), _json(chunk.metadata)
    return _digest(chunk, headings, metadata).hex()


def put_chunks(
    connection: sqlite3.Connection, chunks: Sequence[Chunk], known: dict[str, int]
) -> list[int]:
    """Insert or replace chunks and return their rows; `known` are the rows of those there."""
    documents = _document_rows(connection, chunks)
    last = last_row(connection)
    new, old, rows, left = [], [], [], set()
    for chunk in chunks:
        values = _values(chunk, documents[chunk.document_id, chunk.source])
        if chunk.id in known:
            rows.append(known[chunk.id])
            old.append((*values, known[chunk.id]))
        else:
            last += 1
            rows.append(last)
            new.append((last, encode(chunk.id), *values))
    connection.executemany(
        f"INSERT INTO chunk VALUES (?, {_TEXT}, ?, ?, ?, ?, {_TEXT}, {_TEXT}, ?, ?, {_TEXT})", new
    )
    if old:
        left = _documents_of(connection, [row for *_, row in old])
        connection.executemany(
            f"UPDATE chunk SET document = ?, start = ?, stop = ?, page = ?, headings = {_TEXT}, "
            f"metadata = {_TEXT}, plain = ?, digest = ?, text = {_TEXT} WHERE row = ?",
            old,
        )
        _log_changes(connection, [row for *_, row in old])
        _drop_empty(connection, left)
    return rows


def delete_rows(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Delete chunks, their vectors, and documents that have none left."""
    documents = _documents_of(connection, rows)
    each = [(row,) for row in rows]
    connection.executemany("DELETE FROM chunk WHERE row = ?", each)
    connection.executemany("DELETE FROM vector WHERE row = ?", each)
    _log_changes(connection, rows)
    _drop_empty(connection, documents)


def rows_of(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The rows of those of `ids` that are there."""
    found: dict[str, int] = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        found.update(connection.execute(f"SELECT id, row FROM chunk WHERE id IN ({marks})", batch))
    return found


def last_row(connection: sqlite3.Connection) -> int:
    """The highest row that was ever given to a chunk."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'").fetchone()
    return int(found[0]) if found else 0


def chunk_of(columns: Sequence[Any], path: Path) -> Chunk:
    """Make the chunk of a row of CHUNK_COLUMNS, or say that the row is damaged."""
    id_, document, text, start, stop, source, headings, page, metadata, digest = columns
    try:
        chunk = Chunk(
            id_,
            document,
            text,
            start,
            stop,
            source,
            tuple(json.loads(headings)),
            page,
            json.loads(metadata),
        )
        whole = _digest(chunk, headings, metadata) == digest
    except (ValueError, TypeError):
        whole = False
    if not whole:
        raise damaged(path, f"the row of chunk {id_!r} does not have its checksum")
    return chunk


def _values(chunk: Chunk, document: int) -> tuple[Any, ...]:
    headings, metadata = _json(chunk.headings), _json(chunk.metadata)
    return (
        document,
        chunk.start,
        chunk.end,
        chunk.page,
        encode(headings),
        encode(metadata),
        _ODD.search(f"{chunk.id}\n{chunk.document_id}\n{chunk.source}\n{headings}{metadata}")
        is None,
        _digest(chunk, headings, metadata),
        encode(chunk.text),
    )


def _digest(chunk: Chunk, headings: str, metadata: str) -> bytes:
    parts = (chunk.id, chunk.document_id, chunk.source, headings, metadata, chunk.text)
    # The lengths lead, so that no two different lists of parts give the same bytes.
    lead = f"{[len(part) for part in parts]} {chunk.start} {chunk.end} {chunk.page} "
    return hashlib.blake2b(encode(lead + "".join(parts)), digest_size=_DIGEST_BYTES).digest()


def _document_rows(
    connection: sqlite3.Connection, chunks: Sequence[Chunk]
) -> dict[tuple[str, str], int]:
    rows = {}
    for pair in dict.fromkeys((chunk.document_id, chunk.source) for chunk in chunks):
        encoded = tuple(map(encode, pair))
        find = f"SELECT row FROM document WHERE id = {_TEXT} AND source = {_TEXT}"
        found = connection.execute(find, encoded).fetchone()
        if not found:
            connection.execute(
                f"INSERT INTO document (id, source) VALUES ({_TEXT}, {_TEXT})", encoded
            )
            found = connection.execute(find, encoded).fetchone()
        rows[pair] = int(found[0])
    return rows


def _documents_of(connection: sqlite3.Connection, rows: Sequence[int]) -> set[int]:
    select = "SELECT document FROM chunk WHERE row = ?"
    return {found for row in rows for (found,) in connection.execute(select, (row,))}


def _drop_empty(connection: sqlite3.Connection, documents: set[int]) -> None:
    connection.executemany(
        "DELETE FROM document WHERE row = ?1 "
        "AND NOT EXISTS (SELECT 1 FROM chunk WHERE document = ?1)",
        [(document,) for document in documents],
    )


def _log_changes(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO change SELECT value, ? FROM meta WHERE key = 'sequence'",
        [(row,) for row in rows],
    )
