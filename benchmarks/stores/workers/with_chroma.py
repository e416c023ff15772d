"""Chroma's embedded client."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.config import Settings
from engine import Batch, Condition, Engine, number_of


class Chroma(Engine):
    """A persistent client's collection."""

    knobs = ("32", "64", "100", "150", "200", "300", "400", "600")
    packages = ("chromadb",)
    settings = "HNSW, cosine, 16 neighbours, ef_construction 128; knob: ef_search"

    def create(self, folder: Path, dimension: int) -> None:
        self._connect(folder)
        self.rows = self.client.create_collection(
            "rows",
            configuration={
                "hnsw": {"space": "cosine", "max_neighbors": 16, "ef_construction": 128}
            },
            embedding_function=None,
        )

    def add(self, batch: Batch) -> None:
        self.rows.add(
            ids=batch.ids,
            embeddings=batch.vectors,
            documents=batch.texts,
            metadatas=batch.metadata,
        )

    def finish(self) -> None:
        self.close()

    def open(self, folder: Path) -> None:
        self._connect(folder)
        self.folder = folder
        self.rows = self.client.get_collection("rows", embedding_function=None)

    def set_knob(self, knob: str) -> None:
        if self.rows.configuration["hnsw"]["ef_search"] != int(knob):
            self.rows.modify(configuration={"hnsw": {"ef_search": int(knob)}})
            # An open collection goes on with the setting that it was opened with.
            self.close()
            self.open(self.folder)

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        found = self.rows.query(
            query_embeddings=[vector],
            n_results=k,
            where=_filter(where),
            include=["documents", "metadatas", "distances"],
        )
        return [number_of(id_) for id_ in found["ids"][0]]

    def close(self) -> None:
        self.client.close()

    def _connect(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.client = chromadb.PersistentClient(
            str(folder), settings=Settings(anonymized_telemetry=False)
        )


def _filter(where: Condition | None) -> dict[str, Any] | None:
    if where is None:
        return None
    if where.equal is not None:
        return {where.field: where.equal}
    return {"$and": [{where.field: {"$gte": where.low}}, {where.field: {"$lt": where.high}}]}
