"""The embedded store: the operations that read, each on one state."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from nearfield.errors import FingerprintMismatch, StoreCorrupt, StoreError
from nearfield.filters import Filter
from nearfield.masks import count_members
from nearfield.metric import Metric
from nearfield.protocols import Capabilities
from nearfield.stores.checks import require_known
from nearfield.stores.local import ledger, reading
from nearfield.stores.local.asking import HurriedReader
from nearfield.stores.local.audit import AuditReport, audit
from nearfield.stores.local.database import Database
from nearfield.stores.local.derived import Follower, SlotReader
from nearfield.stores.local.derived.checking import check as check_derived
from nearfield.stores.local.derived.slots import Detached
from nearfield.stores.local.description import Description
from nearfield.stores.local.failures import damaged
from nearfield.stores.local.fetching import Moved
from nearfield.stores.local.ledger import SourceState
from nearfield.stores.local.paths import SearchPath
from nearfield.stores.local.rows import DocumentEntry
from nearfield.stores.local.schema import Mode
from nearfield.stores.local.snapshot import snapshot
from nearfield.stores.local.state import State, States
from nearfield.stores.local.verify import VerifyReport, verify
from nearfield.stores.local.view import LocalView
from nearfield.types import Chunk, FloatArray, Hit

__all__ = ["Frozen", "Reader"]

T = TypeVar("T")

# How many compactions may come between one operation's beginning and its reading.
_MOST_GENERATIONS = 5


class Frozen(NamedTuple):
    """One state of a collection: what it holds, read as the caller goes on."""

    properties: Mapping[str, str]
    sources: Sequence[SourceState]
    chunks: int
    rows: Iterator[tuple[Chunk, FloatArray]]


class Reader:
    """Reads a collection; any number of threads and processes may, beside a writer.

    Parameters
    ----------
    path : Path
        The collection's directory.
    database : Database
    """

    def __init__(self, path: Path, database: Database) -> None:
        self._path = path
        self._database = database
        with database.read() as connection:
            self._description = Description.read(connection, database.path)
        database.expect(self._description.collection)
        self._states = States(path, database.path, self._description)
        self._derived = Follower(path, self._description)
        self._calm = True

    @property
    def path(self) -> Path:
        """The collection's directory."""
        return self._path

    @property
    def mode(self) -> Mode:
        """What it was opened for."""
        return self._database.mode

    @property
    def dimension(self) -> int:
        return self._description.dimension

    @property
    def metric(self) -> Metric:
        return self._description.metric

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(durable=True, exact=True, filters=True, metrics=frozenset(Metric))

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the model whose vectors these are."""
        return self._description.fingerprint

    @property
    def is_replaced(self) -> bool:
        """Whether another collection stands at the path since it was opened."""
        return self._database.is_replaced

    def require_same(self) -> None:
        """Raise StoreReplaced where another collection stands at the path."""
        self._database.require_same()

    def require_fingerprint(self, found: str) -> None:
        """Raise FingerprintMismatch unless `found` is the collection's own."""
        if found != self.fingerprint:
            raise FingerprintMismatch(
                f"{self._path} was made with model fingerprint {self.fingerprint} and this model "
                f"has {found}: vectors of two models do not mix. Use the model that made the "
                "collection, or index the sources into a new one"
            )

    @property
    def problems(self) -> tuple[str, ...]:
        """Why derived parts could not be made, extended or used: that costs time, never data."""
        return self._derived.problems

    @property
    def properties(self) -> dict[str, str]:
        """What was kept with the collection by :meth:`set_properties`."""
        with self._database.read() as connection:
            return dict(connection.execute("SELECT name, value FROM property ORDER BY name"))

    def property(self, name: str) -> str | None:
        """One of the properties; None where it was never set."""
        with self._database.read() as connection:
            found = connection.execute("SELECT value FROM property WHERE name = ?", (name,))
            row = found.fetchone()
        return None if row is None else str(row[0])

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        with self._database.read() as connection:
            found = reading.chunks_by_id(connection, ids, self._database.path)
        require_known(ids, found)
        return [found[id_] for id_ in ids]

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        with self._reading() as (connection, state):
            return reading.vectors_by_id(connection, state, ids)

    def search(
        self,
        queries: FloatArray,
        k: int,
        *,
        where: Filter | None = None,
        path: SearchPath | str = SearchPath.AUTO,
    ) -> list[list[Hit]]:
        wanted = SearchPath.of(path)
        return self.ask(lambda view: view.search(queries, k, where, wanted))

    def ask(self, question: Callable[[LocalView], T]) -> T:
        """Ask one state: the newest one when the answer's texts were read.

        Sooner than :meth:`view`, as long as nobody writes. `question` may be called twice, where
        its first answer turned out to be of a state that is no longer the newest.
        """
        state = self._states.last if self._calm else None
        if state is not None:
            reader = HurriedReader(self._database, state)
            try:
                answer = question(LocalView(reader, self._derived, self.metric))
                reader.confirm()
                return answer
            except (Moved, StoreError, OSError):
                self._calm = False  # until two transactions in a row see the same state
            except Detached:
                pass
        with self.view() as view:
            return question(view)

    @contextmanager
    def view(self) -> Iterator[LocalView]:
        """One state, to be asked several times while it stays what it is."""
        with self._reading() as (connection, state):
            yield self._view(connection, state)

    def audit(
        self, *, k: int = 10, queries: FloatArray | None = None, sampled: int = 100
    ) -> AuditReport:
        """Measure what the fast path misses; see :func:`nearfield.stores.local.audit.audit`."""
        with self.view() as view:
            return audit(view, k=k, queries=queries, sampled=sampled)

    def scan(self, *, where: Filter | None = None) -> Iterator[tuple[Chunk, FloatArray]]:
        # One state from the first row to the last, however long the caller takes and whatever is
        # written in the meantime: the transaction is the generator's own.
        with self._reading() as (connection, state):
            yield from reading.scan(connection, state, where, self._database.path)

    def count(self, *, where: Filter | None = None) -> int:
        if where is not None:
            with self.view() as view:
                matching = view.allowed(where)
                return view.slots if matching is None else count_members(matching)
        with self._database.read() as connection:
            (count,) = connection.execute("SELECT count(*) FROM chunk").fetchone()
            return int(count)

    def existing(self, ids: Sequence[str]) -> dict[str, str]:
        """Digests of those of `ids` that are stored; see :func:`chunk_digest`."""
        with self._database.read() as connection:
            return reading.digests(connection, ids)

    def documents(self) -> list[DocumentEntry]:
        """Every document, by id."""
        with self._database.read() as connection:
            return reading.documents(connection)

    def chunks_of(self, document_id: str) -> list[Chunk]:
        """A document's chunks in order of ``start``; empty for an unknown document."""
        with self._database.read() as connection:
            return reading.chunks_of(connection, document_id, self._database.path)

    def source(self, path: str) -> SourceState | None:
        """What a source was like when it was indexed; None when it was not."""
        with self._database.read() as connection:
            return next(iter(ledger.read_sources(connection, path)), None)

    def sources(self, under: str | None = None) -> list[SourceState]:
        """Every indexed source by path, or those that are `under` or lie below it."""
        with self._database.read() as connection:
            states = ledger.read_sources(connection)
        return [state for state in states if under is None or ledger.is_under(state.path, under)]

    @contextmanager
    def frozen(self) -> Iterator[Frozen]:
        """Everything that one state holds, for as long as the caller needs it."""
        with self._reading() as (connection, state):
            yield Frozen(
                dict(connection.execute("SELECT name, value FROM property ORDER BY name")),
                ledger.read_sources(connection),
                state.slots - state.dead,
                reading.scan(connection, state, None, self._database.path),
            )

    def snapshot(self, target: str | os.PathLike[str]) -> None:
        """Copy one state of the collection to a folder that is not there yet, or is empty.

        Others may read and write meanwhile. What is derived is not copied.
        """
        with self._reading() as (connection, state):
            snapshot(connection, state, Path(target))

    def verify(self) -> VerifyReport:
        """Check every row, vector and derived file; changes nothing. See also :func:`verify`."""
        return verify(self._path, [check_derived])

    def _view(self, connection: sqlite3.Connection, state: State) -> LocalView:
        database = self._database
        reader = SlotReader(connection, state, database.fetcher, database.path)
        return LocalView(reader, self._derived, self.metric)

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, State]]:
        """One transaction and the state that it sees."""
        for attempt in range(_MOST_GENERATIONS):
            with self._database.read() as connection:
                before = self._states.last
                try:
                    state = self._states.of(connection)
                except StoreCorrupt:
                    self._database.require_same()  # files of another collection are no damage
                    raise
                except FileNotFoundError as error:
                    self._database.require_same()
                    # Compacted between the transaction's begin and here: the next sees the file.
                    if attempt + 1 < _MOST_GENERATIONS:
                        continue
                    raise damaged(Path(error.filename), "it is missing") from error
                self._calm = before is None or state is before
                yield connection, state
                return
