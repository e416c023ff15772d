"""The ledger of sources: what was indexed, when, and how, so that unchanged files cost a stat."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nearfield.stores.local.database import encode
from nearfield.stores.local.rows import delete_rows
from nearfield.types import Problem

__all__ = ["SourceState", "finish", "is_under", "read_sources", "record", "remove", "state_of"]

_TEXT = "CAST(? AS TEXT)"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What a source was like when it was indexed.

    Attributes
    ----------
    path : str
        The source, spelt as in its chunks' ``source``.
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change, nanoseconds.
    sha256 : str
        Hash of its content.
    spec : str
        Reader, chunker and settings in one line.
    documents, chunks : int
        How many it gave.
    problems : tuple of Problem
        What could not be read.
    indexed_at : str
        ISO time.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    spec: str
    documents: int
    chunks: int
    problems: tuple[Problem, ...] = ()
    indexed_at: str = ""


def record(connection: sqlite3.Connection, state: SourceState) -> None:
    """Write or replace a source's entry."""
    problems = json.dumps([[problem.source, problem.reason] for problem in state.problems])
    connection.execute(
        f"INSERT OR REPLACE INTO source VALUES ({_TEXT}, ?, ?, ?, {_TEXT}, ?, ?, {_TEXT}, {_TEXT})",
        (
            encode(state.path),
            state.size,
            state.mtime_ns,
            state.sha256,
            encode(state.spec),
            state.documents,
            state.chunks,
            encode(problems),
            encode(state.indexed_at),
        ),
    )


def finish(connection: sqlite3.Connection, state: SourceState, keep: set[str]) -> int:
    """Delete a source's chunks that are not to be kept and record its state."""
    gone = _rows_of_source(connection, state.path, keep)
    delete_rows(connection, gone)
    record(connection, state)
    return len(gone)


def remove(connection: sqlite3.Connection, path: str) -> int:
    """Delete a source's chunks and its entry; returns how many chunks went."""
    gone = _rows_of_source(connection, path, set())
    delete_rows(connection, gone)
    connection.execute(f"DELETE FROM source WHERE path = {_TEXT}", (encode(path),))
    return len(gone)


def read_sources(connection: sqlite3.Connection, path: str | None = None) -> list[SourceState]:
    """Return the entry of one path, or all entries by path."""
    if path is None:
        found = connection.execute("SELECT * FROM source ORDER BY path")
    else:
        found = connection.execute(f"SELECT * FROM source WHERE path = {_TEXT}", (encode(path),))
    return [state_of(columns) for columns in found]


def is_under(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it.

    Examples
    --------
    >>> is_under("/docs/a.md", "/docs/"), is_under("/docs-old/a.md", "/docs")
    (True, False)
    """
    top = folder.rstrip(os.sep)
    return path in (folder, top) or path.startswith(top + os.sep)


def _rows_of_source(connection: sqlite3.Connection, path: str, keep: set[str]) -> list[int]:
    rows = connection.execute(
        "SELECT chunk.row, chunk.id FROM document JOIN chunk ON chunk.document = document.row "
        f"WHERE document.source = {_TEXT}",
        (encode(path),),
    )
    return [row for row, id_ in rows if id_ not in keep]


def state_of(columns: Sequence[Any]) -> SourceState:
    """The entry of a row of the table."""
    path, size, mtime_ns, sha256, spec, documents, chunks, problems, indexed_at = columns
    listed = tuple(Problem(source, reason) for source, reason in json.loads(problems))
    return SourceState(path, size, mtime_ns, sha256, spec, documents, chunks, listed, indexed_at)
