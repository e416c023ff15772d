"""What the two bare libraries share: fields in memory, from which filters become masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from engine import DIMENSION_FIELDS, Batch, Condition, Engine

__all__ = ["Bare"]


class Bare(Engine):
    """An index of vectors with the fields as arrays beside it, and neither ids nor text."""

    kept = "vectors alone; fields as arrays in memory"

    def begin(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.columns: dict[str, list[object]] = {name: [] for name in DIMENSION_FIELDS}

    def remember(self, batch: Batch) -> None:
        for name, column in self.columns.items():
            column.extend(row[name] for row in batch.metadata)

    def save_fields(self) -> None:
        arrays: dict[str, Any] = {name: np.array(each) for name, each in self.columns.items()}
        np.savez(self.folder / "fields.npz", **arrays)

    def load_fields(self, folder: Path) -> None:
        with np.load(folder / "fields.npz") as stored:
            self.fields = {name: stored[name] for name in DIMENSION_FIELDS}

    def mask(self, where: Condition) -> npt.NDArray[np.bool_]:
        values = self.fields[where.field]
        if where.equal is not None:
            found: npt.NDArray[np.bool_] = values == where.equal
        else:
            found = (values >= where.low) & (values < where.high)
        return found
