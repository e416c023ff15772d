"""One committed state of a collection, as search paths see it."""

from __future__ import annotations

import sqlite3
from functools import cached_property
from pathlib import Path

import numpy as np

from nearfield.masks import Mask, count_members, everything
from nearfield.stores.local.dead import dead_mask
from nearfield.stores.local.description import Description
from nearfield.stores.local.failures import damaged
from nearfield.stores.local.schema import vectors_path
from nearfield.stores.local.vectors import Records, VectorFile, checksums
from nearfield.types import FloatArray, IntArray

__all__ = ["State", "States"]


class State:
    """What was committed when an operation began. Never changes; may be shared by threads.

    Slots are dense numbers from 0. Of one generation they only grow: a slot's vector stays what
    it is until its chunk goes, and then the slot is dead for good.

    Attributes
    ----------
    sequence : int
        Number of the last operation; equal numbers, equal states.
    generation : int
        Of the vectors file; whatever is derived from slots holds for one generation.
    slots : int
        How many there are, dead ones included.
    dead : int
        How many of these no chunk has any more.
    alive : Mask or None
        The slots that chunks have, as a packed mask; None when all have.
    file : VectorFile
        Where the records are, for code that reads them itself (``descriptor``, with slot s at
        ``HEADER_BYTES + s * record_bytes(dimension)``).
    """

    def __init__(
        self, sequence: int, slots: int, dead: int, dead_slots: Mask, file: VectorFile
    ) -> None:
        self.sequence = sequence
        self.generation = file.generation
        self.slots = slots
        self.dead = dead
        self.dead_slots = dead_slots
        self.alive: Mask | None = everything(slots) & ~dead_slots if dead else None
        self.file = file
        file.require(slots)

    @cached_property
    def _records(self) -> Records:
        return self.file.mapped(self.slots)

    @property
    def vectors(self) -> FloatArray:
        """Every vector, shape (slots, dimension), strided over the mapping and read-only.

        Vectors of dead slots may be zeros.
        """
        vectors: FloatArray = self._records["vector"]
        return vectors

    @property
    def rows(self) -> IntArray:
        """Row of the chunk of every slot, shape (slots,), strided over the mapping.

        Reading many touches all of the file; for a few ask :meth:`rows_of`.
        """
        rows: IntArray = self._records["row"]
        return rows

    def read(self, slots: IntArray) -> Records:
        """Copies of some slots' records, with fields ``row``, ``checksum`` and ``vector``."""
        return self.file.read(slots)

    def rows_of(self, slots: IntArray) -> IntArray:
        """Rows of the chunks of some slots; their order is the order of insertion."""
        return self.file.heads(slots)

    def checked(self, slots: IntArray, rows: IntArray) -> FloatArray:
        """Vectors of slots whose chunks have these rows, shape (n, dimension), as a copy.

        Raises
        ------
        StoreCorrupt
            A record is of another row, or its vector does not have its checksum.
        """
        records = self.read(slots)
        vectors: FloatArray = records["vector"]
        torn = records["checksum"] != checksums(vectors)
        if torn.any():
            slot, row = int(slots[torn][0]), int(rows[torn][0])
            what = f"slot {slot}, the vector of row {row}, does not have its checksum"
            raise damaged(self.file.path, what)
        strange = records["row"] != rows
        if strange.any():
            at = int(np.flatnonzero(strange)[0])
            owner = f"slot {slots[at]} is row {records['row'][at]}'s"
            raise damaged(self.file.path, f"{owner} here and row {rows[at]}'s in collection.db")
        return np.ascontiguousarray(vectors, dtype=np.float32)


class States:
    """Gives each operation its state; follows the database by its operation sequence.

    Parameters
    ----------
    folder : Path
        The collection.
    database : Path
        Named in errors.
    description : Description
    """

    def __init__(self, folder: Path, database: Path, description: Description) -> None:
        self._folder = folder
        self._database = database
        self._description = description
        self._last: State | None = None

    @property
    def last(self) -> State | None:
        """The newest state that an operation saw."""
        return self._last

    def of(self, connection: sqlite3.Connection) -> State:
        """The state that the connection's transaction sees.

        Raises
        ------
        FileNotFoundError
            Its vectors file has gone, because another generation has taken its place.
        StoreCorrupt
        """
        sequence = self._counter(connection, "sequence")
        last = self._last
        if last is not None and last.sequence == sequence:
            return last
        generation, slots = (
            self._counter(connection, "generation"),
            self._counter(connection, "slots"),
        )
        # A transaction may see less than another thread's, which was faster.
        follows = last is not None and last.generation == generation and last.sequence < sequence
        if last is not None and follows:
            file = last.file
            mask = dead_mask(connection, slots, last.sequence, last.dead_slots)
        else:
            file = self._open(generation)
            mask = dead_mask(connection, slots)
        dead = self._counter(connection, "dead")
        if count_members(mask) != dead:
            what = f"{dead} slots are dead by the count and {count_members(mask)} by the mask"
            raise damaged(self._database, what)
        state = State(sequence, slots, dead, mask, file)
        if last is None or last.sequence < sequence:
            self._last = state
        return state

    def forget(self) -> None:
        """Let go of the file that is kept open."""
        self._last = None

    def _open(self, generation: int) -> VectorFile:
        description = self._description
        return VectorFile(
            vectors_path(self._folder, generation),
            description.dimension,
            generation,
            description.collection,
        )

    def _counter(self, connection: sqlite3.Connection, key: str) -> int:
        found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if found is None or not isinstance(found[0], int) or found[0] < 0:
            raise damaged(self._database, f"it does not say its {key}: {found}")
        return int(found[0])
