"""A collection as Haystack's retrievers: by vector, by words, and by both."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from haystack import component, default_from_dict, default_to_dict
from haystack.dataclasses import Document
from haystack.document_stores.types import FilterPolicy, apply_filter_policy

from nearfield.integrations.haystack.document_store import NearfieldDocumentStore
from nearfield.integrations.haystack.statistics import Filters
from nearfield.search.options import Mode, SearchOptions

__all__ = ["NearfieldBM25Retriever", "NearfieldEmbeddingRetriever", "NearfieldHybridRetriever"]


class _Retriever:
    """What the three have in common: a store, filters, and how many documents."""

    def __init__(
        self,
        document_store: NearfieldDocumentStore,
        filters: Filters,
        top_k: int,
        filter_policy: FilterPolicy | str,
    ) -> None:
        if not isinstance(document_store, NearfieldDocumentStore):
            raise TypeError(f"document_store is a {type(document_store).__name__}")
        self.document_store = document_store
        self.filters = filters
        self.top_k = _checked(top_k)
        if isinstance(filter_policy, str):
            filter_policy = FilterPolicy.from_str(filter_policy)
        self.filter_policy = filter_policy

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(
            self,
            document_store=self.document_store.to_dict(),
            filters=self.filters,
            top_k=self.top_k,
            filter_policy=self.filter_policy.value,
            **self._more(),
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        parameters = data["init_parameters"]
        store = NearfieldDocumentStore.from_dict(parameters["document_store"])
        found: Self = default_from_dict(
            cls, {**data, "init_parameters": {**parameters, "document_store": store}}
        )
        return found

    def _more(self) -> dict[str, Any]:
        return {}

    def _asked(self, filters: Filters, top_k: int | None) -> dict[str, Any]:
        return {
            "filters": apply_filter_policy(self.filter_policy, self.filters, filters),
            "top_k": self.top_k if top_k is None else _checked(top_k),
        }


@component
class NearfieldEmbeddingRetriever(_Retriever):
    """Finds the documents nearest to a vector.

    Parameters
    ----------
    document_store : NearfieldDocumentStore
    filters : dict, optional
    top_k : int
        At least 1.
    filter_policy : FilterPolicy or str
        Whether filters of a run replace these, or are merged with them.
    return_embedding : bool
        Whether documents come with their embeddings.
    """

    def __init__(
        self,
        document_store: NearfieldDocumentStore,
        filters: Filters = None,
        top_k: int = 10,
        filter_policy: FilterPolicy | str = FilterPolicy.REPLACE,
        return_embedding: bool = False,
    ) -> None:
        _Retriever.__init__(self, document_store, filters, top_k, filter_policy)
        self.return_embedding = return_embedding

    def _more(self) -> dict[str, Any]:
        return {"return_embedding": self.return_embedding}

    @component.output_types(documents=list[Document])
    def run(
        self, query_embedding: list[float], filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Any]:
        found = self.document_store.find(
            Mode.DENSE,
            embedding=query_embedding,
            return_embedding=self.return_embedding,
            **self._asked(filters, top_k),
        )
        return {"documents": found}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query_embedding: list[float], filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Any]:
        return await asyncio.to_thread(self.run, query_embedding, filters, top_k)


@component
class NearfieldBM25Retriever(_Retriever):
    """Finds the documents that share the rarest words with a question.

    Parameters
    ----------
    document_store, filters, top_k, filter_policy
        As for :class:`NearfieldEmbeddingRetriever`.
    """

    def __init__(
        self,
        document_store: NearfieldDocumentStore,
        filters: Filters = None,
        top_k: int = 10,
        filter_policy: FilterPolicy | str = FilterPolicy.REPLACE,
    ) -> None:
        _Retriever.__init__(self, document_store, filters, top_k, filter_policy)

    @component.output_types(documents=list[Document])
    def run(self, query: str, filters: Filters = None, top_k: int | None = None) -> dict[str, Any]:
        asked = self._asked(filters, top_k)
        return {"documents": self.document_store.find(Mode.LEXICAL, query=query, **asked)}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Any]:
        return await asyncio.to_thread(self.run, query, filters, top_k)


@component
class NearfieldHybridRetriever(_Retriever):
    """Finds documents by vector and by words at once, and mixes both scores.

    Parameters
    ----------
    document_store, filters, top_k, filter_policy
        As for :class:`NearfieldEmbeddingRetriever`.
    dense_weight : float
        Share of the vector against the words, 0 to 1.
    """

    def __init__(
        self,
        document_store: NearfieldDocumentStore,
        filters: Filters = None,
        top_k: int = 10,
        filter_policy: FilterPolicy | str = FilterPolicy.REPLACE,
        dense_weight: float = SearchOptions().dense_weight,
    ) -> None:
        _Retriever.__init__(self, document_store, filters, top_k, filter_policy)
        self.dense_weight = dense_weight

    def _more(self) -> dict[str, Any]:
        return {"dense_weight": self.dense_weight}

    @component.output_types(documents=list[Document])
    def run(
        self,
        query: str,
        query_embedding: list[float] | None = None,
        filters: Filters = None,
        top_k: int | None = None,
    ) -> dict[str, Any]:
        """Search; without a `query_embedding` the store's own model embeds the question."""
        vector = self.document_store.embed(query) if query_embedding is None else query_embedding
        found = self.document_store.find(
            Mode.HYBRID,
            query=query,
            embedding=vector,
            dense_weight=self.dense_weight,
            **self._asked(filters, top_k),
        )
        return {"documents": found}

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        query: str,
        query_embedding: list[float] | None = None,
        filters: Filters = None,
        top_k: int | None = None,
    ) -> dict[str, Any]:
        return await asyncio.to_thread(self.run, query, query_embedding, filters, top_k)


def _checked(top_k: int) -> int:
    if top_k < 1:
        raise ValueError(f"top_k is {top_k}: ask for at least 1 document")
    return top_k
