"""Rows by connections of the compiled library, which gives Python's lock away once for all of them.

Each step of a statement of Python's gives the lock away and takes it again. Threads that search at
the same time spend more on that than on the rows themselves. A connection here reads all rows of a
search in one transaction, together with the number of the state that they are of.
"""

from __future__ import annotations

import ctypes
import weakref
from contextlib import suppress
from typing import Any

import numpy as np

from nearfield.compiled import address
from nearfield.stores.local.library import library, python, sqlite
from nearfield.stores.local.schema import FROM_CHUNK
from nearfield.types import Chunk, FloatArray, Hit, IntArray

__all__ = ["Fetcher", "Moved"]

_SEQUENCE = b"SELECT value FROM meta WHERE key = 'sequence'"
_ROW = (
    "SELECT chunk.slot, chunk.id, document.id, chunk.text, chunk.start, chunk.stop, "
    "document.source, chunk.headings, chunk.page, chunk.metadata, chunk.digest "
    f"{FROM_CHUNK} WHERE chunk.row = ?"
).encode()


class Moved(Exception):
    """The state that was known is no longer the newest one."""


class Fetcher:
    """Reads rows of a database by connections that it keeps; may be shared by threads.

    Parameters
    ----------
    uri : str
        Of the database, to be opened to read.
    settings : str
        Statements for each connection.
    collection : bytes
        The collection's 16 random bytes; rows of any other are not read.
    """

    def __init__(self, uri: str, settings: str, collection: bytes) -> None:
        self._uri, self._settings = uri.encode(), settings.encode()
        self._collection = collection
        self._idle: list[int] = []
        self._native = library() if sqlite() is not None else None  # None as well once closed
        if self._native is not None:  # for stores that are only forgotten
            weakref.finalize(self, _close, self._native, self._idle)

    def chunks(self, sequence: int, rows: IntArray, slots: IntArray) -> list[Chunk] | None:
        """The chunks of rows whose vectors stand at these slots, in their order.

        None where Python has to look: something is not plain, damaged, or not served at all.

        Raises
        ------
        Moved
            The newest state is not the one of this number.
        """
        return self._fetched(sequence, rows, slots, None, None)

    def hits(
        self, sequence: int, rows: IntArray, slots: IntArray, scores: FloatArray, path: str
    ) -> list[Hit] | None:
        """The same as hits, best first, with their scores (float32)."""
        points = np.ascontiguousarray(scores, dtype=np.float32)
        return self._fetched(sequence, rows, slots, points, path)

    def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        native, self._native = self._native, None
        if native is not None:
            _close(native, self._idle)

    def _fetched(
        self,
        sequence: int,
        rows: IntArray,
        slots: IntArray,
        scores: FloatArray | None,
        path: str | None,
    ) -> list[Any] | None:
        native = self._native
        if native is None:
            return None
        try:
            reader = self._idle.pop()  # the one used last has the warmest cache
        except IndexError:
            reader = native.nfr_open(
                sqlite(), self._uri, self._settings, self._collection, _SEQUENCE, _ROW
            )
            if reader is None:
                return None
        rows, slots = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(slots, np.int64)
        try:
            found: list[Any] | bool | None = native.nfr_fetch(
                python(), reader, sequence, address(rows), address(slots), len(rows),
                None if scores is None else address(scores), path,
            )  # fmt: skip
        finally:
            self._idle.append(reader)
            if self._native is None:  # closed while this was under way
                _close(native, self._idle)
        if isinstance(found, bool):
            raise Moved
        return found


def _close(native: ctypes.PyDLL, readers: list[int]) -> None:
    while readers:
        with suppress(IndexError):  # another thread took it
            native.nfr_close(readers.pop())
