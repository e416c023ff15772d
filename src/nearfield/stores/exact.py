"""The oracle: everything in memory, every score computed, nothing clever.

Whatever another store answers is measured against this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nearfield.errors import DuplicateId
from nearfield.filters import Filter, matches
from nearfield.metric import Metric
from nearfield.protocols import Capabilities
from nearfield.stores.checks import check_batch, check_queries, require_known, shown
from nearfield.stores.scoring import best, exact_scores
from nearfield.types import Chunk, FloatArray, Hit

__all__ = ["ExactStore"]


class ExactStore:
    """Chunks and vectors in memory, searched exactly.

    Parameters
    ----------
    dimension : int
        Length of every vector.
    metric : Metric
        How vectors are compared.

    Examples
    --------
    >>> store = ExactStore(dimension=2)
    >>> chunks = [Chunk("a", "d", "east", 0, 4), Chunk("b", "d", "north", 5, 10)]
    >>> store.add(chunks, np.array([[1, 0], [0, 1]], dtype=np.float32))
    >>> [hit.chunk.text for hit in store.search(np.array([[0.1, 1.0]]), k=1)[0]]
    ['north']
    """

    def __init__(self, dimension: int, metric: Metric = Metric.COSINE) -> None:
        self._dimension = dimension
        self._metric = metric
        # A dict keeps the place of a key whose value is replaced: upserts keep theirs.
        self._rows: dict[str, tuple[Chunk, FloatArray]] = {}

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def metric(self) -> Metric:
        return self._metric

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(durable=False, exact=True, filters=True, metrics=frozenset(Metric))

    def add(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        matrix = check_batch(chunks, vectors, self._dimension)
        present = [chunk.id for chunk in chunks if chunk.id in self._rows]
        if present:
            raise DuplicateId(f"{shown(present)} is there already; upsert replaces it")
        self._put(chunks, matrix)

    def upsert(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        self._put(chunks, check_batch(chunks, vectors, self._dimension))

    def delete(self, ids: Sequence[str]) -> int:
        return sum(self._rows.pop(id_, None) is not None for id_ in ids)

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        require_known(ids, self._rows)
        return [self._rows[id_][0] for id_ in ids]

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        require_known(ids, self._rows)
        return self._stacked([self._rows[id_][1] for id_ in ids])

    def search(
        self, queries: FloatArray, k: int, *, where: Filter | None = None
    ) -> list[list[Hit]]:
        wanted = check_queries(queries, k, self._dimension)
        rows = list(self.scan(where=where))
        matrix = self._stacked([vector for _, vector in rows])
        places = np.arange(len(rows))
        answers = []
        for query in wanted:
            found, scores = best(exact_scores(matrix, query, self._metric), places, k)
            answers.append(
                [
                    Hit(rows[place][0], score, rank, "exact")
                    for rank, (place, score) in enumerate(
                        zip(found.tolist(), scores.tolist(), strict=True), start=1
                    )
                ]
            )
        return answers

    def scan(self, *, where: Filter | None = None) -> Iterator[tuple[Chunk, FloatArray]]:
        # A list: what is written while the caller iterates belongs to the next scan.
        for chunk, vector in list(self._rows.values()):
            if where is None or matches(where, chunk.fields()):
                yield chunk, vector.copy()

    def count(self, *, where: Filter | None = None) -> int:
        return sum(
            where is None or matches(where, chunk.fields()) for chunk, _ in self._rows.values()
        )

    def close(self) -> None:
        """Nothing to release."""

    def _put(self, chunks: Sequence[Chunk], matrix: FloatArray) -> None:
        for chunk, vector in zip(chunks, matrix, strict=True):
            # Copies: the caller's dict and array may change, what is stored may not.
            kept = replace(chunk, metadata=dict(chunk.metadata))
            self._rows[chunk.id] = (kept, vector.copy())

    def _stacked(self, rows: Sequence[FloatArray]) -> FloatArray:
        return np.stack(rows) if rows else np.empty((0, self._dimension), dtype=np.float32)
