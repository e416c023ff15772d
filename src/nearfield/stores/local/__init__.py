"""The embedded store: one directory, a SQLite database as the only truth.

::

    notes.nf/
    ├── collection.db     rows, text, metadata, vectors, the ledger of sources (SQLite, WAL)
    ├── vectors.side      derived: the vectors as one memory-mapped matrix; may be deleted
    ├── writer.lock       held by the one process that writes
    └── writer.json       who that is

Readers never wait for the writer and each operation sees one state of the whole collection.
"""

from __future__ import annotations

from nearfield.stores.local.ledger import SourceState
from nearfield.stores.local.rows import DocumentEntry, chunk_digest
from nearfield.stores.local.schema import FORMAT, Mode
from nearfield.stores.local.store import LocalStore

__all__ = ["FORMAT", "DocumentEntry", "LocalStore", "Mode", "SourceState", "chunk_digest"]
