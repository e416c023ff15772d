"""The file format: tables, version and what the names in them mean.

The version stands in SQLite's ``user_version``. A change that an older Nearfield would misread
raises it and brings a migration.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

__all__ = [
    "APPLICATION_ID",
    "DATABASE",
    "FORMAT",
    "OWN_PREFIXES",
    "PAGE_SIZE",
    "SIDE_CAR",
    "TABLES",
    "Mode",
    "database_path",
]

FORMAT = 1
# "NFLD": tells a collection from any other SQLite database (``file`` shows it).
APPLICATION_ID = 0x4E464C44
DATABASE = "collection.db"
SIDE_CAR = "vectors.side"
# What an interrupted creation may leave, and a new one may find.
OWN_PREFIXES = ("writer.", DATABASE, f".{DATABASE}", SIDE_CAR, f".{SIDE_CAR}")
# A vector of 384 float32 is 1,536 bytes: ten to a page of 16 KiB waste 6%; two to one of
# 4 KiB, SQLite's default, would waste 25%.
PAGE_SIZE = 16384


class Mode(StrEnum):
    """What a store is opened for."""

    READ = "r"
    WRITE = "w"


def database_path(folder: Path) -> Path:
    """The database of the collection in `folder`."""
    return folder / DATABASE


# chunk.row grows with every new chunk and is never used again (AUTOINCREMENT): its order is
# the order of insertion, and a row beyond the side-car's last one is new.
# chunk.plain says that SQL's view of the row's fields equals Python's (see where.py).
# change names the rows that were replaced or deleted by each operation of the sequence.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE property (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (id, source)
);
CREATE INDEX document_source ON document (source);
CREATE TABLE chunk (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    page INTEGER,
    headings TEXT NOT NULL,
    metadata TEXT NOT NULL,
    plain INTEGER NOT NULL,
    digest BLOB NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX chunk_document ON chunk (document, start);
CREATE INDEX chunk_odd ON chunk (row) WHERE plain = 0;
CREATE TABLE vector (row INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE change (
    sequence INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (sequence, row)
) WITHOUT ROWID;
CREATE TABLE source (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    spec TEXT NOT NULL,
    documents INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    problems TEXT NOT NULL,
    indexed_at TEXT NOT NULL
) WITHOUT ROWID;
"""
