"""A persistent cache of vectors: a text is never embedded twice by the same model.

Content-addressed: the key is a SHA-256 over the model's fingerprint, the role's prompt and the
text, so an entry can be missing but never be wrong. One SQLite file holds the vectors of one
fingerprint. Many processes may share the folder. It is a cache: whatever goes wrong with it costs
time and at most one warning, never a result.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import TypeVar

import numpy as np
from filelock import FileLock

from nearfield.errors import InputError, NearfieldWarning
from nearfield.paths import cache_dir
from nearfield.types import FloatArray

__all__ = ["CacheStats", "CachedVector", "Flag", "VectorCache", "key"]

_Result = TypeVar("_Result")

# SQLite's default limit of variables in a statement was 999 before version 3.32.
_QUERY_ROWS = 500
_EVICTED_AT_ONCE = 4096
_WAIT_SECONDS = 10.0
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# Part of the file names, so that versions of the format live side by side; also the file's
# user_version, which says that its table is complete.
_FORMAT = 1
_SCHEMA = """
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY,     -- order of insertion: the oldest leave first
    key BLOB NOT NULL UNIQUE,
    added REAL NOT NULL,        -- seconds since 1970, to compare ages across files
    flags INTEGER NOT NULL,
    checksum INTEGER NOT NULL,  -- CRC-32 of key and vector
    vector BLOB NOT NULL        -- little-endian float32
)
"""


class Flag(IntFlag):
    """What the encoder said about a text when it made the vector."""

    NONE = 0
    TRUNCATED = 1
    EMPTY = 2


@dataclass(frozen=True, slots=True)
class CachedVector:
    """A vector as the encoder made it, shape (dimension,), with what it said about the text."""

    vector: FloatArray
    flags: Flag


@dataclass(frozen=True, slots=True)
class CacheStats:
    """The cache's state, and what this object did since it was made.

    Attributes
    ----------
    files, size_bytes : int
        On disk now, over all fingerprints.
    hits, misses : int
        Keys found and not found.
    evicted : int
        Entries that left because the cache was full.
    set_aside : int
        Damaged files that were replaced.
    failures : int
        Operations that failed and were passed over.
    """

    files: int
    size_bytes: int
    hits: int
    misses: int
    evicted: int
    set_aside: int
    failures: int


def key(fingerprint: str, prompt: str, text: str) -> bytes:
    """Address of a vector: SHA-256 over model, prompt and text, each preceded by its length.

    Examples
    --------
    >>> key("f", "ab", "c") == key("f", "a", "bc")
    False
    """
    digest = hashlib.sha256()
    for part in (fingerprint, prompt, text):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.digest()


class VectorCache:
    """Vectors on disk by model and text.

    Parameters
    ----------
    path : Path, optional
        Folder of the cache; ``vectors`` in the cache folder of this machine by default.
    max_bytes : int
        Size of all files together above which the oldest entries leave.
    durable : bool
        Entries survive a power cut as soon as :meth:`put` returns, not only the end of the process.

    Raises
    ------
    InputError
        The size is negative.
    """

    def __init__(
        self, path: Path | None = None, *, max_bytes: int = 4 << 30, durable: bool = False
    ) -> None:
        if max_bytes < 0:
            raise InputError(f"max_bytes is {max_bytes}: it must be 0 or more")
        self.path = path if path is not None else cache_dir() / "vectors"
        self.max_bytes = max_bytes
        self.durable = durable
        self._hits = self._misses = self._evicted = self._set_aside = self._failures = 0

    def get(
        self, fingerprint: str, keys: Sequence[bytes], dimension: int
    ) -> dict[bytes, CachedVector]:
        """Look keys up; those that are unknown or damaged are absent from the answer."""

        def read(connection: sqlite3.Connection) -> dict[bytes, CachedVector]:
            found = {}
            for start in range(0, len(keys), _QUERY_ROWS):
                part = keys[start : start + _QUERY_ROWS]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT key, flags, checksum, vector FROM vectors WHERE key IN ({marks})", part
                )
                for known, flags, checksum, blob in rows:
                    if len(blob) == 4 * dimension and checksum == _checksum(known, blob):
                        vector = np.frombuffer(blob, dtype="<f4").astype(np.float32)
                        found[known] = CachedVector(vector, Flag(flags))
            return found

        file = self._file(fingerprint)
        nothing: dict[bytes, CachedVector] = {}
        answer = self._attempt(file, read, nothing) if keys and file.exists() else nothing
        self._hits += len(answer)
        self._misses += len(set(keys)) - len(answer)
        return answer

    def put(self, fingerprint: str, entries: Mapping[bytes, CachedVector]) -> None:
        """Write entries, all or none, and let the oldest ones go when the cache is full."""
        now = time.time()
        rows: list[tuple[bytes, float, int, int, bytes]] = []
        for known, entry in entries.items():
            blob = entry.vector.astype("<f4").tobytes()
            rows.append((known, now, int(entry.flags), _checksum(known, blob), blob))

        def write(connection: sqlite3.Connection) -> bool:
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors (key, added, flags, checksum, vector) "
                    "VALUES (?, ?, ?, ?, ?)",
                    rows,
                )
            return True

        if not rows:
            return
        written = self._attempt(self._file(fingerprint), write, False)
        if written:
            self._shrink()

    def stats(self) -> CacheStats:
        """Count what is there and what was done."""
        files = self._files()
        return CacheStats(
            files=len(files),
            size_bytes=self._size(),
            hits=self._hits,
            misses=self._misses,
            evicted=self._evicted,
            set_aside=self._set_aside,
            failures=self._failures,
        )

    def clear(self) -> None:
        """Delete every entry of every model."""
        for file in self._files():
            _unlink(file)
        for file in self._leftovers():
            _unlink(file)

    def _file(self, fingerprint: str) -> Path:
        name = hashlib.sha256(fingerprint.encode()).hexdigest()[:32]
        return self.path / f"{name}-{_FORMAT}.sqlite"

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("*.sqlite"))

    def _leftovers(self) -> list[Path]:
        return sorted(self.path.glob("*.damaged"))

    def _size(self) -> int:
        total = 0
        for file in self.path.glob("*"):
            with suppress(OSError):  # another process may delete it meanwhile
                total += file.stat().st_size
        return total

    def _attempt(
        self, file: Path, work: Callable[[sqlite3.Connection], _Result], otherwise: _Result
    ) -> _Result:
        """Do something with a file of the cache; a damaged one is replaced and tried again."""
        for last in (False, True):
            try:
                with _connection(file, durable=self.durable) as connection:
                    return work(connection)
            except (sqlite3.Error, OSError) as error:
                damaged = getattr(error, "sqlite_errorcode", None)
                if not last and damaged is not None and damaged & 0xFF in _DAMAGED:
                    self._put_aside(file)
                    continue
                self._fail(error)
                break
        return otherwise

    def _put_aside(self, file: Path) -> None:
        self._set_aside += 1
        with suppress(OSError):
            file.replace(file.with_suffix(".damaged"))
        for suffix in ("-wal", "-shm"):
            with suppress(OSError):
                Path(f"{file}{suffix}").unlink(missing_ok=True)

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            warnings.warn(
                f"the vector cache in {self.path} does not work ({error}): vectors are computed "
                "and returned, but texts may be embedded again later. Make room or rights there, "
                "or set NEARFIELD_HOME to another folder",
                NearfieldWarning,
                stacklevel=5,
            )

    def _shrink(self) -> None:
        for file in self._leftovers():
            if self._size() > self.max_bytes:
                _unlink(file)
        while self._size() > self.max_bytes:
            ages = {file: self._attempt(file, _oldest, None) for file in self._files()}
            known = {file: age for file, age in ages.items() if age is not None}
            if not known:
                break
            oldest = min(known, key=lambda file: known[file])
            gone = self._attempt(oldest, _evict, 0)
            if gone == 0:
                break
            self._evicted += gone


@contextmanager
def _connection(file: Path, *, durable: bool) -> Iterator[sqlite3.Connection]:
    # Opened for each operation: costs 0.3 ms beside an encode, and needs no care for threads,
    # forks and files that were replaced.
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, timeout=_WAIT_SECONDS)) as connection:
        if _version(connection) != _FORMAT:
            _create(connection, file)
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        yield connection


def _create(connection: sqlite3.Connection, file: Path) -> None:
    # A lock file, because a change of the journal mode does not wait for other connections.
    with FileLock(file.with_suffix(".lock"), timeout=_WAIT_SECONDS):
        if _version(connection) == _FORMAT:
            return
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA user_version={_FORMAT}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _oldest(connection: sqlite3.Connection) -> float | None:
    row = connection.execute("SELECT added FROM vectors ORDER BY id LIMIT 1").fetchone()
    return None if row is None else float(row[0])


def _evict(connection: sqlite3.Connection) -> int:
    with connection:
        first, last = connection.execute("SELECT MIN(id), MAX(id) FROM vectors").fetchone()
        if first is None:
            return 0
        count = min(_EVICTED_AT_ONCE, 1 + (last - first) // 8)
        gone = connection.execute("DELETE FROM vectors WHERE id < ?", (first + count,)).rowcount
    # As a script, because the vacuum frees one page a step and `execute` takes a single one.
    connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
    return gone


def _unlink(file: Path) -> None:
    for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _checksum(known: bytes, blob: bytes) -> int:
    return zlib.crc32(blob, zlib.crc32(known))
