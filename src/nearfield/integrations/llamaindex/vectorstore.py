"""A collection as LlamaIndex's vector store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)

from nearfield.collection import Collection
from nearfield.collection.locate import is_collection
from nearfield.errors import InputError
from nearfield.filters import And, Compare, Filter, In, IsNull, Operator, Or
from nearfield.integrations.common.metadata import by_id, together
from nearfield.integrations.common.outside import OutsideEncoder
from nearfield.integrations.common.storage import Model, Storage
from nearfield.integrations.llamaindex.embedding import NearfieldEmbedding
from nearfield.integrations.llamaindex.filters import to_filter
from nearfield.integrations.llamaindex.nodes import NODE, REF, to_chunk, to_node
from nearfield.metric import Metric
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import Chunk, FloatArray, Hit

__all__ = ["NearfieldVectorStore"]

_MODES = {
    VectorStoreQueryMode.DEFAULT: Mode.DENSE,
    VectorStoreQueryMode.MMR: Mode.DENSE,
    VectorStoreQueryMode.SPARSE: Mode.LEXICAL,
    VectorStoreQueryMode.TEXT_SEARCH: Mode.LEXICAL,
    VectorStoreQueryMode.HYBRID: Mode.HYBRID,
}
_MMR_PREFETCH = 4
_BALANCED = 0.5


class NearfieldVectorStore(BasePydanticVectorStore):
    """A durable collection behind LlamaIndex's interface; nodes come back with everything.

    Query modes: ``default`` and ``mmr`` compare vectors, ``sparse`` and ``text_search`` words
    (BM25), ``hybrid`` both. Similarities are scores of the collection: higher is closer.

    Parameters
    ----------
    path : str or Path, optional
        The collection's folder, made if it is missing. Without one it is temporary.
    embed_model : BaseEmbedding, optional
        Whose vectors these are: a collection of another model is refused. Without it, only
        lengths of vectors can be compared.
    metric : {"cosine", "dot", "euclidean"}
        New collections only.
    language : str, optional
        Of the texts, for searches by words; new collections only.

    Raises
    ------
    FingerprintMismatch
        The collection was made by another model.
    """

    stores_text: bool = True
    flat_metadata: bool = False
    path: str | None = None
    metric: str = Metric.COSINE.value
    language: str | None = None
    _storage: Storage | None = PrivateAttr(default=None)
    _model: Model = PrivateAttr(default=None)

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        embed_model: BaseEmbedding | None = None,
        metric: Metric | str = Metric.COSINE,
        language: str | None = None,
        **base: Any,
    ) -> None:
        place = None if path is None else str(path)
        super().__init__(path=place, metric=Metric.of(metric).value, language=language, **base)
        self._model = _model_of(embed_model)
        if self._model is not None or (place is not None and is_collection(Path(place))):
            self._open(self._model)

    @classmethod
    def class_name(cls) -> str:
        return "NearfieldVectorStore"

    @property
    def client(self) -> Collection | None:
        """The collection underneath; None before the first node of an unknown model."""
        return None if self._storage is None else self._storage.collection

    def close(self) -> None:
        """Release the files; a temporary collection goes. Closing twice is harmless."""
        if self._storage is not None:
            self._storage.close()

    # Writing

    def add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        """Add nodes with their embeddings, or replace those whose ids are there."""
        given = list(nodes)
        if not given:
            return []
        rows = np.asarray([node.get_embedding() for node in given], dtype=np.float32)
        storage = self._storage or self._open(OutsideEncoder.handed("llamaindex", rows.shape[1]))
        storage.upsert([to_chunk(node) for node in given], rows)
        return [node.node_id for node in given]

    async def async_add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        return await asyncio.to_thread(self.add, nodes, **kwargs)

    def delete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        """Delete the nodes of one document; an unknown document has none."""
        if self._storage is not None:
            cut_from = Compare("document", Operator.EQ, ref_doc_id)
            of_a_file = And((IsNull(NODE), cut_from))
            self._storage.delete_where(Or((Compare(REF, Operator.EQ, ref_doc_id), of_a_file)))

    async def adelete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        await asyncio.to_thread(self.delete, ref_doc_id, **delete_kwargs)

    def delete_nodes(
        self,
        node_ids: list[str] | None = None,
        filters: MetadataFilters | None = None,
        **delete_kwargs: Any,
    ) -> None:
        """Delete nodes by id, by filter, or by both together."""
        if node_ids is None and filters is None:
            raise InputError("give node_ids or filters to delete by; clear() deletes all nodes")
        if self._storage is not None:
            self._storage.delete_where(self._where(node_ids, filters))

    async def adelete_nodes(
        self,
        node_ids: list[str] | None = None,
        filters: MetadataFilters | None = None,
        **delete_kwargs: Any,
    ) -> None:
        await asyncio.to_thread(self.delete_nodes, node_ids, filters, **delete_kwargs)

    def clear(self) -> None:
        """Delete all nodes."""
        if self._storage is not None:
            self._storage.delete_where(None)

    async def aclear(self) -> None:
        await asyncio.to_thread(self.clear)

    # Reading

    def get_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Nodes by id, in that order, or in order of insertion; with their embeddings."""
        if self._storage is None:
            return []
        where = self._where(node_ids, filters)
        found = {chunk.id: _with(chunk, row) for chunk, row in self._storage.chunks(where)}
        return [found[id_] for id_ in node_ids or found if id_ in found]

    async def aget_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        return await asyncio.to_thread(self.get_nodes, node_ids, filters)

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """Find nodes.

        Raises
        ------
        InputError
            The query's mode is none of those above, or needs words or a vector that it lacks.
        """
        if query.mode not in _MODES:
            raise InputError(
                f"query mode {query.mode.value!r} is not offered: use one of "
                f"{', '.join(mode.value for mode in _MODES)}"
            )
        if self._storage is None:
            return VectorStoreQueryResult(nodes=[], similarities=[], ids=[])
        if query.mode is VectorStoreQueryMode.MMR:
            hits = self._spread(self._storage, query, kwargs)
        else:
            text, vector = query.query_str or "", query.query_embedding
            hits = self._storage.search(self._options(query), text=text, vector=vector)
        return VectorStoreQueryResult(
            nodes=[to_node(hit.chunk) for hit in hits],
            similarities=[hit.score for hit in hits],
            ids=[hit.chunk.id for hit in hits],
        )

    async def aquery(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        return await asyncio.to_thread(self.query, query, **kwargs)

    # How

    def _open(self, model: Model) -> Storage:
        self._storage = Storage(self.path, model=model, metric=self.metric, language=self.language)
        return self._storage

    def _spread(
        self, storage: Storage, query: VectorStoreQuery, asked: dict[str, Any]
    ) -> list[Hit]:
        """Maximal marginal relevance; a threshold of 1 looks at relevance alone."""
        if query.query_embedding is None:
            raise InputError("query mode 'mmr' compares vectors: give a query_embedding")
        threshold = asked.get("mmr_threshold", query.mmr_threshold)
        share = _BALANCED if threshold is None else float(threshold)
        if not 0.0 <= share <= 1.0:
            raise InputError(f"mmr_threshold is {share}: expected a share from 0 to 1")
        wide = int(query.similarity_top_k * asked.get("mmr_prefetch_factor", _MMR_PREFETCH))
        among = replace(self._options(query), k=max(wide, 1))
        return storage.spread(
            query.query_embedding, query.similarity_top_k, among=among, diversity=1.0 - share
        )

    def _options(self, query: VectorStoreQuery) -> SearchOptions:
        mode = _MODES[query.mode]
        k = query.similarity_top_k
        if mode is Mode.HYBRID:
            k = query.hybrid_top_k or k
        elif mode is Mode.LEXICAL:
            k = query.sparse_top_k or k
        usual, alpha = SearchOptions(), query.alpha
        # An index whose store keeps the texts asks with an empty list of nodes, and means all.
        return SearchOptions(
            k=k,
            mode=mode,
            where=together(
                self._where(query.node_ids or None, query.filters),
                In(REF, tuple(query.doc_ids)) if query.doc_ids else None,
            ),
            candidates=max(usual.candidates, k, query.sparse_top_k or 0),
            dense_weight=usual.dense_weight if alpha is None else alpha,
        )

    def _where(self, node_ids: list[str] | None, filters: MetadataFilters | None) -> Filter | None:
        ids = None if node_ids is None else by_id(node_ids)
        return together(ids, to_filter(filters, self._texts_of))

    def _texts_of(self, field: str) -> set[str]:
        """Every text that a field has, alone or in a list."""
        assert self._storage is not None
        found: set[str] = set()
        for chunk, _ in self._storage.chunks():
            value = chunk.fields().get(field)
            values = [value] if isinstance(value, str) else value
            if isinstance(values, list | tuple):
                found.update(each for each in values if isinstance(each, str))
        return found


def _model_of(embed_model: BaseEmbedding | None) -> Model:
    if embed_model is None:
        return None
    if isinstance(embed_model, NearfieldEmbedding):
        return embed_model.opened
    return OutsideEncoder.probed(
        f"llamaindex:{embed_model.class_name()}:{embed_model.model_name}",
        embed_model.get_text_embedding_batch,
        lambda texts: [embed_model.get_query_embedding(text) for text in texts],
    )


def _with(chunk: Chunk, row: FloatArray) -> BaseNode:
    node = to_node(chunk)
    node.embedding = row.tolist()
    return node
