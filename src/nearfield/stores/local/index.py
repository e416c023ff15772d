"""The vectors in memory: a snapshot, and over it what was written since."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.metric import Metric
from nearfield.stores.local import side_car
from nearfield.stores.local.database import damaged
from nearfield.stores.local.description import Description
from nearfield.stores.local.rows import last_row
from nearfield.stores.local.side_car import Snapshot
from nearfield.stores.scoring import Shortlister, best, exact_scores
from nearfield.types import FloatArray, IntArray

__all__ = ["VectorIndex", "decode_vectors", "vector_record"]

# Reading this many rows over the snapshot costs a few milliseconds; more, and it is made anew.
_OVERLAY_ROWS = 2048
_OVERLAY_SHARE = 8
_TIDIER = 8
# Scores of a batch of queries are kept below this many at a time (64 MB).
_SCORES_AT_ONCE = 1 << 24


class VectorIndex:
    """Finds the nearest rows; follows the database by its operation sequence.

    Parameters
    ----------
    database : Path
        Named in errors.
    side_car_path : Path
    description : Description
    """

    def __init__(self, database: Path, side_car_path: Path, description: Description) -> None:
        self._database = database
        self._side_car_path = side_car_path
        self._collection = description.collection
        self._dimension = description.dimension
        self._metric = description.metric
        self._sequence = -1
        self._saved = -1
        self._base: Snapshot | None = None
        self._layers: list[_Layer] = []

    def search(
        self, queries: FloatArray, k: int, within: IntArray | None
    ) -> list[tuple[IntArray, FloatArray]]:
        """Rows and scores of the `k` nearest of each query, best first, ties by row.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, dimension)
        k : int
        within : ndarray of int64, ascending, optional
            Only these rows take part.
        """
        answers = []
        total = sum(len(layer.rows) for layer in self._layers)
        step = max(1, _SCORES_AT_ONCE // max(1, total))
        for start in range(0, len(queries), step):
            batch = queries[start : start + step]
            parts = [layer.search(batch, k, within) for layer in self._layers]
            for found in zip(*parts, strict=True):
                rows = np.concatenate([rows for rows, _ in found])
                scores = np.concatenate([scores for _, scores in found])
                answers.append(best(scores, rows, k))
        return answers

    @property
    def saved(self) -> int:
        """Sequence of the side-car on disk as far as known; 0 when there is none."""
        return max(self._saved, 0)

    def refresh(self, connection: sqlite3.Connection, *, tidy: bool = False) -> None:
        """Catch up with the database, within the caller's transaction.

        With `tidy` also a small overlay is merged, so that the next process finds none.
        """
        (sequence,) = _one(connection, "SELECT value FROM meta WHERE key = 'sequence'")
        if sequence == self._sequence and not tidy:
            return
        base = self._base or self._load()
        overlay = None if base is None else self._overlay(connection, base, sequence, tidy)
        if base is None or overlay is None:
            base, overlay = self._build(connection, sequence), _Overlay.empty(self._dimension)
            if side_car.save(base, self._side_car_path):
                self._saved = base.sequence
        self._base = base
        everything = np.ones(len(base.rows), dtype=np.bool_)
        everything[_positions(base.rows, overlay.gone)] = False
        alive = None if everything.all() else everything
        self._layers = [
            _Layer(base.rows, base.vectors, base.lengths, self._metric, alive),
            _Layer(overlay.rows, overlay.vectors, _lengths(overlay.vectors), self._metric, None),
        ]
        self._sequence = sequence

    def _load(self) -> Snapshot | None:
        base = side_car.load(self._side_car_path, self._collection, self._dimension)
        if base is not None:
            self._saved = base.sequence
        return base

    def _overlay(
        self, connection: sqlite3.Connection, base: Snapshot, sequence: int, tidy: bool
    ) -> _Overlay | None:
        """What changed since `base`, or None when that is unknown or too much."""
        (pruned,) = _one(connection, "SELECT value FROM meta WHERE key = 'pruned'")
        if not pruned <= base.sequence <= sequence:
            return None
        gone = [
            row
            for (row,) in connection.execute(
                "SELECT DISTINCT row FROM change WHERE sequence > ?1 AND row <= ?2 ORDER BY row",
                (base.sequence, base.last_row),
            )
        ]
        (added,) = _one(connection, "SELECT count(*) FROM vector WHERE row > ?", base.last_row)
        most = max(_OVERLAY_ROWS, len(base.rows) // _OVERLAY_SHARE)
        if added + len(gone) > (most // _TIDIER if tidy else most):
            return None
        records = connection.execute(
            "SELECT row, checksum, data FROM vector WHERE row > ?1 OR row IN "
            "(SELECT row FROM change WHERE sequence > ?2) ORDER BY row",
            (base.last_row, base.sequence),
        )
        rows, vectors = decode_vectors(records, self._dimension, self._database)
        return _Overlay(rows, vectors, np.array(gone, dtype=np.int64))

    def _build(self, connection: sqlite3.Connection, sequence: int) -> Snapshot:
        records = connection.execute("SELECT row, checksum, data FROM vector ORDER BY row")
        rows, vectors = decode_vectors(records, self._dimension, self._database)
        (chunks,) = _one(connection, "SELECT count(*) FROM chunk")
        if chunks != len(rows):
            raise damaged(self._database, f"it holds {chunks} chunks and {len(rows)} vectors")
        return Snapshot(
            self._collection, sequence, last_row(connection), rows, _lengths(vectors), vectors
        )


class _Overlay:
    """Rows written since a snapshot, and the snapshot's rows that no longer hold."""

    def __init__(self, rows: IntArray, vectors: FloatArray, gone: IntArray) -> None:
        self.rows = rows
        self.vectors = vectors
        self.gone = gone

    @classmethod
    def empty(cls, dimension: int) -> _Overlay:
        none = np.empty(0, dtype=np.int64)
        return cls(none, np.empty((0, dimension), dtype=np.float32), none)


class _Layer:
    """One matrix of vectors, with the rows it stands for."""

    def __init__(
        self,
        rows: IntArray,
        vectors: FloatArray,
        lengths: FloatArray,
        metric: Metric,
        alive: npt.NDArray[np.bool_] | None,
    ) -> None:
        self.rows = rows
        self._vectors = vectors
        self._metric = metric
        self._alive = alive
        self._shortlister = Shortlister(vectors, lengths, metric)

    def search(
        self, queries: FloatArray, k: int, within: IntArray | None
    ) -> list[tuple[IntArray, FloatArray]]:
        alive = self._alive
        if within is not None:
            alive = np.zeros(len(self.rows), dtype=np.bool_)
            alive[_positions(self.rows, within)] = True
            if self._alive is not None:
                alive &= self._alive
        shortlists = self._shortlister.shortlist(queries, k, alive)
        return [
            best(exact_scores(self._vectors[near], query, self._metric), self.rows[near], k)
            for query, near in zip(queries, shortlists, strict=True)
        ]


def vector_record(row: int, vector: FloatArray) -> tuple[int, int, bytes]:
    """The columns of a vector's row."""
    data = vector.astype("<f4", copy=False).tobytes()
    return row, zlib.crc32(data), data


def decode_vectors(
    records: Iterable[tuple[int, int, bytes | None]], dimension: int, database: Path
) -> tuple[IntArray, FloatArray]:
    """Rows and vectors of (row, checksum, data), each checked."""
    rows: list[int] = []
    buffer = bytearray()  # grows in place: joining a list would take the memory twice
    for row, checksum, data in records:
        if data is None or zlib.crc32(data) != checksum or len(data) != dimension * 4:
            raise damaged(database, f"the vector of row {row} does not have its checksum")
        rows.append(row)
        buffer += data
    vectors = np.frombuffer(buffer, dtype="<f4").astype(np.float32, copy=False)
    return np.array(rows, dtype=np.int64), vectors.reshape(len(rows), dimension)


def _lengths(vectors: FloatArray) -> FloatArray:
    lengths: FloatArray = np.sqrt(np.einsum("ij,ij->i", vectors, vectors)).astype(np.float32)
    return lengths


def _positions(rows: IntArray, wanted: IntArray) -> IntArray:
    """Where the wanted rows stand in `rows` (both ascending); absent ones are left out."""
    places = np.searchsorted(rows, wanted)
    places = places[places < len(rows)]
    found: IntArray = np.intersect1d(rows[places], wanted, assume_unique=False)
    positions: IntArray = np.searchsorted(rows, found).astype(np.int64)
    return positions


def _one(connection: sqlite3.Connection, sql: str, *parameters: int) -> tuple[int]:
    found: tuple[int] = connection.execute(sql, parameters).fetchone()
    return found
