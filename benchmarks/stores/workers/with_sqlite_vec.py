"""sqlite-vec: exact search in SQLite, beside FTS5 for words."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pysqlite3 as sqlite3  # an interpreter's own sqlite3 may refuse extensions
import sqlite_vec
from engine import RANK_CONSTANT, Batch, Condition, Engine

_FIELDS = ("category", "author", "section", "year", "flag", "region")
_NEAREST = """
    SELECT rowid, id, text, distance, category, author, section, year, flag, region
    FROM rows WHERE vector MATCH ? AND k = ?
"""
_WORDS = """
    SELECT rows.rowid, rows.id, rows.text, category, author, section, year, flag, region
    FROM (SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS best
    JOIN rows ON rows.rowid = best.rowid ORDER BY best.rank
"""


class SqliteVec(Engine):
    """A virtual table."""

    packages = ("sqlite-vec", "pysqlite3-binary")
    settings = "vec0, cosine, exact; text and fields in the same table, FTS5; WAL, synchronous FULL"

    def create(self, folder: Path, dimension: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._prepare(folder)
        self._connection().executescript(
            f"""
            PRAGMA journal_mode = WAL;
            CREATE VIRTUAL TABLE rows USING vec0(
                vector float[{dimension}] distance_metric=cosine,
                category text, author text, section text,
                year integer, flag boolean, region integer, +id text, +text text
            );
            CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='porter unicode61');
            """
        )

    def add(self, batch: Batch) -> None:
        connection = self._connection()
        records = [
            (number, vector.tobytes(), *(metadata[name] for name in _FIELDS), id_, text)
            for number, vector, metadata, id_, text in zip(
                batch.numbers, batch.vectors, batch.metadata, batch.ids, batch.texts, strict=True
            )
        ]
        with connection:
            connection.executemany(
                "INSERT INTO rows (rowid, vector, category, author, section, year, flag, region, "
                "id, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                records,
            )
            connection.executemany(
                "INSERT INTO words (rowid, text) VALUES (?, ?)",
                zip(batch.numbers, batch.texts, strict=True),
            )

    def finish(self) -> None:
        connection = self._connection()
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def open(self, folder: Path) -> None:
        self._prepare(folder)

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        condition, values = _filter(where)
        found = self._connection().execute(_NEAREST + condition, (vector.tobytes(), k, *values))
        return [row[0] for row in found.fetchall()]

    def lexical(self, text: str, k: int) -> Sequence[int]:
        asked = " OR ".join(f'"{word}"' for word in text.split())
        return [row[0] for row in self._connection().execute(_WORDS, (asked, k)).fetchall()]

    def hybrid(self, text: str, vector: npt.NDArray[np.float32], k: int) -> Sequence[int]:
        scores: dict[int, float] = {}
        for ranking in (self.search(vector, 50, None), self.lexical(text, 50)):
            for rank, row in enumerate(ranking, start=1):
                scores[row] = scores.get(row, 0.0) + 1 / (RANK_CONSTANT + rank)
        return sorted(scores, key=lambda row: -scores[row])[:k]

    def _prepare(self, folder: Path) -> None:
        self.path, self.own = folder / "rows.db", threading.local()

    def _connection(self) -> sqlite3.Connection:
        """Each thread's own: one connection answers one question at a time."""
        if not hasattr(self.own, "connection"):
            connection = sqlite3.connect(self.path)
            connection.enable_load_extension(True)
            sqlite_vec.load(connection)
            connection.execute("PRAGMA synchronous = FULL")
            self.own.connection = connection
        found: sqlite3.Connection = self.own.connection
        return found


def _filter(where: Condition | None) -> tuple[str, tuple[str | int, ...]]:
    if where is None:
        return "", ()
    if where.equal is None:
        return f" AND {where.field} >= ? AND {where.field} < ?", (where.low, where.high)
    value = int(where.equal) if isinstance(where.equal, bool) else where.equal
    return f" AND {where.field} = ?", (value,)
