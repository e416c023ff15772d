"""Nearfield's own store, as ``LocalStore`` serves it: no setting is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from engine import Batch, Condition, Engine, number_of

from nearfield.filters import And, Compare, Filter, Operator
from nearfield.search.options import Mode, SearchOptions
from nearfield.search.pipeline import Question, find
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk, Hit


class Nearfield(Engine):
    """A collection."""

    packages = ("nearfield",)
    settings = "defaults: recall target 0.99, every batch synced to disk (FULL)"

    def create(self, folder: Path, dimension: int) -> None:
        self.store = LocalStore.create(folder, dimension=dimension)

    def extend(self, folder: Path) -> None:
        self.store = LocalStore.open(folder, mode="w")

    def add(self, batch: Batch) -> None:
        chunks = [
            Chunk(id_, id_, text, 0, len(text), metadata=metadata)
            for id_, text, metadata in zip(batch.ids, batch.texts, batch.metadata, strict=True)
        ]
        self.store.add(chunks, batch.vectors)

    def finish(self) -> None:
        self.store.close()

    def open(self, folder: Path) -> None:
        self.store = LocalStore.open(folder)

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        return _numbers(self.store.search(vector[None, :], k, where=_filter(where))[0])

    def lexical(self, text: str, k: int) -> Sequence[int]:
        return self._find(Question(text), SearchOptions(k=k, mode=Mode.LEXICAL))

    def hybrid(self, text: str, vector: npt.NDArray[np.float32], k: int) -> Sequence[int]:
        return self._find(Question(text, vector), SearchOptions(k=k, mode=Mode.HYBRID))

    def close(self) -> None:
        self.store.close()

    def _find(self, question: Question, options: SearchOptions) -> Sequence[int]:
        if not hasattr(self.store, "ask"):
            raise NotImplementedError
        return _numbers(self.store.ask(lambda view: find(view, question, options)))


def _numbers(hits: Sequence[Hit]) -> list[int]:
    return [number_of(hit.chunk.id) for hit in hits]


def _filter(where: Condition | None) -> Filter | None:
    if where is None:
        return None
    if where.equal is not None:
        return Compare(where.field, Operator.EQ, where.equal)
    return And(
        (
            Compare(where.field, Operator.GE, where.low),
            Compare(where.field, Operator.LT, where.high),
        )
    )
