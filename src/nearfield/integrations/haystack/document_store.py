"""A collection as Haystack's document store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from haystack import default_from_dict, default_to_dict
from haystack.dataclasses import Document
from haystack.document_stores.errors import DocumentStoreError, DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy

from nearfield.collection import Collection
from nearfield.errors import DuplicateId, InputError, NearfieldError
from nearfield.filters import IsNull
from nearfield.integrations.common.metadata import together
from nearfield.integrations.common.outside import OutsideEncoder
from nearfield.integrations.common.storage import Storage
from nearfield.integrations.haystack.documents import (
    BARE,
    from_hit,
    to_chunk,
    to_document,
    with_meta,
)
from nearfield.integrations.haystack.filters import to_filter
from nearfield.integrations.haystack.statistics import Filters, MetadataStatistics
from nearfield.metric import Metric
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import FloatArray

__all__ = ["NearfieldDocumentStore"]


class NearfieldDocumentStore(MetadataStatistics):
    """A durable collection behind Haystack's interface.

    Documents may come without an embedding: with a `model` they are embedded here, otherwise
    filters and words find them, and searches by vector do not. ``DuplicatePolicy.NONE`` means
    ``FAIL``. All documents of a call are written, or none.

    Parameters
    ----------
    path : str, optional
        The collection's folder, made if it is missing. Without one it is temporary.
    model : str, optional
        Name of a model of Nearfield, whose vectors these are.
    dimension : int, optional
        Instead of a model: embeddings come from elsewhere and have so many components.
    embedding_model : str
        Who makes them; a collection that was made under another name is refused.
    metric : {"cosine", "dot", "euclidean"}
        New collections only.
    language : str, optional
        Of the texts, for searches by words; new collections only.

    Raises
    ------
    FingerprintMismatch
        The collection was made by another model.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        model: str | None = None,
        dimension: int | None = None,
        embedding_model: str = "",
        metric: str = Metric.COSINE.value,
        language: str | None = None,
    ) -> None:
        if model is not None and dimension is not None:
            raise InputError("give either a model or a dimension: a model has its own")
        self.path = None if path is None else str(Path(path))
        self.model, self.dimension, self.embedding_model = model, dimension, embedding_model
        self.metric, self.language = Metric.of(metric).value, language
        outside = None
        if dimension is not None:
            outside = OutsideEncoder.handed(embedding_model or "haystack", dimension)
        self._storage = Storage(
            self.path, model=outside or model, metric=self.metric, language=language
        )
        self._embeds = not self._storage.is_outside

    def to_dict(self) -> dict[str, Any]:
        """How the store was made; what is in it stays in its folder."""
        return default_to_dict(
            self,
            path=self.path,
            model=self.model,
            dimension=self.dimension,
            embedding_model=self.embedding_model,
            metric=self.metric,
            language=self.language,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NearfieldDocumentStore:
        found: NearfieldDocumentStore = default_from_dict(cls, data)
        return found

    @property
    def collection(self) -> Collection:
        """The collection underneath: audit, export, verify."""
        return self._storage.collection

    def close(self) -> None:
        """Release the files; a temporary collection goes. Closing twice is harmless."""
        self._storage.close()

    # The protocol

    def count_documents(self) -> int:
        return self.collection.count()

    def filter_documents(self, filters: Filters = None) -> list[Document]:
        """Documents that match, in order of insertion, with their embeddings."""
        return [to_document(chunk, row) for chunk, row in self._storage.chunks(to_filter(filters))]

    def write_documents(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write documents; returns how many.

        Raises
        ------
        DuplicateDocumentError
            An id is there already, or given twice, and the policy is FAIL. Nothing was written.
        DocumentStoreError
            An embedding or metadata cannot be stored, or another process writes. Nothing was
            written.
        ValueError
            These are no documents.
        """
        if not isinstance(documents, list) or not all(isinstance(d, Document) for d in documents):
            raise ValueError("expected a list of Documents")
        fails = policy in (DuplicatePolicy.NONE, DuplicatePolicy.FAIL)
        chosen = documents if fails else self._distinct(documents, policy)
        try:
            bare = [d.embedding is None and not self._can_embed(d) for d in chosen]
            chunks = [to_chunk(d, bare=b) for d, b in zip(chosen, bare, strict=True)]
            (self._storage.add if fails else self._storage.upsert)(chunks, self._rows(chosen, bare))
        except DuplicateId as error:
            raise DuplicateDocumentError(str(error)) from error
        except NearfieldError as error:
            raise DocumentStoreError(str(error)) from error
        return len(documents) if policy is DuplicatePolicy.OVERWRITE else len(chosen)

    def delete_documents(self, document_ids: list[str]) -> None:
        """Delete documents by id; unknown ids are passed over."""
        self._storage.delete(document_ids)

    # What other stores of Haystack offer beside

    def delete_all_documents(self) -> None:
        self._storage.delete_where(None)

    def delete_by_filter(self, filters: dict[str, Any]) -> int:
        """Delete the documents that match; returns how many went."""
        return self._storage.delete_where(to_filter(filters))

    def count_documents_by_filter(self, filters: dict[str, Any]) -> int:
        return self.collection.count(where=to_filter(filters))

    def update_by_filter(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Set metadata of the documents that match; returns how many there are."""
        found = list(self._storage.chunks(to_filter(filters)))
        if found:
            chunks = [with_meta(chunk, meta) for chunk, _ in found]
            self._storage.upsert(chunks, np.stack([row for _, row in found]))
        return len(found)

    async def count_documents_async(self) -> int:
        return await asyncio.to_thread(self.count_documents)

    async def filter_documents_async(self, filters: Filters = None) -> list[Document]:
        return await asyncio.to_thread(self.filter_documents, filters)

    async def write_documents_async(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        return await asyncio.to_thread(self.write_documents, documents, policy)

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        await asyncio.to_thread(self.delete_documents, document_ids)

    async def delete_all_documents_async(self) -> None:
        await asyncio.to_thread(self.delete_all_documents)

    async def delete_by_filter_async(self, filters: dict[str, Any]) -> int:
        return await asyncio.to_thread(self.delete_by_filter, filters)

    async def count_documents_by_filter_async(self, filters: dict[str, Any]) -> int:
        return await asyncio.to_thread(self.count_documents_by_filter, filters)

    async def update_by_filter_async(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        return await asyncio.to_thread(self.update_by_filter, filters, meta)

    # For the retrievers

    def find(
        self,
        mode: Mode,
        *,
        query: str = "",
        embedding: Sequence[float] | None = None,
        filters: Filters = None,
        top_k: int = 10,
        dense_weight: float = SearchOptions().dense_weight,
        return_embedding: bool = False,
    ) -> list[Document]:
        """Search by vector, by words, or by both."""
        where = to_filter(filters)
        if mode is not Mode.LEXICAL and self.collection.count(where=IsNull(BARE, negated=True)):
            where = together(where, IsNull(BARE))
        options = SearchOptions(k=top_k, mode=mode, where=where, dense_weight=dense_weight)
        hits = self._storage.search(options, text=query, vector=embedding)
        if not return_embedding:
            return [from_hit(hit) for hit in hits]
        rows = self.collection.store.vectors([hit.chunk.id for hit in hits])
        return [from_hit(hit, row) for hit, row in zip(hits, rows, strict=True)]

    def embed(self, query: str) -> list[float]:
        """Vector of a question, by the collection's own model."""
        found: list[float] = self.collection.encoder.encode([query], role="query")[0].tolist()
        return found

    # How

    def _can_embed(self, document: Document) -> bool:
        return self._embeds and bool(document.content and document.content.strip())

    def _distinct(self, documents: list[Document], policy: DuplicatePolicy) -> list[Document]:
        """Each id once: the last of several overwrites the others, the first one skips them."""
        if policy is DuplicatePolicy.OVERWRITE:
            return list({document.id: document for document in documents}.values())
        there = {chunk.id for chunk in self._storage.present([d.id for d in documents])}
        first: dict[str, Document] = {}
        for document in documents:
            first.setdefault(document.id, document)
        return [document for id_, document in first.items() if id_ not in there]

    def _rows(self, documents: list[Document], bare: list[bool]) -> FloatArray:
        dimension = self.collection.store.dimension
        rows = np.zeros((len(documents), dimension), dtype=np.float32)
        rows[:, 0] = np.where(bare, 1.0, 0.0)  # placeholders, which no search by vector sees
        given = [at for at, d in enumerate(documents) if d.embedding is not None]
        for at in given:
            vector = np.asarray(documents[at].embedding, dtype=np.float32)
            if vector.shape != (dimension,):
                raise InputError(
                    f"the embedding of {documents[at].id!r} has shape {vector.shape} and the "
                    f"store's have {dimension} components: use the embedder of its model"
                )
            rows[at] = vector
        due = [at for at, d in enumerate(documents) if d.embedding is None and not bare[at]]
        if due:
            rows[due] = self._storage.encode([str(documents[at].content) for at in due])
        return rows
