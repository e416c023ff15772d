"""The file format: tables, version, file names and what the names in them mean.

The version stands in SQLite's ``user_version``. A change that an older Nearfield would misread
raises it and brings a migration (:mod:`nearfield.stores.local.migration`).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

__all__ = [
    "APPLICATION_ID",
    "CODES_FROM",
    "DATABASE",
    "DERIVED",
    "FORMAT",
    "FROM_CHUNK",
    "LANGUAGE",
    "OWN_PREFIXES",
    "PAGE_SIZE",
    "RECALL",
    "TABLES",
    "Mode",
    "database_path",
    "statements",
    "vectors_path",
]

FORMAT = 2
# "NFLD": tells a collection from any other SQLite database (``file`` shows it).
APPLICATION_ID = 0x4E464C44
DATABASE = "collection.db"
DERIVED = "derived"
LANGUAGE = "language"
"""Property that names the language of the words; see :class:`nearfield.lexical.Language`."""
CODES_FROM = "codes_from"
"""Property: from so many vectors on there are quantised codes."""
RECALL = "recall"
"""Property: recall@10 that faster paths are tuned to."""
# What an interrupted creation may leave, and a new one may find.
OWN_PREFIXES = ("writer.", DATABASE, f".{DATABASE}", "vectors-", DERIVED)
# Rows of some 300 bytes: pages of 8 KiB waste 2%, and a hit that is not cached reads one of them.
PAGE_SIZE = 8192


class Mode(StrEnum):
    """What a store is opened for."""

    READ = "r"
    WRITE = "w"


def database_path(folder: Path) -> Path:
    """The database of the collection in `folder`."""
    return folder / DATABASE


def vectors_path(folder: Path, generation: int) -> Path:
    """The file of one generation's vectors."""
    return folder / f"vectors-{generation:06}.f32"


# chunk.row grows with every new chunk and is never used again (AUTOINCREMENT): its order is
# the order of insertion.
# chunk.slot is where the chunk's vector stands in the vectors file; an upsert gives another one.
# chunk.document is null where the chunk is its whole document: then the document's id is the
# chunk's, and there is no source. Texts that are added by hand need no second row for that.
# chunk.plain says that SQL's view of the row's fields equals Python's (see where.py).
# dead holds the slots that no chunk has any more, as blocks of a bit mask (see dead.py); sequence
# is the operation that changed the block last.
# meta holds the description and the counters: sequence (of operations), generation (of the
# vectors file), slots (committed in it), dead (of these, how many no chunk has).
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
    slot INTEGER NOT NULL,
    document INTEGER,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    page INTEGER,
    plain INTEGER NOT NULL,
    digest BLOB NOT NULL,
    id TEXT NOT NULL UNIQUE,
    headings TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX chunk_document ON chunk (document, start) WHERE document IS NOT NULL;
CREATE INDEX chunk_odd ON chunk (row) WHERE plain = 0;
CREATE TABLE dead (block INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, bits BLOB NOT NULL);
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


FROM_CHUNK = "FROM chunk LEFT JOIN document ON document.row = chunk.document"
"""Chunks with the documents that they are parts of."""


def statements(script: str) -> list[str]:
    """The statements of a script, for a transaction (``executescript`` would commit it)."""
    return [part.strip() for part in script.split(";") if part.strip()]
