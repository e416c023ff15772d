"""A collection as files that other programs read: Parquet, npy with JSONL, or JSONL alone.

Each form carries everything that the collection holds, exactly, so that exporting and importing
gives the same collection: passages, vectors, properties and the ledger of sources.
"""

from __future__ import annotations

from nearfield.stores.transfer.transfer import Form, export_store, import_store

__all__ = ["Form", "export_store", "import_store"]
