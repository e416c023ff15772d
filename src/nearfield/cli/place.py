"""Which collection a command means, from what the user typed."""

from __future__ import annotations

from pathlib import Path

from nearfield.collection.locate import enclosing, is_collection
from nearfield.errors import StoreNotFound
from nearfield.filters import And, Compare, Filter, Operator, Or
from nearfield.types import FILE_FIELD

__all__ = ["below", "find_collection"]


def find_collection(path: str | None) -> Path:
    """The existing collection at, of, or around `path` (the current folder by default).

    Raises
    ------
    StoreNotFound
        There is none; the message says how to make one.
    """
    start = Path(path).expanduser() if path else Path.cwd()
    if is_collection(start):
        return start
    found = enclosing(start)
    if found is None:
        raise StoreNotFound(f"{start} has not been indexed: nearfield index {path or '.'}")
    return found


def below(folder: Path) -> Filter:
    """Keep only passages of the file `folder`, or of files below the folder `folder`."""
    real = str(folder.resolve()).rstrip("/\\")
    separator = "\\" if "\\" in real and "/" not in real else "/"
    after = chr(ord(separator) + 1)
    return Or(
        (
            Compare(FILE_FIELD, Operator.EQ, real),
            And(
                (
                    Compare(FILE_FIELD, Operator.GE, real + separator),
                    Compare(FILE_FIELD, Operator.LT, real + after),
                )
            ),
        )
    )
