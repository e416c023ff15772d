"""Asking the state known last, without a transaction; what is read tells whether it still holds.

A transaction takes as long as a scan of thousands of codes, and most states live long. So a search
begins at once with the state that the last one saw. The statement that fetches the hits tells
which state *it* saw: if it is the same one, all that was found is of this state, which was the
newest. Slots that died since may have been wiped under the search, but then the number differs.
"""

from __future__ import annotations

import sqlite3

import numpy as np

from nearfield.stores.local.database import Database
from nearfield.stores.local.decoding import chunks_of
from nearfield.stores.local.derived import SlotReader
from nearfield.stores.local.derived.slots import Detached
from nearfield.stores.local.fetching import ROWS_AT_ONCE, fetch
from nearfield.stores.local.state import State
from nearfield.types import Chunk, IntArray

__all__ = ["HurriedReader", "Moved"]


class Moved(Exception):
    """The state that was known is no longer the newest one."""


class HurriedReader(SlotReader):
    """Reads hits of a state without a transaction, and anything else not at all.

    Parameters
    ----------
    database : Database
    state : State
    """

    def __init__(self, database: Database, state: State) -> None:
        super().__init__(None, state, database.path)
        self._database = database
        self._confirmed = False

    def chunks_of(self, slots: IntArray, rows: IntArray | None = None) -> list[Chunk]:
        """The chunks of living slots; raises Moved, or Detached where they are very many."""
        if len(slots) > ROWS_AT_ONCE:
            raise Detached
        if rows is None:
            rows = self.state.rows_of(slots)
        try:
            connection = self._database.borrow()
            try:
                sequence, gathered = fetch(connection, rows.tolist())
            finally:
                self._database.give_back(connection)
        except sqlite3.Error as error:
            raise Moved from error  # if it is damage, the search that comes next names it
        if sequence != self.state.sequence:
            raise Moved
        self._confirmed = True
        return chunks_of(gathered, rows, slots, self._path)

    def confirm(self) -> None:
        """Raise Moved unless the state is the newest one, or was when something was read."""
        if not self._confirmed:
            self.chunks_of(np.empty(0, dtype=np.int64))
