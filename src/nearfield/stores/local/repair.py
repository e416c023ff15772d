"""Make a whole collection out of a damaged one: what is whole is kept, the rest is named.

The damaged files stay in ``damaged-…`` beside a ``lost.jsonl``. The repaired files are built in
``repairing``, which becomes ``repaired`` when it is whole; from then on every step can be taken
again, so that an interruption leaves either the damaged collection or the repaired one.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nearfield.errors import StoreCorrupt
from nearfield.stores.local import ledger
from nearfield.stores.local.database import Database, connect, encode, sync_folder
from nearfield.stores.local.description import Description
from nearfield.stores.local.failures import io_errors, translated
from nearfield.stores.local.ledger import SourceState
from nearfield.stores.local.maintenance import generations
from nearfield.stores.local.rows import chunk_of
from nearfield.stores.local.salvage import (
    Unreadable,
    ids_by_row,
    readable_documents,
    readable_rows,
    readable_table,
)
from nearfield.stores.local.schema import DATABASE, Mode, database_path, vectors_path
from nearfield.stores.local.state import States
from nearfield.stores.local.vectors import Records, VectorFile, checksums
from nearfield.stores.local.writing import Writer
from nearfield.types import Chunk, FloatArray

__all__ = ["Lost", "RepairReport", "finish_repair", "repair"]

_BUILT, _WHOLE = "repairing", "repaired"
_AT_ONCE = 1024
_UNKNOWN = "damaged"


@dataclass(frozen=True, slots=True)
class Lost:
    """A passage that could not be kept.

    Attributes
    ----------
    id : str
        Empty where not even the id can be read.
    reason : str
    chunk : Chunk or None
        The passage where only its vector is lost.
    """

    id: str
    reason: str
    chunk: Chunk | None = None


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did.

    Attributes
    ----------
    kept : int
        Passages that are whole.
    lost : tuple of Lost
    sources : tuple of str
        Files that the next ``index`` reads again, because passages of theirs are lost.
    aside : Path
        Where the damaged files are.
    """

    kept: int
    lost: tuple[Lost, ...]
    sources: tuple[str, ...]
    aside: Path


def repair(folder: Path) -> RepairReport:
    """Repair a collection; the caller holds the writer lock and no reader should be open.

    Raises
    ------
    StoreCorrupt
        The database does not even say what kind of collection it is; nothing was changed.
    StoreFull
        There is no room for a second copy; nothing was changed.
    """
    finish_repair(folder)
    built = folder / _BUILT
    shutil.rmtree(built, ignore_errors=True)
    path = database_path(folder)
    with translated(path, Mode.READ), closing(connect(path, Mode.WRITE)) as connection:
        description = Description.read(connection, path)
        with suppress(sqlite3.Error):  # so that what is read page by page is all there
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with io_errors(built):
            built.mkdir()
        rescue = _Rescue(folder, connection, description)
        try:
            rescue.run(built)
        except BaseException:
            shutil.rmtree(built, ignore_errors=True)
            raise
    aside = _aside(folder)
    with io_errors(aside):
        _keep_damaged(folder, aside)
        with (aside / "lost.jsonl").open("w", encoding="utf-8", errors="surrogatepass") as file:
            for lost in rescue.lost:
                file.write(json.dumps(asdict(lost)) + "\n")
        built.rename(folder / _WHOLE)
        sync_folder(folder)
    finish_repair(folder)
    return RepairReport(rescue.kept, tuple(rescue.lost), rescue.sources, aside)


def finish_repair(folder: Path) -> None:
    """Take the last steps of a repair, if there is one to finish; the damaged files are kept."""
    whole = folder / _WHOLE
    if not whole.is_dir():
        return
    path = database_path(folder)
    with io_errors(path):
        for vectors in whole.glob("vectors-*.f32"):
            vectors.replace(folder / vectors.name)
        if (whole / DATABASE).is_file():
            # The old log must not be taken for the repaired database's.
            for ending in ("-wal", "-shm"):
                path.with_name(DATABASE + ending).unlink(missing_ok=True)
            (whole / DATABASE).replace(path)
        sync_folder(folder)
        shutil.rmtree(whole)
        kept = max(generations(folder))
        for generation in generations(folder):
            if generation != kept:
                with suppress(OSError):
                    vectors_path(folder, generation).unlink()


class _Rescue:
    """One repair: everything whole goes into a fresh collection."""

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, description: Description
    ) -> None:
        self._folder = folder
        self._path = database_path(folder)
        self._connection = connection
        self._description = description
        self._file = _vectors_of(folder, description, connection)
        self._ids, self._ids_complete = ids_by_row(connection)
        self._documents = dict(readable_documents(connection).values())
        self._per_source: Counter[str] = Counter()
        self._torn: set[str] = set()
        self._sources_known = True
        self.kept = 0
        self.lost: list[Lost] = []
        self.sources: tuple[str, ...] = ()

    def run(self, place: Path) -> None:
        """Write the collection of what is whole to `place`."""
        generation = 1 + max([0, *generations(self._folder)])
        Writer.create(place, self._description, generation, self._sequence() + 1)
        database = Database.open(place, Mode.WRITE)
        states = States(place, database.path, self._description)
        writer = Writer(place, database, self._description, states)
        try:
            for chunks, vectors in self._batches():
                with writer.operation() as connection:
                    writer.put(connection, chunks, vectors, {})
                self.kept += len(chunks)
            with database.write() as connection:
                self._copy_rest(connection)
            writer.tidy()
        finally:
            writer.close()
            states.forget()
            database.close()

    def _sequence(self) -> int:
        found = dict(readable_table(self._connection, "meta", "key")).get("sequence", 0)
        return int(found)

    def _batches(self) -> Iterator[tuple[list[Chunk], FloatArray]]:
        whole: list[tuple[Chunk, int, int]] = []
        seen: set[str] = set()
        for found in readable_rows(self._connection, self._path, self._last_row()):
            if isinstance(found, Unreadable):
                # A row that a whole index does not know was deleted long ago.
                if found.row in self._ids or not self._ids_complete:
                    self._lose(self._ids.get(found.row, ""), found.reason)
                continue
            chunk = self._chunk(found)
            if chunk is not None and chunk.id not in seen:
                seen.add(chunk.id)
                whole.append((chunk, found[-2], found[-1]))
            if len(whole) >= _AT_ONCE:
                yield self._with_vectors(whole)
                whole = []
        if whole:
            yield self._with_vectors(whole)
        for id_ in sorted(set(self._ids.values()) - seen - {lost.id for lost in self.lost}):
            self._lose(id_, "its row is gone")

    def _chunk(self, columns: tuple[Any, ...]) -> Chunk | None:
        try:
            return chunk_of(columns, self._path)
        except StoreCorrupt:
            id_ = self._ids.get(columns[-2], str(columns[0]))
            self._lose(id_, "its row does not have its checksum", str(columns[5] or ""))
            return None

    def _with_vectors(self, whole: list[tuple[Chunk, int, int]]) -> tuple[list[Chunk], FloatArray]:
        chunks, vectors = [], []
        for chunk, row, slot in whole:
            record = self._record(slot)
            if record is None or record["row"] != row or not _sound(record["vector"]):
                self._lose(chunk.id, "its vector is damaged", chunk.source, chunk)
            elif checksums(record["vector"][None])[0] != record["checksum"]:
                self._lose(chunk.id, "its vector lacks its checksum", chunk.source, chunk)
            else:
                chunks.append(chunk)
                vectors.append(np.array(record["vector"], dtype=np.float32))
                self._per_source[chunk.source] += 1
        dimension = self._description.dimension
        return chunks, np.array(vectors, dtype=np.float32).reshape(-1, dimension)

    def _record(self, slot: int) -> Records | None:
        try:
            return None if self._file is None else self._file.run(slot, 1)[0]
        except (StoreCorrupt, OSError, OverflowError):
            return None

    def _lose(self, id_: str, reason: str, source: str = "", chunk: Chunk | None = None) -> None:
        self.lost.append(Lost(id_, reason, chunk))
        source = source or self._documents.get(id_.rsplit("#", 1)[0], "")
        if source:
            self._torn.add(source)
        elif chunk is None and id_ not in self._documents:
            self._sources_known = False

    def _last_row(self) -> int:
        """The highest row that may be there."""
        candidates = [max(self._ids, default=0)]
        with suppress(sqlite3.Error):
            (highest,) = self._connection.execute("SELECT max(row) FROM chunk").fetchone()
            candidates.append(highest or 0)
        return max(candidates)

    def _copy_rest(self, connection: sqlite3.Connection) -> None:
        pairs = readable_table(self._connection, "property", "name")
        connection.executemany(
            "INSERT INTO property VALUES (CAST(? AS TEXT), CAST(? AS TEXT))",
            [(encode(name), encode(value)) for name, value in pairs],
        )
        marked = []
        for columns in readable_table(self._connection, "source", "path"):
            state = _state_of(columns)
            if state is None:
                continue
            short = not self._sources_known and state.chunks != self._per_source[state.path]
            if state.path in self._torn or short:
                marked.append(state.path)
                # Another hash and other settings than any file's: the next index reads it again.
                state = replace(state, sha256="", spec=_UNKNOWN)
            ledger.record(connection, state)
        self.sources = tuple(sorted(marked))


def _state_of(columns: tuple[Any, ...]) -> SourceState | None:
    try:
        return ledger.state_of(columns)
    except (ValueError, TypeError):
        return None  # not in the ledger any more: the next index reads it as new


def _vectors_of(
    folder: Path, description: Description, connection: sqlite3.Connection
) -> VectorFile | None:
    """The vectors file, even if its header is damaged; None when it is gone."""
    generation = dict(readable_table(connection, "meta", "key")).get("generation", 0)
    path = vectors_path(folder, int(generation))
    try:
        return VectorFile(
            path, description.dimension, int(generation), description.collection, checked=False
        )
    except OSError:
        return None


def _sound(vector: FloatArray) -> bool:
    return bool(np.isfinite(vector).all() and vector.any())


def _aside(folder: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    aside = folder / f"damaged-{stamp}"
    number = 1
    while aside.exists():
        number += 1
        aside = folder / f"damaged-{stamp}-{number}"
    return aside


def _keep_damaged(folder: Path, aside: Path) -> None:
    aside.mkdir()
    for path in [*folder.glob(f"{DATABASE}*"), *folder.glob("vectors-*.f32")]:
        try:
            os.link(path, aside / path.name)
        except OSError:  # no hard links here
            shutil.copy2(path, aside / path.name)
