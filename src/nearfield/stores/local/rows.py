"""Chunks as rows of the database and back."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np

from nearfield.stores.local.database import encode, in_batches
from nearfield.stores.local.dead import mark
from nearfield.stores.local.failures import damaged
from nearfield.types import Chunk, IntArray

__all__ = [
    "CHUNK_COLUMNS",
    "DocumentEntry",
    "assigned_rows",
    "chunk_digest",
    "chunk_of",
    "delete_rows",
    "digest_of",
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
_TEXT = "CAST(? AS TEXT)"
_DIGEST_BYTES = 16
_VARIABLES = sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode
_parsed = json.JSONDecoder().raw_decode
_INSERT_INTO = (
    "INSERT INTO chunk (row, id, slot, document, start, stop, page, plain, digest, headings, "
    "metadata, text) VALUES "
)
_INSERT = f"{_INSERT_INTO} (?, {_TEXT}, ?, ?, ?, ?, ?, ?, ?, {_TEXT}, {_TEXT}, {_TEXT})"
# Texts that are UTF-8 need no cast, and many rows at once wake other threads less often.
_AT_ONCE = 80
_INSERT_PLAIN = f"{_INSERT_INTO} ({', '.join('?' * 12)})"
_INSERT_MANY = _INSERT_PLAIN + f", ({', '.join('?' * 12)})" * (_AT_ONCE - 1)
_UPDATE = (
    "UPDATE chunk SET slot = ?2, document = ?3, start = ?4, stop = ?5, page = ?6, plain = ?7, "
    "digest = ?8, headings = CAST(?9 AS TEXT), metadata = CAST(?10 AS TEXT), "
    "text = CAST(?11 AS TEXT) WHERE row = ?1"
)
# What SQLite does not read as Python does (see where.py): NULs and lone surrogates; and, where
# a JSON value starts, NaN, infinities, whole numbers near 64 bits and huge floats. A text that
# merely looks like these is caught as well, which costs time only.
_ODD = re.compile(r"[\0\ud800-\udfff]|\\u0000|[:,\[]-?(?:NaN|Infinity|\d{19}|\d[\d.]*e[+-]?\d{3})")
# The same for many at once: what none of them has, none of these numbers and texts is without.
_ODD_PARTS = ("\0", "\\u0000", "NaN", "Infinity")
_ODD_NUMBERS = (b"0" * 19, b"0e000", b"0e+000", b"0e-000")
_AS_ZEROS = bytes(48 if 48 <= byte < 58 else byte if byte in b"e+-" else 32 for byte in range(256))


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


def assigned_rows(
    connection: sqlite3.Connection, chunks: Sequence[Chunk], known: Mapping[str, int]
) -> list[int]:
    """The rows that chunks have or are to get; `known` are those of the ones that are there."""
    following = count(last_row(connection) + 1)
    if not known:
        return list(islice(following, len(chunks)))
    return [known.get(chunk.id) or next(following) for chunk in chunks]


def put_chunks(
    connection: sqlite3.Connection,
    chunks: Sequence[Chunk],
    known: Mapping[str, int],
    rows: Sequence[int],
    slot: int,
) -> None:
    """Insert or replace chunks whose vectors stand from `slot` on, at their :func:`assigned_rows`.

    Raises
    ------
    sqlite3.IntegrityError
        One is there and not `known`; a part of the others may have been inserted.
    """
    documents = _document_rows(connection, chunks)
    values = _values_of(chunks, slot, documents)
    if known:
        old = [(row, *v) for c, row, v in zip(chunks, rows, values, strict=True) if c.id in known]
        if old:
            slots, left = _places(connection, [row for row, *_ in old])
            connection.executemany(_UPDATE, [_as_bytes(each) for each in old])
            mark(connection, slots)
            _drop_empty(connection, left)
        new = [
            (row, c.id, *v)
            for c, row, v in zip(chunks, rows, values, strict=True)
            if c.id not in known
        ]
    else:
        new = [(row, c.id, *v) for c, row, v in zip(chunks, rows, values, strict=True)]
    _insert(connection, new)


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    texts = "".join(chain.from_iterable((row[1], row[9], row[10], row[11]) for row in rows))
    if not _is_utf8(texts) or "\0" in texts:
        connection.executemany(_INSERT, [_as_bytes(row) for row in rows])
        return
    many = len(rows) // _AT_ONCE * _AT_ONCE
    if connection.getlimit(_VARIABLES) < _AT_ONCE * 12:
        many = 0
    connection.executemany(
        _INSERT_MANY,
        (
            list(chain.from_iterable(rows[start : start + _AT_ONCE]))
            for start in range(0, many, _AT_ONCE)
        ),
    )
    connection.executemany(_INSERT_PLAIN, rows[many:])


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
        if digest == digest_of(id_, document, source, headings, metadata, text, start, stop, page):
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


def _values_of(
    chunks: Sequence[Chunk], slot: int, documents: Mapping[tuple[str, str], int]
) -> list[tuple[Any, ...]]:
    """The columns of _INSERT after the id, which are those of _UPDATE after the row."""
    metadata = _metadata_texts(chunks)
    headings = [_json(chunk.headings) if chunk.headings else "[]" for chunk in chunks]
    plain = _plain(chunks, headings, metadata)
    return [
        (
            place,
            documents.get((chunk.document_id, chunk.source)) if documents else None,
            chunk.start,
            chunk.end,
            chunk.page,
            is_plain,
            _chunk_digest(chunk, heading, fields),
            heading,
            fields,
            chunk.text,
        )
        for place, (chunk, heading, fields, is_plain) in enumerate(
            zip(chunks, headings, metadata, plain, strict=True), start=slot
        )
    ]


def _as_bytes(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same with texts as _TEXT takes them."""
    return tuple([encode(value) if isinstance(value, str) else value for value in values])


def _metadata_texts(chunks: Sequence[Chunk]) -> list[str]:
    """The metadata of each chunk as JSON."""
    given = [chunk.metadata for chunk in chunks]
    if not any(given):
        return ["{}"] * len(given)
    # All at once, which is faster; values that are texts may hold what stands between two.
    parts = _json(given)[2:-2].split("},{")
    if len(parts) != len(given):
        return [_json(fields) if fields else "{}" for fields in given]
    return [f"{{{part}}}" for part in parts]


def _plain(chunks: Sequence[Chunk], headings: list[str], metadata: list[str]) -> list[bool]:
    """Whether SQL reads the fields of each chunk as Python does; see _ODD."""
    names = chain.from_iterable((c.id, c.document_id, c.source) for c in chunks)
    joined = "\n".join(chain(names, headings, metadata))
    if _is_utf8(joined) and not any(part in joined for part in _ODD_PARTS):
        numbers = joined.encode().translate(_AS_ZEROS)
        if not any(part in numbers for part in _ODD_NUMBERS):
            return [True] * len(chunks)
    return [
        _ODD.search(f"{c.id}\n{c.document_id}\n{c.source}\n{heading}{fields}") is None
        for c, heading, fields in zip(chunks, headings, metadata, strict=True)
    ]


def _is_utf8(text: str) -> bool:
    """Whether there are no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _chunk_digest(chunk: Chunk, headings: str, metadata: str) -> bytes:
    return digest_of(
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


def digest_of(
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
    """The checksum of what a row says; `headings` and `metadata` are JSON."""
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
