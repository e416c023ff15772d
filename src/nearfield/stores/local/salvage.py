"""Read what can be read of a damaged database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearfield.stores.local.pages import leaf_rows

__all__ = [
    "Unreadable",
    "ids_by_row",
    "readable_documents",
    "readable_rows",
    "readable_table",
]

_AT_ONCE = 1024
_CHUNK_VALUES = 12
_SELECT = (
    "SELECT id, document, text, start, stop, headings, page, metadata, digest, row, slot FROM chunk"
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is or was there and cannot be read.

    Attributes
    ----------
    row : int
    reason : str
    """

    row: int
    reason: str


def readable_rows(
    connection: sqlite3.Connection, path: Path, last: int
) -> Iterator[tuple[Any, ...] | Unreadable]:
    """Columns of every chunk (CHUNK_COLUMNS) that can be read, in order of rows.

    Where reading fails, the rows are tried one range at a time, halved until the broken ones are
    alone; these are looked for in the pages themselves. `last` is the highest row that may be
    there.
    """
    documents = readable_documents(connection)
    broken = {one.row for one in _chunks(connection, last) if isinstance(one, Unreadable)}
    rescued: dict[int, tuple[Any, ...]] = {}
    if broken:
        for row, values in leaf_rows(path, _CHUNK_VALUES):
            if row in broken:
                _, slot, document, start, stop, page, _, digest, id_, heads, metadata, text = values
                rescued[row] = (
                    id_, document, text, start, stop, heads, page, metadata, digest, row, slot
                )  # fmt: skip
    for one in _chunks(connection, last):
        if isinstance(one, Unreadable) and one.row not in rescued:
            yield one
            continue
        found = rescued[one.row] if isinstance(one, Unreadable) else one
        id_, document, *middle = found
        name, source = (id_, "") if document is None else documents.get(document, (None, None))
        text, start, stop, *rest = middle
        yield (id_, name, text, start, stop, source, *rest)


def _chunks(connection: sqlite3.Connection, last: int) -> Iterator[tuple[Any, ...] | Unreadable]:
    ahead = f"{_SELECT} WHERE row > ? ORDER BY row LIMIT {_AT_ONCE}"
    row = 0
    while row < last:
        try:
            found = connection.execute(ahead, (row,)).fetchall()
        except (sqlite3.Error, UnicodeDecodeError):
            stop = min(last, row + _AT_ONCE)
            yield from _halved(connection, row + 1, stop)
            row = stop
            continue
        if not found:
            return
        yield from found
        row = found[-1][-2]


def _halved(
    connection: sqlite3.Connection, low: int, high: int
) -> Iterator[tuple[Any, ...] | Unreadable]:
    try:
        select = f"{_SELECT} WHERE row BETWEEN ? AND ? ORDER BY row"
        found = connection.execute(select, (low, high)).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if low == high:
            yield Unreadable(low, str(error))
            return
        middle = (low + high) // 2
        yield from _halved(connection, low, middle)
        yield from _halved(connection, middle + 1, high)
        return
    yield from found


def readable_documents(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Id and source of each document's row; the index has them as well as the table."""
    indexed = readable_table(connection, "document INDEXED BY sqlite_autoindex_document_1", "id")
    found = [*readable_table(connection, "document", "row"), *indexed]
    return {row: (id_, source) for row, id_, source in found}


def ids_by_row(connection: sqlite3.Connection) -> tuple[dict[int, str], bool]:
    """Ids of all rows as the index of ids knows them, and whether it could be read to its end."""
    found: dict[int, str] = {}
    for order in ("ASC", "DESC"):  # from both ends, up to what is broken
        select = (
            f"SELECT row, id FROM chunk INDEXED BY sqlite_autoindex_chunk_1 ORDER BY id {order}"
        )
        try:
            for row, id_ in connection.execute(select):
                found[row] = id_
        except (sqlite3.Error, UnicodeDecodeError):
            continue
        return found, order == "ASC"
    return found, False


def readable_table(connection: sqlite3.Connection, table: str, key: str) -> list[tuple[Any, ...]]:
    """Rows of a small table as far as it can be read, from both ends."""
    found: dict[Any, tuple[Any, ...]] = {}
    for order in ("ASC", "DESC"):
        try:
            for columns in connection.execute(f"SELECT * FROM {table} ORDER BY {key} {order}"):
                found[columns[0]] = columns
        except (sqlite3.Error, UnicodeDecodeError):
            continue
        break
    return list(found.values())
