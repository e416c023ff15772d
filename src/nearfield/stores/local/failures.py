"""What SQLite and the operating system report, in our words."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nearfield.errors import StoreCorrupt, StoreError, StoreFull, StoreLocked, StoreReadOnly
from nearfield.stores.local.schema import Mode

__all__ = ["NO_SPACE", "damaged", "io_errors", "translated"]

# EFBIG: a limit on the size of files, or a file system that has one.
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def damaged(path: Path, what: str) -> StoreCorrupt:
    """The error that names a damaged file and the remedy."""
    return StoreCorrupt(
        f"{path} is damaged: {what}. Restore {path.parent} from a copy, or run nearfield repair: "
        "it keeps every whole passage and lists the others"
    )


@contextmanager
def translated(path: Path, mode: Mode) -> Iterator[None]:
    """Raise SQLite's errors about `path` as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error, path, mode) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:  # only ever of stored texts
        raise damaged(path, str(error)) from error


@contextmanager
def io_errors(path: Path) -> Iterator[None]:
    """Raise the system's errors of writing `path` as ours."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise _full(path, str(error)) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StoreReadOnly(f"{path} cannot be written: {error}") from error
        raise StoreError(
            f"{path} cannot be written: {error}. What was under way was rolled back and everything "
            "before it is kept; check the disk"
        ) from error


def _full(path: Path, shown: str) -> StoreFull:
    return StoreFull(
        f"no room to write {path}: {shown}. The batch was rolled back and everything before "
        "it is kept; free some space and go on"
    )


def _translation(error: sqlite3.Error, path: Path, mode: Mode) -> StoreError:
    """The error in our words; codes are those of https://sqlite.org/rescode.html."""
    # Errors of the sqlite3 module itself, such as a broken text, carry no code.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    shown = f"{error} ({name})"
    primary = code & 0xFF if code is not None else None
    if primary == sqlite3.SQLITE_FULL or code in (
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    ):
        return _full(path, shown)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM) or (
        primary == sqlite3.SQLITE_CANTOPEN and mode is Mode.WRITE
    ):
        return StoreReadOnly(f"{path} cannot be written: {shown}. Check its owner and its disk")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLocked(f"{path} is in use by another program: {shown}. Try again")
    # Our statements are right, so SQLITE_ERROR means tables or JSON that are not as we wrote them.
    broken = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, None)
    if primary in broken:
        return damaged(path, shown)
    return StoreError(f"{path}: {shown}")
