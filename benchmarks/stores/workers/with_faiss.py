"""faiss, a bare index: HNSW over float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt
from bare import Bare
from engine import Batch, Condition


class Faiss(Bare):
    """One index."""

    knobs = ("32", "64", "96", "128", "192", "256", "384", "512")
    packages = ("faiss-cpu",)
    settings = (
        "IndexHNSWFlat, inner product, M 16, efConstruction 128; filters by a bitmap "
        "selector; knob: efSearch"
    )

    def create(self, folder: Path, dimension: int) -> None:
        self.begin(folder)
        self.index = faiss.IndexHNSWFlat(dimension, 16, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = 128

    def add(self, batch: Batch) -> None:
        self.remember(batch)
        self.index.add(batch.vectors)

    def finish(self) -> None:
        faiss.write_index(self.index, str(self.folder / "rows.faiss"))
        self.save_fields()

    def open(self, folder: Path) -> None:
        faiss.omp_set_num_threads(1)  # one query at a time: its other threads would only spin
        self.index = faiss.read_index(str(folder / "rows.faiss"))
        self.load_fields(folder)

    def set_knob(self, knob: str) -> None:
        self.effort = int(knob)

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        chosen = {}
        if where is not None:
            bits = np.packbits(self.mask(where), bitorder="little")
            chosen["sel"] = faiss.IDSelectorBitmap(bits)
        parameters = faiss.SearchParametersHNSW(efSearch=self.effort, **chosen)
        _, labels = self.index.search(vector[None, :], k, params=parameters)
        return [int(label) for label in labels[0] if label >= 0]
