"""hnswlib, a bare index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import hnswlib
import numpy as np
import numpy.typing as npt
from bare import Bare
from engine import Batch, Condition


class Hnswlib(Bare):
    """One index."""

    knobs = ("32", "64", "96", "128", "192", "256", "384", "512")
    packages = ("hnswlib",)
    settings = "cosine, M 16, ef_construction 128; filters by its callback; knob: ef"

    def create(self, folder: Path, dimension: int) -> None:
        self.begin(folder)
        self.index = hnswlib.Index(space="cosine", dim=dimension)
        self.index.init_index(max_elements=10_000, M=16, ef_construction=128)

    def add(self, batch: Batch) -> None:
        self.remember(batch)
        stop = batch.numbers.stop
        if stop > self.index.get_max_elements():
            self.index.resize_index(2 * stop)
        self.index.add_items(batch.vectors, np.arange(batch.first, stop))

    def finish(self) -> None:
        self.index.save_index(str(self.folder / "rows.hnsw"))
        (self.folder / "dimension").write_text(str(self.index.dim), encoding="utf-8")
        self.save_fields()

    def open(self, folder: Path) -> None:
        dimension = int((folder / "dimension").read_text(encoding="utf-8"))
        self.index = hnswlib.Index(space="cosine", dim=dimension)
        self.index.load_index(str(folder / "rows.hnsw"))
        self.load_fields(folder)

    def set_knob(self, knob: str) -> None:
        self.index.set_ef(int(knob))

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        if where is None:
            labels, _ = self.index.knn_query(vector, k=k, num_threads=1)
            return [int(label) for label in labels[0]]
        allowed = self.mask(where)
        try:
            labels, _ = self.index.knn_query(
                vector, k=k, num_threads=1, filter=lambda label: bool(allowed[label])
            )
        except RuntimeError:  # it met fewer than k rows that match
            return []
        return [int(label) for label in labels[0]]
