"""One SQLite connection: how it is opened, its transactions, and its errors in our words."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from nearfield.errors import (
    FormatVersionError,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNotFound,
    StoreReadOnly,
)
from nearfield.stores.local.schema import (
    APPLICATION_ID,
    FORMAT,
    PAGE_SIZE,
    TABLES,
    Mode,
    database_path,
)
from nearfield.stores.local.where import register

__all__ = ["Database", "Parameter", "damaged", "decode", "encode", "in_batches"]

Parameter = str | bytes | int | float | None

_BUSY_SECONDS = 30.0

# File names that are no UTF-8 reach us as lone surrogates, which sqlite3 refuses to write.
# So texts travel as bytes both ways, and SQL says CAST(? AS TEXT).
decode = partial(str, encoding="utf-8", errors="surrogatepass")


def encode(text: str) -> bytes:
    """Bytes of a text for ``CAST(? AS TEXT)``."""
    return text.encode("utf-8", "surrogatepass")


class Database:
    """A collection's database, opened to read or to write.

    Attributes
    ----------
    path : Path
        The database file.
    mode : Mode
    """

    def __init__(self, path: Path, mode: Mode, connection: sqlite3.Connection) -> None:
        self.path = path
        self.mode = mode
        self._connection: sqlite3.Connection | None = connection
        self._lock = threading.RLock()

    @classmethod
    def create(cls, folder: Path, meta: dict[str, Parameter]) -> None:
        """Make the database under another name and move it into place when it is whole."""
        path = database_path(folder)
        unborn = folder / f".{path.name}.{os.getpid()}.new"
        with _translated(path, Mode.WRITE):
            unborn.unlink(missing_ok=True)
            connection = sqlite3.connect(unborn, isolation_level=None)
            try:
                connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(f"BEGIN; {TABLES}")
                connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.close()
                unborn.replace(path)
            finally:
                connection.close()
                unborn.unlink(missing_ok=True)
        _sync_folder(folder)

    @classmethod
    def open(cls, folder: Path, mode: Mode) -> Database:
        """Open and check the database of the collection in `folder`."""
        path = database_path(folder)
        if not path.is_file():
            raise StoreNotFound(
                f"there is no collection at {folder}: index a folder into it, or check the path"
            )
        with _translated(path, mode):
            connection = _connect(path, mode)
            try:
                _configure(connection, mode)
                _check_format(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(path, mode, connection)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Run queries on one state of the collection."""
        with self._lock, _translated(self.path, self.mode):
            connection = self._live()
            if connection.in_transaction:  # within an outer read or write
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Change the collection: wholly, and on disk when this returns; or not at all."""
        if self.mode is not Mode.WRITE:
            raise StoreReadOnly(f"{self.path.parent} was opened to read: open it with mode 'w'")
        with self._lock, _translated(self.path, self.mode):
            connection = self._live()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the first error is the one to tell
                    connection.rollback()
                raise

    def shrink(self) -> None:
        """Give freed pages back to the file system and empty the log."""
        with self._lock, _translated(self.path, self.mode):
            connection = self._live()
            # A script: execute() would stop after the first freed page.
            connection.executescript("PRAGMA incremental_vacuum")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the connection; closing twice is harmless."""
        with self._lock:
            if self._connection is not None:
                with _translated(self.path, self.mode):
                    self._connection.close()
                self._connection = None

    def _live(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"the store at {self.path.parent} is closed: open it again")
        return self._connection


def in_batches(items: Sequence[bytes], size: int = 500) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Slices of texts with the placeholders for them; SQLite limits parameters to 999."""
    for start in range(0, len(items), size):
        batch = items[start : start + size]
        yield ", ".join(["CAST(? AS TEXT)"] * len(batch)), batch


def _connect(path: Path, mode: Mode) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    if mode is Mode.WRITE:
        return _opened(f"{uri}?mode=rw")
    # A reader of a WAL database shares an index file beside it; where that cannot be made,
    # the database can still be read as long as no log is waiting.
    if os.access(path.parent, os.W_OK) or _beside(path, "-shm").exists():
        return _opened(f"{uri}?mode=ro")
    log = _beside(path, "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreReadOnly(
            f"{path.parent} cannot be written and {log.name} holds changes that wait to be moved "
            "into the database: open it once from an account that may write there, or copy it"
        )
    return _opened(f"{uri}?immutable=1")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _opened(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
    )


def _configure(connection: sqlite3.Connection, mode: Mode) -> None:
    connection.text_factory = decode
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -32768")
    if mode is Mode.WRITE:
        connection.execute("PRAGMA synchronous = FULL")
        # Deleted text is overwritten, not merely forgotten.
        connection.execute("PRAGMA secure_delete = ON").fetchall()
    register(connection)


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise StoreCorrupt(
            f"{path} is no collection's database (application id {application:#x}, expected "
            f"{APPLICATION_ID:#x}): restore it from a copy, or index into another folder"
        )
    if version != FORMAT:
        remedy = "upgrade Nearfield" if version > FORMAT else "index the sources again"
        raise FormatVersionError(
            f"{path} has format {version} and this Nearfield reads format {FORMAT}: {remedy}"
        )


@contextmanager
def _translated(path: Path, mode: Mode) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error, path, mode) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:  # only ever of stored texts
        raise damaged(path, str(error)) from error


def damaged(path: Path, what: str) -> StoreCorrupt:
    """The error that names a damaged database and the remedy."""
    return StoreCorrupt(
        f"{path} is damaged: {what}. Restore it from a copy, or delete {path.parent} and index "
        "the sources again"
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
        return StoreFull(
            f"no room to write {path}: {shown}. The batch was rolled back and everything before "
            "it is kept; free some space and go on"
        )
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


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the platform can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
