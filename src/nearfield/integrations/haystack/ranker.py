"""A cross-encoder as Haystack's ranker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
from haystack import component, default_from_dict, default_to_dict
from haystack.dataclasses import Document

from nearfield.models.rerank import DEFAULT_RERANKER, load
from nearfield.protocols import Reranker

__all__ = ["NearfieldRanker"]


@component
class NearfieldRanker:
    """Reads each document together with the question and keeps the best; scores are logits.

    Parameters
    ----------
    model : str
        A reranker's name or folder.
    top_k : int
        Most documents to keep, at least 1.
    """

    def __init__(self, model: str = DEFAULT_RERANKER, top_k: int = 10) -> None:
        self.model, self.top_k = model, _checked(top_k)
        self._encoder: Reranker | None = None

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, model=self.model, top_k=self.top_k)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NearfieldRanker:
        found: NearfieldRanker = default_from_dict(cls, data)
        return found

    def warm_up(self) -> None:
        """Load the model."""
        if self._encoder is None:
            self._encoder = load(self.model)

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, Any]:
        """The documents that answer best, best first; each id once."""
        most = self.top_k if top_k is None else _checked(top_k)
        distinct = list({document.id: document for document in documents}.values())
        if not distinct:
            return {"documents": []}
        self.warm_up()
        assert self._encoder is not None
        scores = self._encoder.score(query, [document.content or "" for document in distinct])
        order = np.argsort(-scores, kind="stable")[:most]
        return {"documents": [replace(distinct[at], score=float(scores[at])) for at in order]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, Any]:
        return await asyncio.to_thread(self.run, query, documents, top_k)


def _checked(top_k: int) -> int:
    if top_k < 1:
        raise ValueError(f"top_k is {top_k}: keep at least 1 document")
    return top_k
