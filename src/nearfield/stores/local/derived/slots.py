"""The stored content of a run of slots, as derived parts take it in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.filters import Filter
from nearfield.lexical import Language
from nearfield.masks import Mask, mask_of
from nearfield.passage import embedding_text
from nearfield.stores.checks import require_known
from nearfield.stores.local.derived.recent import Contents, Recent
from nearfield.stores.local.fetching import Fetcher, Moved
from nearfield.stores.local.reading import chunks_at
from nearfield.stores.local.rows import slots_of
from nearfield.stores.local.schema import LANGUAGE
from nearfield.stores.local.state import State
from nearfield.stores.local.where import slots_where
from nearfield.types import Chunk, FloatArray, Hit, IntArray

__all__ = ["Detached", "SlotReader"]

_AT_ONCE = 500
_NOTHING = Chunk("", "", "", 0, 0)


class Detached(Exception):
    """What is asked needs the database, and there is no transaction."""


class SlotReader:
    """Reads texts, fields and vectors of one state in order of slot.

    Parameters
    ----------
    connection : sqlite3.Connection or None
        Within a transaction; without one, what would read the database raises Detached.
    state : State
        What that transaction sees.
    fetcher : Fetcher
        Of the same collection.
    path : Path
        The database, for messages.
    recent : Recent, optional
        What was just written.
    """

    def __init__(
        self,
        connection: sqlite3.Connection | None,
        state: State,
        fetcher: Fetcher,
        path: Path,
        recent: Recent | None = None,
    ) -> None:
        self.state = state
        self._fetcher = fetcher
        self._recent = recent
        self._given = connection
        self._path = path
        self._kept: tuple[tuple[int, int], Contents | None] = ((0, 0), None)

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._given is None:
            raise Detached
        return self._given

    def vectors(self, first: int, count: int) -> FloatArray:
        """Vectors of slots [first, first + count), strided; those of dead slots may be zeros."""
        vectors: FloatArray = self.state.file.run(first, count)["vector"]
        return vectors

    def texts(self, first: int, count: int) -> Iterator[str]:
        """The text of each slot, empty where it is dead."""
        for chunk in self.chunks(first, count):
            yield chunk.text if chunk is not None else ""

    def words(self, first: int, count: int) -> list[str]:
        """What the index of words reads of each slot, nothing where it is dead."""
        found = self._just_written(first, count)
        if found is not None:
            return found.words
        chunks = self.chunks(first, count)
        return ["" if chunk is None else embedding_text(chunk) for chunk in chunks]

    def contents(self, first: int, count: int) -> Contents:
        """All that derived parts read of slots; of the last run asked for it is kept."""
        run, found = self._kept
        if found is None or run != (first, count):
            found = self._just_written(first, count) or self._stored(first, count)
            self._kept = (first, count), found
        return found

    def _just_written(self, first: int, count: int) -> Contents | None:
        if self._recent is None:
            return None
        found = self._recent.run(self.state.generation, first, count)
        if found is None or self.state.alive is None:
            return found
        alive = self._alive(np.arange(first, first + count, dtype=np.int64))
        return found.without(np.flatnonzero(~alive).tolist())

    def _stored(self, first: int, count: int) -> Contents:
        chunks = list(self.chunks(first, count))
        dead = [place for place, chunk in enumerate(chunks) if chunk is None]
        return Contents.of([chunk or _NOTHING for chunk in chunks]).without(dead)

    def chunks(self, first: int, count: int) -> Iterator[Chunk | None]:
        """The chunk of each slot, None where it is dead."""
        for start in range(first, first + count, _AT_ONCE):
            stop = min(start + _AT_ONCE, first + count)
            slots = np.arange(start, stop, dtype=np.int64)
            rows = self.state.file.run(start, stop - start)["row"]
            alive = self._alive(slots)
            chunks = iter(self.chunks_of(slots[alive], rows[alive]))
            for is_alive in alive.tolist():
                yield next(chunks) if is_alive else None

    def chunks_of(self, slots: IntArray, rows: IntArray | None = None) -> list[Chunk]:
        """The chunks of living slots, in their order; their `rows`, where they are known."""
        if rows is None:
            rows = self.state.rows_of(slots)
        try:
            found = self._fetcher.chunks(self.state.sequence, rows, slots)
        except Moved:  # on to another state than the one that the transaction sees
            found = None
        return self._chunks(rows, slots) if found is None else found

    def hits_of(self, slots: IntArray, rows: IntArray, scores: FloatArray, path: str) -> list[Hit]:
        """The chunks of living slots as hits, best first; see :class:`Hit`."""
        try:
            found = self._fetcher.hits(self.state.sequence, rows, slots, scores, path)
        except Moved:
            found = None
        return self._hits(rows, slots, scores, path) if found is None else found

    def _chunks(self, rows: IntArray, slots: IntArray) -> list[Chunk]:
        return chunks_at(self._connection, rows, slots, self._path)

    def _hits(self, rows: IntArray, slots: IntArray, scores: FloatArray, path: str) -> list[Hit]:
        chunks = self._chunks(rows, slots)
        return [
            Hit(chunk, score, rank, path)
            for rank, (chunk, score) in enumerate(
                zip(chunks, scores.tolist(), strict=True), start=1
            )
        ]

    def language(self) -> str:
        """The language of the collection's words."""
        found = self._connection.execute("SELECT value FROM property WHERE name = ?", (LANGUAGE,))
        (language,) = found.fetchone() or (Language.AUTO.value,)
        return str(language)

    def slots_of(self, ids: Sequence[str]) -> IntArray:
        """The slots of chunks by id; UnknownId names those that are missing."""
        found = slots_of(self._connection, ids)
        require_known(ids, found)
        return np.array([found[id_] for id_ in ids], dtype=np.int64)

    def mask_where(self, where: Filter) -> Mask:
        """The slots whose chunks match, as the database finds them."""
        return mask_of(slots_where(self._connection, where), self.state.slots)

    def _alive(self, slots: IntArray) -> npt.NDArray[np.bool_]:
        mask = self.state.alive
        if mask is None:
            return np.ones(len(slots), dtype=np.bool_)
        return np.asarray(mask[slots >> 3] >> (slots & 7).astype(np.uint8) & 1, dtype=np.bool_)
