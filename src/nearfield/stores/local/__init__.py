"""The embedded store: one directory, SQLite and an append-only vectors file as the truth.

::

    notes.nf/
    ├── collection.db         rows, text, metadata, the ledger of sources (SQLite, WAL)
    ├── vectors-000001.f32    one record a slot: row, CRC-32, float32 vector; the number is the
    │                         generation, which compacting counts up
    ├── derived/              what can be made again from these
    ├── writer.lock           held by the one process that writes
    └── writer.json           who that is

Readers never wait for the writer and each operation sees one state of the whole collection.
"""

from __future__ import annotations

from nearfield.stores.local.audit import AuditReport
from nearfield.stores.local.derived.tuning import RECALL_TARGET
from nearfield.stores.local.ledger import SourceState
from nearfield.stores.local.monitor import LiveAudit, RecallMonitor, RecallSoFar
from nearfield.stores.local.paths import SearchPath
from nearfield.stores.local.repair import Lost, RepairReport
from nearfield.stores.local.rows import DocumentEntry, chunk_digest
from nearfield.stores.local.schema import CODES_FROM, FORMAT, LANGUAGE, RECALL, Mode
from nearfield.stores.local.state import State
from nearfield.stores.local.store import LocalStore
from nearfield.stores.local.verify import Fault, Finding, VerifyReport, verify
from nearfield.stores.local.view import LocalView

__all__ = [
    "CODES_FROM",
    "FORMAT",
    "LANGUAGE",
    "RECALL",
    "RECALL_TARGET",
    "AuditReport",
    "DocumentEntry",
    "Fault",
    "Finding",
    "LiveAudit",
    "LocalStore",
    "LocalView",
    "Lost",
    "Mode",
    "RecallMonitor",
    "RecallSoFar",
    "RepairReport",
    "SearchPath",
    "SourceState",
    "State",
    "VerifyReport",
    "chunk_digest",
    "verify",
]
