"""Read what can be read of a damaged database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nearfield.stores.local.rows import CHUNK_COLUMNS, FROM_CHUNK

__all__ = ["Unreadable", "ids_by_row", "readable_rows", "readable_table"]

_AT_ONCE = 1024


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
    connection: sqlite3.Connection, last: int
) -> Iterator[tuple[Any, ...] | Unreadable]:
    """Columns of every chunk (CHUNK_COLUMNS) that can be read, in order of rows.

    Where reading fails, the rows are tried one range at a time, halved until the broken ones are
    alone. `last` is the highest row that may be there.
    """
    select = f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} WHERE chunk.row BETWEEN ? AND ? ORDER BY "
    ahead = f"SELECT {CHUNK_COLUMNS} {FROM_CHUNK} WHERE chunk.row > ? ORDER BY chunk.row LIMIT ?"
    row = 0
    while row < last:
        try:
            found = connection.execute(ahead, (row, _AT_ONCE)).fetchall()
        except (sqlite3.Error, UnicodeDecodeError):
            stop = min(last, row + _AT_ONCE)
            yield from _halved(connection, select + "chunk.row", row + 1, stop)
            row = stop
            continue
        if not found:
            return
        yield from found
        row = found[-1][-2]


def _halved(
    connection: sqlite3.Connection, select: str, low: int, high: int
) -> Iterator[tuple[Any, ...] | Unreadable]:
    try:
        found = connection.execute(select, (low, high)).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if low == high:
            yield Unreadable(low, str(error))
            return
        middle = (low + high) // 2
        yield from _halved(connection, select, low, middle)
        yield from _halved(connection, select, middle + 1, high)
        return
    yield from found


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
