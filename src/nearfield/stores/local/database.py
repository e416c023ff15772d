"""The SQLite side: connections, transactions, and the check that a file is ours."""

from __future__ import annotations

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
    StoreNotFound,
    StoreReadOnly,
    StoreReplaced,
)
from nearfield.stores.local.failures import translated
from nearfield.stores.local.fetching import Fetcher
from nearfield.stores.local.schema import (
    APPLICATION_ID,
    FORMAT,
    PAGE_SIZE,
    TABLES,
    Mode,
    database_path,
    statements,
)
from nearfield.stores.local.where import register

__all__ = [
    "Database",
    "Parameter",
    "connect",
    "decode",
    "encode",
    "format_of",
    "in_batches",
    "sync_folder",
]

Parameter = str | bytes | int | float | None

_BUSY_SECONDS = 30.0
# What a reader fetches here and there is in the cache of the system: it would be held twice.
_CACHE_KILOBYTES = {Mode.WRITE: 32_768, Mode.READ: 512}
# The log is emptied into the database when it has so many pages (32 MiB), and at closing.
_LOG_PAGES = 4096
# How long tidying waits for readers that are in the middle of an operation.
_TIDY_MILLISECONDS = 500

# File names that are no UTF-8 reach us as lone surrogates, which sqlite3 refuses to write.
# So texts travel as bytes both ways, and SQL says CAST(? AS TEXT).
decode = partial(str, encoding="utf-8", errors="surrogatepass")


def encode(text: str) -> bytes:
    """Bytes of a text for ``CAST(? AS TEXT)``."""
    return text.encode("utf-8", "surrogatepass")


class Database:
    """A collection's database, opened to read or to write.

    Reading operations run beside each other, each on a connection of its own; connections are
    kept for the next one. Writing operations take turns on one connection.

    Attributes
    ----------
    path : Path
        The database file.
    mode : Mode
    """

    def __init__(self, path: Path, mode: Mode) -> None:
        self.path = path
        self.mode = mode
        self._writer: sqlite3.Connection | None = None
        self._turn = threading.RLock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._collection: bytes | None = None
        self._fetcher: Fetcher | None = None
        self._place = _place(path)

    @classmethod
    def create(cls, path: Path, meta: dict[str, Parameter]) -> None:
        """Make the database under another name and move it into place when it is whole."""
        unborn = path.with_name(f".{path.name}.{os.getpid()}.new")
        with translated(path, Mode.WRITE):
            unborn.unlink(missing_ok=True)
            connection = sqlite3.connect(unborn, isolation_level=None)
            try:
                connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN")
                for statement in statements(TABLES):
                    connection.execute(statement)
                connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                connection.close()
                unborn.replace(path)
            finally:
                connection.close()
                unborn.unlink(missing_ok=True)
        sync_folder(path.parent)

    @classmethod
    def open(cls, folder: Path, mode: Mode) -> Database:
        """Open and check the database of the collection in `folder`."""
        path = database_path(folder)
        if not path.is_file():
            raise StoreNotFound(
                f"there is no collection at {folder}: index a folder into it, or check the path"
            )
        database = cls(path, mode)
        with translated(path, mode):
            connection = connect(path, mode)
            try:
                version = format_of(connection, path)
            except BaseException:
                connection.close()
                raise
        if mode is Mode.WRITE:
            database._writer = connection
        else:
            database._idle.append(connection)
        if version != FORMAT:
            database.close()
            remedy = "upgrade Nearfield" if version > FORMAT else "open it to write, once"
            raise FormatVersionError(
                f"{path} has format {version} and this Nearfield reads format {FORMAT}: {remedy}"
            )
        return database

    def expect(self, collection: bytes) -> None:
        """Refuse connections to any other collection: a migration may put one in its place."""
        self._collection = collection
        settings = "; ".join(_settings(Mode.READ))
        self._fetcher = Fetcher(_uri(self.path, Mode.READ), settings, collection)

    @property
    def fetcher(self) -> Fetcher:
        """What reads rows by itself, once the collection is known."""
        if self._closed or self._fetcher is None:
            raise self._gone()
        return self._fetcher

    @property
    def is_replaced(self) -> bool:
        """Whether another file stands at the path since; a look of a microsecond or two."""
        found = _place(self.path)
        return found is not None and found != self._place

    def require_same(self) -> None:
        """Raise StoreReplaced where another collection stands at the path by now."""
        self._checked(connect(self.path, Mode.READ)).close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Run queries on one state of the collection."""
        with translated(self.path, self.mode):
            connection = self.borrow()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.rollback()
                self.give_back(connection)

    def borrow(self) -> sqlite3.Connection:
        """A connection for single queries, each on a state of its own; give it back."""
        if self._closed:
            raise self._gone()
        try:
            return self._idle.pop()  # the one used last has the warmest cache
        except IndexError:
            return self._checked(connect(self.path, Mode.READ))

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next operation."""
        self._idle.append(connection)
        if self._closed:  # while this operation was under way
            self._close_idle()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Change the collection: wholly, and on disk when this returns; or not at all."""
        with self.writer() as connection, translated(self.path, self.mode):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the first error is the one to tell
                    connection.rollback()
                raise

    @contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """Hold the turn to write, for what takes several transactions."""
        if self.mode is not Mode.WRITE:
            raise StoreReadOnly(f"{self.path.parent} was opened to read: open it with mode 'w'")
        with self._turn:
            if self._writer is None:
                raise self._gone()
            yield self._writer

    def shrink(self) -> bool:
        """Give freed pages back to the file system and empty the log.

        Returns whether the log is empty: then no reader sees an earlier state any more, and none
        ever will (https://sqlite.org/c3ref/wal_checkpoint_v2.html, SQLITE_CHECKPOINT_TRUNCATE).
        """
        with self.writer() as connection, translated(self.path, self.mode):
            # A script: execute() would stop after the first freed page.
            connection.executescript("PRAGMA incremental_vacuum")
            return _empty_log(connection)

    def rewrite(self) -> bool:
        """Write the database afresh, without gaps; returns what :meth:`shrink` returns."""
        with self.writer() as connection, translated(self.path, self.mode):
            connection.execute("VACUUM")
            return _empty_log(connection)

    def close(self) -> None:
        """Close every connection; closing twice is harmless."""
        self._closed = True
        if self._fetcher is not None:
            self._fetcher.close()
        with translated(self.path, self.mode):
            self._close_idle()
            with self._turn:
                writer, self._writer = self._writer, None
                if writer is not None:
                    writer.close()  # last, because closing it empties the log

    def _checked(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        if self._collection is None:
            return connection
        try:
            found = connection.execute("SELECT value FROM meta WHERE key = 'collection'").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        if found is not None and found[0] != self._collection:
            connection.close()
            raise StoreReplaced(
                f"{self.path.parent} was replaced since it was opened, as by a migration to "
                "another model: open it again"
            )
        return connection

    def _close_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def _gone(self) -> StoreError:
        return StoreError(f"the store at {self.path.parent} is closed: open it again")


def connect(path: Path, mode: Mode) -> sqlite3.Connection:
    """A configured connection to an existing database, whatever its format."""
    return _configured(_opened(_uri(path, mode)), mode)


def _place(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path; None where there is none, as while folders change places."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _uri(path: Path, mode: Mode) -> str:
    """The name by which SQLite opens the database in a mode."""
    uri = path.absolute().as_uri()
    if mode is Mode.WRITE:
        return f"{uri}?mode=rw"
    # A reader of a WAL database shares an index file beside it; where that cannot be made,
    # the database can still be read as long as no log is waiting.
    if os.access(path.parent, os.W_OK) or _beside(path, "-shm").exists():
        return f"{uri}?mode=ro"
    log = _beside(path, "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreReadOnly(
            f"{path.parent} cannot be written and {log.name} holds changes that wait to be moved "
            "into the database: open it once from an account that may write there, or copy it"
        )
    return f"{uri}?immutable=1"


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _opened(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
    )


def _configured(connection: sqlite3.Connection, mode: Mode) -> sqlite3.Connection:
    try:
        connection.text_factory = decode
        for setting in _settings(mode):
            connection.execute(setting).fetchall()
        register(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _settings(mode: Mode) -> list[str]:
    """What a connection is told when it is opened."""
    settings = [
        "PRAGMA trusted_schema = OFF",
        "PRAGMA cell_size_check = ON",
        "PRAGMA temp_store = MEMORY",
        f"PRAGMA cache_size = -{_CACHE_KILOBYTES[mode]}",
    ]
    if mode is Mode.WRITE:
        # Deleted text is overwritten, not merely forgotten.
        settings += [
            "PRAGMA synchronous = FULL",
            f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}",
            "PRAGMA secure_delete = ON",
        ]
    return settings


def format_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file format; StoreCorrupt when it is no collection's database."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise StoreCorrupt(
            f"{path} is no collection's database (application id {application:#x}, expected "
            f"{APPLICATION_ID:#x}): restore it from a copy, or index into another folder"
        )
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _empty_log(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {_TIDY_MILLISECONDS}").fetchall()
    try:
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}").fetchall()
    return not busy


def in_batches(items: Sequence[bytes], size: int = 500) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Slices of texts with the placeholders for them; SQLite limits parameters to 999."""
    for start in range(0, len(items), size):
        batch = items[start : start + size]
        yield ", ".join(["CAST(? AS TEXT)"] * len(batch)), batch


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the platform can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
