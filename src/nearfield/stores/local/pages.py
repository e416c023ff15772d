"""Rows straight from the pages of an SQLite file, where its trees are broken.

A table's rows stand in leaf pages that can be read one by one without the pages above them. The
layout is that of https://sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

__all__ = ["Value", "leaf_rows"]

Value: TypeAlias = int | float | str | bytes | None

_TABLE_LEAF = 13
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_MOST_OVERFLOW = 1 << 30


def leaf_rows(path: Path, columns: int) -> Iterator[tuple[int, list[Value]]]:
    """Row number and values of every row with so many columns, in any table, in no order.

    Rows that are torn are left out; rows of a tree that was rebuilt may come twice.
    """
    size = _page_size(path)
    if not size:
        return
    with path.open("rb") as file:
        count = path.stat().st_size // size
        reserved = file.read(21)[20]

        def page(number: int) -> bytes:
            file.seek((number - 1) * size)
            return file.read(size)

        for number in range(1, count + 1):
            data = page(number)
            head = 100 if number == 1 else 0
            if data[head] != _TABLE_LEAF:
                continue
            (cells,) = struct.unpack_from(">H", data, head + 3)
            for cell in range(min(cells, size // 4)):
                try:
                    (start,) = struct.unpack_from(">H", data, head + 8 + 2 * cell)
                    row, payload = _cell(data, start, size - reserved, page)
                    values = _record(payload)
                except (IndexError, struct.error, ValueError):
                    continue
                if len(values) == columns:
                    yield row, values


def _page_size(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100:
        return 0
    (size,) = struct.unpack_from(">H", head, 16)
    size = 65536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else 0


def _cell(data: bytes, start: int, usable: int, page: Callable[[int], bytes]) -> tuple[int, bytes]:
    """Row number and whole payload of a cell, with its overflow pages."""
    size, start = _varint(data, start)
    row, start = _varint(data, start)
    row -= (row >> 63) << 64
    if size <= usable - 35:
        return row, data[start : start + size]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    if local > usable - 35:
        local = least
    parts = [data[start : start + local]]
    (following,) = struct.unpack_from(">I", data, start + local)
    left = size - local
    if left > _MOST_OVERFLOW:
        raise ValueError("no row is that large")
    while left > 0:
        more = page(following)
        if following == 0 or len(more) < usable:
            raise ValueError("the overflow ends early")
        (following,) = struct.unpack_from(">I", more)
        parts.append(more[4 : min(usable, 4 + left)])
        left -= usable - 4
    return row, b"".join(parts)


def _record(payload: bytes) -> list[Value]:
    size, at = _varint(payload, 0)
    body, values = size, list[Value]()
    while at < size:
        kind, at = _varint(payload, at)
        length = _length(kind)
        if body + length > len(payload):
            raise ValueError("the record ends early")
        values.append(_value(kind, payload[body : body + length]))
        body += length
    return values


def _length(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGER_BYTES.get(kind, 0)


def _value(kind: int, data: bytes) -> Value:
    if kind >= 12:
        return data.decode("utf-8", "surrogatepass") if kind % 2 else data
    if kind == 7:
        value: float = struct.unpack(">d", data)[0]
        return value
    if kind in _INTEGER_BYTES:
        return int.from_bytes(data, "big", signed=True)
    return {0: None, 8: 0, 9: 1}[kind] if kind in (0, 8, 9) else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = data[at + count]
        if count == 8:
            value = value << 8 | byte
        else:
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, at + count + 1
    return value, at + 9
