"""Milvus Lite: Milvus' client on a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from engine import RANK_CONSTANT, Batch, Condition, Engine, number_of
from pymilvus import (
    AnnSearchRequest,
    DataType,
    Function,
    FunctionType,
    MilvusClient,
    RRFRanker,
)

_SHOWN = ["text", "category", "author", "section", "year", "flag", "region"]
_KEYWORDS = {"category": 16, "author": 16, "section": 16}


class Milvus(Engine):
    """A collection in a file."""

    knobs = ("32", "64", "96", "128", "192", "256", "384", "512")
    packages = ("milvus-lite", "pymilvus")
    settings = "HNSW, cosine, M 16, efConstruction 128; text with its BM25 function; knob: ef"

    def create(self, folder: Path, dimension: int) -> None:
        self._connect(folder)
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=32)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        schema.add_field("text", DataType.VARCHAR, max_length=4096, enable_analyzer=True)
        schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
        for name, length in _KEYWORDS.items():
            schema.add_field(name, DataType.VARCHAR, max_length=length)
        schema.add_field("year", DataType.INT64)
        schema.add_field("flag", DataType.BOOL)
        schema.add_field("region", DataType.INT64)
        schema.add_function(
            Function(
                name="bm25",
                function_type=FunctionType.BM25,
                input_field_names=["text"],
                output_field_names=["words"],
            )
        )
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index(
            "vector",
            index_type="HNSW",
            metric_type="COSINE",
            params={"M": 16, "efConstruction": 128},
        )
        indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        self.client.create_collection("rows", schema=schema, index_params=indexes)

    def add(self, batch: Batch) -> None:
        records = [
            {"id": id_, "vector": vector, "text": text, **metadata}
            for id_, vector, text, metadata in zip(
                batch.ids, batch.vectors, batch.texts, batch.metadata, strict=True
            )
        ]
        # One message must stay below the limit of its protocol.
        for start in range(0, len(records), 1000):
            self.client.insert("rows", records[start : start + 1000])

    def finish(self) -> None:
        self.client.flush("rows")
        self.client.load_collection("rows")
        self.client.close()

    def open(self, folder: Path) -> None:
        self._connect(folder)
        self.client.load_collection("rows")

    def set_knob(self, knob: str) -> None:
        self.parameters = {"metric_type": "COSINE", "params": {"ef": int(knob)}}

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        found = self.client.search(
            "rows",
            data=[vector.tolist()],
            anns_field="vector",
            limit=k,
            filter=_filter(where),
            search_params=self.parameters,
            output_fields=_SHOWN,
        )
        return _numbers(found)

    def lexical(self, text: str, k: int) -> Sequence[int]:
        found = self.client.search(
            "rows",
            data=[text],
            anns_field="words",
            limit=k,
            search_params={"metric_type": "BM25"},
            output_fields=_SHOWN,
        )
        return _numbers(found)

    def hybrid(self, text: str, vector: npt.NDArray[np.float32], k: int) -> Sequence[int]:
        asked = [
            AnnSearchRequest([vector.tolist()], "vector", self.parameters, limit=50),
            AnnSearchRequest([text], "words", {"metric_type": "BM25"}, limit=50),
        ]
        found = self.client.hybrid_search(
            "rows", asked, RRFRanker(RANK_CONSTANT), limit=k, output_fields=_SHOWN
        )
        return _numbers(found)

    def close(self) -> None:
        self.client.close()

    def _connect(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.client = MilvusClient(str(folder / "rows.db"))


def _numbers(found: Sequence[Sequence[dict[str, Any]]]) -> list[int]:
    return [number_of(hit["id"]) for hit in found[0]]


def _filter(where: Condition | None) -> str:
    if where is None:
        return ""
    if where.equal is None:
        return f"{where.field} >= {where.low} and {where.field} < {where.high}"
    if isinstance(where.equal, bool):
        return f"{where.field} == {str(where.equal).lower()}"
    return f'{where.field} == "{where.equal}"'
