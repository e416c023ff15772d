"""Asking the state known last, without a transaction; what is read tells whether it still holds.

A transaction takes as long as a scan of thousands of codes, and most states live long. So a search
begins at once with the state that the last one saw. What fetches the hits tells which state *it*
saw: if it is the same one, all that was found is of this state, which was the newest. Slots that
died since may have been wiped under the search, but then the number differs.
"""

from __future__ import annotations

import numpy as np

from nearfield.stores.local.database import Database
from nearfield.stores.local.derived import SlotReader
from nearfield.stores.local.fetching import Moved
from nearfield.stores.local.reading import chunks_at, sequence
from nearfield.stores.local.state import State
from nearfield.types import Chunk, FloatArray, Hit, IntArray

__all__ = ["HurriedReader"]


class HurriedReader(SlotReader):
    """Reads hits of a state without a transaction, and anything else not at all.

    Whatever it reads raises Moved when the state is no longer the newest one.

    Parameters
    ----------
    database : Database
    state : State
    """

    def __init__(self, database: Database, state: State) -> None:
        super().__init__(None, state, database.fetcher, database.path)
        self._database = database
        self._confirmed = False

    def chunks_of(self, slots: IntArray, rows: IntArray | None = None) -> list[Chunk]:
        if rows is None:
            rows = self.state.rows_of(slots)
        found = self._fetcher.chunks(self.state.sequence, rows, slots)
        self._confirmed = True
        return self._chunks(rows, slots) if found is None else found

    def hits_of(self, slots: IntArray, rows: IntArray, scores: FloatArray, path: str) -> list[Hit]:
        found = self._fetcher.hits(self.state.sequence, rows, slots, scores, path)
        self._confirmed = True
        return self._hits(rows, slots, scores, path) if found is None else found

    def confirm(self) -> None:
        """Raise Moved unless the state is the newest one, or was when something was read."""
        if not self._confirmed:
            self.chunks_of(np.empty(0, dtype=np.int64))

    def _chunks(self, rows: IntArray, slots: IntArray) -> list[Chunk]:
        with self._database.read() as connection:
            if sequence(connection) != self.state.sequence:
                raise Moved
            return chunks_at(connection, rows, slots, self._path)
