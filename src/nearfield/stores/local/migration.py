"""From format 1 to format 2, in place: wholly or not at all.

Format 1 kept the vectors in a table of the database, and a copy of them in ``vectors.side``. The
vectors are written to their file first; one transaction then changes the tables, and a run that
is interrupted before its end is simply begun again.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import numpy as np

from nearfield.errors import FormatVersionError, NearfieldError, StoreCorrupt
from nearfield.stores.local.database import connect, format_of, sync_folder
from nearfield.stores.local.description import Description
from nearfield.stores.local.failures import translated
from nearfield.stores.local.lock import WriterLock
from nearfield.stores.local.schema import (
    FORMAT,
    TABLES,
    Mode,
    database_path,
    statements,
    vectors_path,
)
from nearfield.stores.local.vectors import VectorWriter, checksums

__all__ = ["is_earlier", "migrate", "migrate_for_reader"]

_EARLIER = 1
_AT_ONCE = 4096
_RENAMED = ("document", "chunk")
_COPIED = """
INSERT INTO document (row, id, source) SELECT row, id, source FROM document_1;
INSERT INTO chunk
    (row, slot, document, start, stop, page, plain, digest, id, headings, metadata, text)
SELECT row, (SELECT slot FROM place WHERE place.row = chunk_1.row), document, start, stop, page,
    plain, digest, id, headings, metadata, text FROM chunk_1 ORDER BY row;
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'chunk_1')
    WHERE name = 'chunk';
DROP TABLE place;
DROP TABLE chunk_1;
DROP TABLE document_1;
DROP TABLE vector;
DROP TABLE change;
DELETE FROM meta WHERE key = 'pruned';
INSERT OR REPLACE INTO meta VALUES ('generation', 1), ('dead', 0);
UPDATE meta SET value = value + 1 WHERE key = 'sequence';
"""


def is_earlier(folder: Path) -> bool:
    """Whether the collection has a format that :func:`migrate` takes."""
    path = database_path(folder)
    if not path.is_file():
        return False
    with translated(path, Mode.READ):
        connection = connect(path, Mode.READ)
        try:
            return format_of(connection, path) == _EARLIER
        finally:
            connection.close()


def migrate_for_reader(folder: Path) -> None:
    """Migrate on behalf of a reader, if the collection can be locked and written.

    Raises
    ------
    FormatVersionError
        It cannot.
    """
    try:
        lock = WriterLock(folder, timeout=0)
        try:
            migrate(folder)
        finally:
            lock.release()
    except NearfieldError as error:
        raise FormatVersionError(
            f"{folder} has format {_EARLIER} and this Nearfield reads format {FORMAT}. It could "
            f"not be brought up to date for reading ({error}): open it to write, once"
        ) from error


def migrate(folder: Path) -> None:
    """Bring a collection up to date; the caller holds the writer lock."""
    path = database_path(folder)
    with translated(path, Mode.WRITE):
        connection = connect(path, Mode.WRITE)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if format_of(connection, path) == _EARLIER:
                _change(connection, folder)
                connection.execute("COMMIT")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                for left in folder.glob("*vectors.side*"):
                    with suppress(OSError):
                        left.unlink()
        finally:
            connection.close()  # rolls back what was not committed


def _change(connection: sqlite3.Connection, folder: Path) -> None:
    description = Description.read(connection, database_path(folder))
    connection.execute("CREATE TEMP TABLE place (row INTEGER PRIMARY KEY, slot INTEGER)")
    slots = _write_vectors(connection, folder, description)
    for table in _RENAMED:
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_1")
    for index in ("document_source", "chunk_document", "chunk_odd"):
        connection.execute(f"DROP INDEX {index}")
    existing = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    for statement in statements(TABLES):
        if statement.split()[2] not in existing:
            connection.execute(statement)
    for statement in statements(_COPIED):
        connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('slots', ?)", (slots,))
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _write_vectors(connection: sqlite3.Connection, folder: Path, description: Description) -> int:
    """Write the vectors file in order of rows; returns how many slots it has."""
    database = database_path(folder)
    path = vectors_path(folder, 1)
    writer = VectorWriter.create(path, description.dimension, 1, description.collection)
    slot = 0
    try:
        cursor = connection.execute(
            "SELECT chunk.row, vector.checksum, vector.data FROM chunk "
            "LEFT JOIN vector ON vector.row = chunk.row ORDER BY chunk.row"
        )
        while found := cursor.fetchmany(_AT_ONCE):
            rows = [row for row, _, _ in found]
            data = [data or b"" for _, _, data in found]
            if any(len(one) != 4 * description.dimension for one in data):
                raise _damaged(database, f"rows {rows[0]} to {rows[-1]} lack a whole vector")
            vectors = np.frombuffer(b"".join(data), "<f4").reshape(-1, description.dimension)
            if (checksums(vectors) != np.array([given for _, given, _ in found])).any():
                raise _damaged(
                    database, f"a vector of rows {rows[0]} to {rows[-1]} lacks its checksum"
                )
            writer.append(slot, rows, vectors)
            places = zip(rows, range(slot, slot + len(rows)), strict=True)
            connection.executemany("INSERT INTO place VALUES (?, ?)", places)
            slot += len(rows)
        writer.sync()
        sync_folder(folder)
    finally:
        writer.close()
    return slot


def _damaged(database: Path, what: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{database} is damaged: {what}. Restore it from a copy, or delete {database.parent} and "
        "index the sources again"
    )
