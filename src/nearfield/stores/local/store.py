"""The embedded store: opening, and the operations that write, each one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from nearfield.ann.graph_options import GraphOptions
from nearfield.errors import (
    DuplicateId,
    FormatVersionError,
    InputError,
    StoreError,
    StoreNotFound,
    StoreReadOnly,
)
from nearfield.lexical import Language
from nearfield.metric import Metric
from nearfield.stores.checks import check_batch, shown
from nearfield.stores.local import ledger, rows
from nearfield.stores.local.database import Database, encode
from nearfield.stores.local.derived import Builder
from nearfield.stores.local.description import Description
from nearfield.stores.local.ledger import SourceState
from nearfield.stores.local.lock import WriterLock, make_folder
from nearfield.stores.local.migration import is_earlier, migrate, migrate_for_reader
from nearfield.stores.local.reader import Reader
from nearfield.stores.local.repair import RepairReport, finish_repair, repair
from nearfield.stores.local.schema import CODES_FROM, LANGUAGE, RECALL, Mode, database_path
from nearfield.stores.local.writing import Placed, Writer
from nearfield.types import Chunk, FloatArray

__all__ = ["LocalStore"]

_LOCK_SECONDS = 10.0


class LocalStore(Reader):
    """Chunks and vectors in one directory; made by :meth:`create`, opened by :meth:`open`.

    One process writes at a time and any number read; each operation is one transaction and
    is on disk when it returns. May be shared by threads: reading they run side by side, writing
    they take turns.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "notes.nf"
    ...     with LocalStore.create(path, dimension=2) as store:
    ...         store.add([Chunk("a", "d", "east", 0, 4)], np.array([[1, 0]], dtype=np.float32))
    ...     with LocalStore.open(path) as store:
    ...         print(store.search(np.array([[2.0, 0.0]]), k=1)[0][0].chunk.text)
    east
    """

    def __init__(self, path: Path, database: Database, lock: WriterLock | None) -> None:
        super().__init__(path, database)
        self._lock = lock
        self._writer = Writer(path, database, self._description, self._states)
        language = self.properties.get(LANGUAGE, Language.AUTO.value)
        self._builder = Builder(path, database, self._description, self._states, language)
        self._apply(self.properties)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        dimension: int,
        metric: Metric | str = Metric.COSINE,
        fingerprint: str = "",
        properties: Mapping[str, str] | None = None,
        timeout: float = _LOCK_SECONDS,
    ) -> LocalStore:
        """Make a collection and open it to write.

        Parameters
        ----------
        path : path
            A directory that is not there yet, or is empty.
        dimension : int
            Length of its vectors, at least 1.
        metric : Metric
        fingerprint : str
            Of the model that makes the vectors.
        properties : mapping of str to str
            Whatever its user wants to keep with it.
        timeout : float
            Seconds to wait for another writer.

        Raises
        ------
        StoreError
            There is something already; or StoreReadOnly, StoreFull, StoreLocked.
        """
        folder = Path(path)
        if dimension < 1:
            raise InputError(f"dimension is {dimension}: expected at least 1")
        description = Description.fresh(dimension, Metric.of(metric), fingerprint)
        make_folder(folder)
        lock = WriterLock(folder, timeout)
        try:
            if database_path(folder).exists():
                raise StoreError(f"there is a collection at {folder} already: open it")
            Writer.create(folder, description)
            store = cls(folder, Database.open(folder, Mode.WRITE), lock)
            if properties:
                store.set_properties(properties)
                # What is derived follows the language, which was not there before.
                store._builder.language = properties.get(LANGUAGE, Language.AUTO.value)
                store._apply(properties)
        except BaseException:
            lock.release()
            raise
        return store

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        mode: Mode | str = Mode.READ,
        timeout: float = _LOCK_SECONDS,
    ) -> LocalStore:
        """Open a collection.

        Raises
        ------
        StoreNotFound
            There is none.
        StoreLocked
            Another process still writes after `timeout` seconds.
        StoreReadOnly, StoreCorrupt, FormatVersionError
        """
        folder, wanted = Path(path), Mode(mode)
        if wanted is Mode.READ or not database_path(folder).is_file():
            return cls(folder, _database(folder, wanted), None)
        lock = WriterLock(folder, timeout)
        try:
            finish_repair(folder)
            return cls(folder, _database(folder, wanted), lock)
        except BaseException:
            lock.release()
            raise

    @property
    def problems(self) -> tuple[str, ...]:
        return (*super().problems, *self._builder.problems)

    def set_properties(self, properties: Mapping[str, str]) -> None:
        """Add or replace properties; the others stay."""
        self._apply(properties)
        pairs = [(encode(name), encode(value)) for name, value in properties.items()]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO property VALUES (CAST(? AS TEXT), CAST(? AS TEXT))", pairs
            )

    def add(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        self._put(chunks, check_batch(chunks, vectors, self.dimension), new=True)

    def upsert(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        self._put(chunks, check_batch(chunks, vectors, self.dimension), new=False)

    def delete(self, ids: Sequence[str]) -> int:
        with self._writer.operation() as connection:
            found = list(rows.rows_of(connection, ids).values())
            rows.delete_rows(connection, found)
        return len(found)

    def record_source(self, state: SourceState) -> None:
        """Write a source's entry and leave its chunks as they are."""
        with self._database.write() as connection:
            ledger.record(connection, state)

    def replace(
        self,
        sources: Sequence[tuple[SourceState, Sequence[Chunk], FloatArray]],
        *,
        keep: Collection[str] = (),
    ) -> int:
        """Make each source consist of exactly these chunks, and record its state; all or none.

        Chunks that are stored already and named in `keep` stay as they are. Returns how many of
        the sources' earlier chunks went.

        Raises
        ------
        InputError
            A chunk belongs to another source than the one it comes with.
        DuplicateId, DimensionMismatch, VectorRejected, StoreFull
        """
        chunks = [chunk for _, chunks, _ in sources for chunk in chunks]
        parts = [check_batch(part, given, self.dimension) for _, part, given in sources]
        matrix = np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)
        check_batch(chunks, matrix, self.dimension)
        for state, part, _ in sources:
            strays = [chunk.id for chunk in part if chunk.source != state.path]
            if strays:
                raise InputError(f"{shown(strays)} came with {state.path!r}, another source")
        with self._writer.operation() as connection:
            known = rows.rows_of(connection, _ids(chunks))
            placed = self._writer.put(connection, chunks, matrix, known)
            gone = sum(
                ledger.finish(connection, state, {*keep, *_ids(part)}) for state, part, _ in sources
            )
        self._follow(placed, chunks)
        return gone

    def finish_source(self, state: SourceState, keep: Collection[str]) -> int:
        """Delete a source's chunks whose ids are not in `keep` and record its state.

        For sources that were upserted in slices. Returns how many chunks went.
        """
        with self._writer.operation() as connection:
            return ledger.finish(connection, state, set(keep))

    def remove_source(self, path: str) -> int:
        """Delete a source's chunks and its entry; returns how many chunks went."""
        with self._writer.operation() as connection:
            return ledger.remove(connection, path)

    def compact(self) -> None:
        """Write the vectors without the deleted ones, and the database without gaps.

        Readers go on meanwhile. Closing does so by itself once a quarter of the slots is dead.
        """
        self._builder.pause()
        self._builder.cover_words()
        self._writer.compact(self._builder.prepare)
        self._builder.renew()

    def build_graph(
        self,
        *,
        m: int = 16,
        ef_construction: int = 128,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Build an HNSW graph, for the search path ``graph``; later writes extend it.

        Parameters
        ----------
        m : int
            Links of a vector, 2 to 128.
        ef_construction : int
            Candidates looked at for each vector.
        progress : callable of (inserted, all), optional
        """
        if self.mode is Mode.READ:
            raise StoreReadOnly(f"{self._path} was opened to read: open it with mode 'w'")
        options = GraphOptions(metric=self.metric, m=m, ef_construction=ef_construction)
        self._builder.build_graph(options, progress)

    @staticmethod
    def repair(path: str | os.PathLike[str], *, timeout: float = _LOCK_SECONDS) -> RepairReport:
        """Make a whole collection out of a damaged one; no reader should have it open.

        Every whole passage is kept; the others are listed, and their sources are read again by
        the next ``index``. The damaged files stay in a folder beside.

        Raises
        ------
        StoreNotFound, StoreLocked, StoreReadOnly, StoreFull
        StoreCorrupt
            Not even its description can be read; nothing was changed.
        """
        folder = Path(path)
        if not database_path(folder).is_file():
            raise StoreNotFound(f"there is no collection at {folder}: check the path")
        lock = WriterLock(folder, timeout)
        try:
            return repair(folder)
        finally:
            lock.release()

    def close(self) -> None:
        try:
            if self.mode is Mode.WRITE:
                self._builder.pause()
                if self._writer.needs_compacting():
                    self._builder.cover_words()
                self._writer.tidy(self._builder.prepare)
                self._builder.finish()
        finally:
            self._writer.close()
            self._builder.close()
            self._derived.close()
            self._states.forget()
            self._database.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _apply(self, properties: Mapping[str, str]) -> None:
        """Have derived parts made as the properties say."""
        if CODES_FROM in properties:
            self._builder.codes_from = int(properties[CODES_FROM])
        if RECALL in properties:
            self._builder.target = float(properties[RECALL])

    def _follow(self, placed: Placed, chunks: Sequence[Chunk]) -> None:
        """Have derived parts take in what was committed."""
        self._builder.offer(placed, chunks)
        self._builder.wake()

    def _put(self, chunks: Sequence[Chunk], matrix: FloatArray, *, new: bool) -> None:
        with self._writer.operation() as connection:
            last = rows.last_row(connection)
            known = {} if new else rows.rows_of(connection, _ids(chunks))
            try:
                placed = self._writer.put(connection, chunks, matrix, known)
            except sqlite3.IntegrityError as error:
                found = rows.rows_of(connection, _ids(chunks))
                there = sorted(id_ for id_, row in found.items() if row <= last)
                if not there:
                    raise
                raise DuplicateId(f"{shown(there)} is there already; upsert replaces it") from error
        self._follow(placed, chunks)


def _database(folder: Path, mode: Mode) -> Database:
    """Open the database, brought up to date from an earlier format if need be."""
    try:
        return Database.open(folder, mode)
    except FormatVersionError:
        if not is_earlier(folder):
            raise
    (migrate if mode is Mode.WRITE else migrate_for_reader)(folder)
    return Database.open(folder, mode)


def _ids(chunks: Sequence[Chunk]) -> list[str]:
    return [chunk.id for chunk in chunks]
