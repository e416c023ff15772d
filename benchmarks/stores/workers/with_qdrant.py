"""Qdrant's engine in the process: qdrant-edge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import qdrant_edge as qdrant
from engine import RANK_CONSTANT, Batch, Condition, Engine


class Qdrant(Engine):
    """A shard."""

    knobs = ("32", "64", "96", "128", "192", "256", "384", "512")
    packages = ("qdrant-edge-py",)
    settings = (
        "HNSW, cosine, float32, m 16, ef_construct 128; every field indexed (flag as 0 or 1), "
        "text with BM25; knob: hnsw_ef"
    )

    def create(self, folder: Path, dimension: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        hnsw = qdrant.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10_000)
        self.shard = qdrant.EdgeShard.create(
            str(folder),
            qdrant.EdgeConfig(
                vectors=qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Cosine),
                hnsw_config=hnsw,
            ),
        )
        # Before the points: the graph gets extra links for each value of an indexed field.
        keyword = qdrant.KeywordIndexParams()
        whole = qdrant.IntegerIndexParams(lookup=True, range=True)
        indexed = {name: keyword for name in ("category", "author", "section")}
        indexed |= {name: whole for name in ("flag", "year", "region")}
        indexed["text"] = qdrant.TextIndexParams(scoring=True)
        for name, parameters in indexed.items():
            self.shard.update(qdrant.UpdateOperation.create_field_index(name, parameters))

    def add(self, batch: Batch) -> None:
        points = [
            qdrant.Point(number, vector, {**metadata, "flag": int(metadata["flag"]), "text": text})
            for number, vector, text, metadata in zip(
                batch.numbers, batch.vectors.tolist(), batch.texts, batch.metadata, strict=True
            )
        ]
        self.shard.update(qdrant.UpdateOperation.upsert_points(points))
        self.shard.flush()

    def finish(self) -> None:
        self.shard.optimize()
        self.shard.flush()
        self.shard.close()

    def open(self, folder: Path) -> None:
        self.shard = qdrant.EdgeShard.load(str(folder))

    def set_knob(self, knob: str) -> None:
        self.parameters = qdrant.SearchParams(hnsw_ef=int(knob))

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        return self._ask(
            qdrant.QueryRequest(
                limit=k,
                query=qdrant.Query.Nearest(vector.tolist()),
                with_payload=True,
                filter=_filter(where),
                params=self.parameters,
            )
        )

    def lexical(self, text: str, k: int) -> Sequence[int]:
        query = qdrant.TextQuery("text", text)
        return self._ask(qdrant.QueryRequest(limit=k, query=query, with_payload=True))

    def hybrid(self, text: str, vector: npt.NDArray[np.float32], k: int) -> Sequence[int]:
        nearest = qdrant.Query.Nearest(vector.tolist())
        stages = [
            qdrant.Prefetch(limit=50, query=nearest, params=self.parameters),
            qdrant.Prefetch(limit=50, query=qdrant.TextQuery("text", text)),
        ]
        fusion = qdrant.Fusion.Rrf(k=RANK_CONSTANT)
        return self._ask(
            qdrant.QueryRequest(limit=k, query=fusion, prefetches=stages, with_payload=True)
        )

    def close(self) -> None:
        self.shard.close()

    def _ask(self, request: qdrant.QueryRequest) -> list[int]:
        return [point.id for point in self.shard.query(request) if point.payload]


def _filter(where: Condition | None) -> qdrant.Filter | None:
    if where is None:
        return None
    if where.equal is None:
        bounds = qdrant.RangeFloat(gte=where.low, lt=where.high)
        condition = qdrant.FieldCondition(where.field, range=bounds)
    else:
        # Its Python binding takes True for 1, which matches no boolean.
        value = int(where.equal) if isinstance(where.equal, bool) else where.equal
        match = qdrant.MatchValue(value)
        condition = qdrant.FieldCondition(where.field, match=match)
    return qdrant.Filter(must=[condition])
