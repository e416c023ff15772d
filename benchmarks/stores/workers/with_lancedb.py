"""LanceDB's embedded table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from engine import Batch, Condition, Engine, number_of
from lancedb.query import LanceQueryBuilder

_SHOWN = ["id", "text", "category", "author", "section", "year", "flag", "region"]


class LanceDB(Engine):
    """A table."""

    knobs = ("10/2", "20/2", "20/4", "40/4", "40/8", "80/8", "160/16")
    packages = ("lancedb", "pylance", "pyarrow")
    settings = (
        "IVF_RQ, cosine; scalar indexes on every field, its own full-text index; "
        "knob: nprobes/refine_factor"
    )

    def create(self, folder: Path, dimension: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        schema = pa.schema(
            [
                ("id", pa.string()),
                ("vector", pa.list_(pa.float32(), dimension)),
                ("text", pa.string()),
                ("category", pa.string()),
                ("author", pa.string()),
                ("section", pa.string()),
                ("year", pa.int64()),
                ("flag", pa.bool_()),
                ("region", pa.int64()),
            ]
        )
        self.schema = schema
        self.table = lancedb.connect(str(folder)).create_table("rows", schema=schema)

    def add(self, batch: Batch) -> None:
        width = batch.vectors.shape[1]
        fields = {name: [row[name] for row in batch.metadata] for name in _SHOWN[2:]}
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(batch.vectors.ravel()), width)
        columns = {"id": batch.ids, "vector": vectors, "text": batch.texts, **fields}
        self.table.add(pa.table(columns, schema=self.schema))

    def finish(self) -> None:
        self.table.create_index(metric="cosine", index_type="IVF_RQ", vector_column_name="vector")
        for name in ("author", "year", "region"):
            self.table.create_scalar_index(name, index_type="BTREE")
        for name in ("category", "section", "flag"):
            self.table.create_scalar_index(name, index_type="BITMAP")
        self.table.create_fts_index("text")
        self.table.optimize()

    def open(self, folder: Path) -> None:
        self.table = lancedb.connect(str(folder)).open_table("rows")

    def set_knob(self, knob: str) -> None:
        self.probes, self.refine = (int(part) for part in knob.split("/"))

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        asked = self.table.search(vector, vector_column_name="vector").distance_type("cosine")
        if where is not None:
            asked = asked.where(_filter(where), prefilter=True)
        asked = self._tuned(asked).limit(k)
        return _numbers(asked.select([*_SHOWN, "_distance"]).to_arrow())

    def lexical(self, text: str, k: int) -> Sequence[int]:
        asked = self.table.search(text, query_type="fts").limit(k)
        return _numbers(asked.select([*_SHOWN, "_score"]).to_arrow())

    def hybrid(self, text: str, vector: npt.NDArray[np.float32], k: int) -> Sequence[int]:
        asked = self.table.search(query_type="hybrid", vector_column_name="vector")
        asked = asked.vector(vector).text(text).distance_type("cosine")
        return _numbers(self._tuned(asked).limit(k).to_arrow())

    def _tuned(self, asked: LanceQueryBuilder) -> LanceQueryBuilder:
        """With more probes than the setting says where a filter leaves too few rows."""
        asked = asked.maximum_nprobes(0).minimum_nprobes(self.probes)
        return asked.refine_factor(self.refine)


def _numbers(found: pa.Table) -> list[int]:
    return [number_of(row["id"]) for row in found.to_pylist()]


def _filter(where: Condition) -> str:
    if where.equal is None:
        return f"{where.field} >= {where.low} AND {where.field} < {where.high}"
    if isinstance(where.equal, bool):
        return f"{where.field} = {str(where.equal).lower()}"
    return f"{where.field} = '{where.equal}'"
