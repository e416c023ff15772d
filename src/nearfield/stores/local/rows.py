"""Chunks as rows of the database and back."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from nearfield.stores.local.database import encode, in_batches
from nearfield.stores.local.dead import mark
from nearfield.stores.local.failures import damaged
from nearfield.types import Chunk, IntArray

__all__ = [
    "CHUNK_COLUMNS",
    "FROM_CHUNK",
    "DocumentEntry",
    "chunk_digest",
    "chunk_of",
    "delete_rows",
    "last_row",
    "put_chunks",
    "rows_of",
    "slots_of",
]

CHUNK_COLUMNS = (
    "chunk.id, coalesce(document.id, chunk.id), chunk.text, chunk.start, chunk.stop, "
    "coalesce(document.source, ''), chunk.headings, chunk.page, chunk.metadata, chunk.digest, "
    "chunk.row, chunk.slot"
)
FROM_CHUNK = "FROM chunk LEFT JOIN document ON document.row = chunk.document"
_TEXT = "CAST(? AS TEXT)"
_DIGEST_BYTES = 16
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode
_parsed = json.JSONDecoder().raw_decode
_INSERT = (
    "INSERT INTO chunk (row, id, slot, document, start, stop, page, plain, digest, headings, "
    f"metadata, text) VALUES (?, {_TEXT}, ?, ?, ?, ?, ?, ?, ?, {_TEXT}, {_TEXT}, {_TEXT})"
)
_UPDATE = (
    "UPDATE chunk SET slot = ?2, document = ?3, start = ?4, stop = ?5, page = ?6, plain = ?7, "
    "digest = ?8, headings = CAST(?9 AS TEXT), metadata = CAST(?10 AS TEXT), "
    "text = CAST(?11 AS TEXT) WHERE row = ?1"
)
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
    return _chunk_digest(chunk, headings, metadata).hex()


def put_chunks(
    connection: sqlite3.Connection, chunks: Sequence[Chunk], known: Mapping[str, int], slot: int
) -> list[int]:
    """Insert or replace chunks whose vectors stand from `slot` on; returns their rows.

    `known` are the rows of those that are there; their earlier slots die.
    """
    documents = _document_rows(connection, chunks)
    last = last_row(connection)
    new, old, rows = [], [], []
    for place, chunk in enumerate(chunks, start=slot):
        values = _values(chunk, place, documents)
        row = known.get(chunk.id)
        if row is None:
            last += 1
            row = last
            new.append((row, encode(chunk.id), *values))
        else:
            old.append((row, *values))
        rows.append(row)
    if old:
        slots, left = _places(connection, [row for row, *_ in old])
        connection.executemany(_UPDATE, old)
        mark(connection, slots)
        _drop_empty(connection, left)
    connection.executemany(_INSERT, new)
    return rows


def delete_rows(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Delete chunks, and documents that have none left; their slots die."""
    if rows:
        slots, documents = _places(connection, rows)
        connection.executemany("DELETE FROM chunk WHERE row = ?", [(row,) for row in rows])
        mark(connection, slots)
        _drop_empty(connection, documents)


def rows_of(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The rows of those of `ids` that are there."""
    found: dict[str, int] = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        found.update(connection.execute(f"SELECT id, row FROM chunk WHERE id IN ({marks})", batch))
    return found


def slots_of(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The slots of those of `ids` that are there."""
    found: dict[str, int] = {}
    for marks, batch in in_batches([encode(id_) for id_ in ids]):
        found.update(connection.execute(f"SELECT id, slot FROM chunk WHERE id IN ({marks})", batch))
    return found


def last_row(connection: sqlite3.Connection) -> int:
    """The highest row that was ever given to a chunk."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'").fetchone()
    return int(found[0]) if found else 0


def chunk_of(columns: Sequence[Any], path: Path) -> Chunk:
    """Make the chunk of a row of CHUNK_COLUMNS, or say that the row is damaged."""
    id_, document, text, start, stop, source, headings, page, metadata, digest, _, _ = columns
    try:
        if digest == _digest(id_, document, source, headings, metadata, text, start, stop, page):
            return Chunk(
                id_,
                document,
                text,
                start,
                stop,
                source,
                () if headings == "[]" else tuple(_parsed(headings, 0)[0]),
                page,
                {} if metadata == "{}" else _parsed(metadata, 0)[0],
            )
    except (ValueError, TypeError):
        pass
    raise damaged(path, f"the row of chunk {id_!r} does not have its checksum")


def _values(chunk: Chunk, slot: int, documents: Mapping[tuple[str, str], int]) -> tuple[Any, ...]:
    """The columns of _INSERT after the id, which are those of _UPDATE after the row."""
    headings = _json(chunk.headings) if chunk.headings else "[]"
    metadata = _json(chunk.metadata) if chunk.metadata else "{}"
    named = f"{chunk.id}\n{chunk.document_id}\n{chunk.source}\n{headings}{metadata}"
    return (
        slot,
        documents.get((chunk.document_id, chunk.source)),
        chunk.start,
        chunk.end,
        chunk.page,
        _ODD.search(named) is None,
        _chunk_digest(chunk, headings, metadata),
        encode(headings),
        encode(metadata),
        encode(chunk.text),
    )


def _chunk_digest(chunk: Chunk, headings: str, metadata: str) -> bytes:
    return _digest(
        chunk.id,
        chunk.document_id,
        chunk.source,
        headings,
        metadata,
        chunk.text,
        chunk.start,
        chunk.end,
        chunk.page,
    )


def _digest(
    id_: str,
    document: str,
    source: str,
    headings: str,
    metadata: str,
    text: str,
    start: int,
    stop: int,
    page: int | None,
) -> bytes:
    # The lengths lead, so that no two different lists of parts give the same bytes.
    return blake2b(
        (
            f"[{len(id_)}, {len(document)}, {len(source)}, {len(headings)}, {len(metadata)}, "
            f"{len(text)}] {start} {stop} {page} "
            f"{id_}{document}{source}{headings}{metadata}{text}"
        ).encode("utf-8", "surrogatepass"),
        digest_size=_DIGEST_BYTES,
    ).digest()


def _document_rows(
    connection: sqlite3.Connection, chunks: Sequence[Chunk]
) -> dict[tuple[str, str], int]:
    """Rows of the chunks' documents; none for chunks that are their whole document."""
    rows = {}
    pairs = {
        (chunk.document_id, chunk.source): None
        for chunk in chunks
        if chunk.source or chunk.document_id != chunk.id
    }
    for pair in pairs:
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


def _places(connection: sqlite3.Connection, rows: Sequence[int]) -> tuple[IntArray, set[int]]:
    """Slots and documents of rows that are there."""
    select = "SELECT slot, document FROM chunk WHERE row = ?"
    found = [connection.execute(select, (row,)).fetchone() for row in rows]
    slots = np.array([slot for slot, _ in found], dtype=np.int64)
    return slots, {document for _, document in found if document is not None}


def _drop_empty(connection: sqlite3.Connection, documents: set[int]) -> None:
    connection.executemany(
        "DELETE FROM document WHERE row = ?1 "
        "AND NOT EXISTS (SELECT 1 FROM chunk WHERE document = ?1)",
        [(document,) for document in documents],
    )
