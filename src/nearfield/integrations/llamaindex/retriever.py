"""A collection as LlamaIndex's retriever, in every search mode."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from nearfield.collection import Collection, open_collection
from nearfield.filters import Filter, parse
from nearfield.integrations.llamaindex.nodes import to_node
from nearfield.search.options import Mode, SearchOptions

__all__ = ["NearfieldRetriever"]


class NearfieldRetriever(BaseRetriever):
    """Finds passages of a collection, indexed by Nearfield or written by a host.

    Parameters
    ----------
    collection : Collection, str or Path
        Open, or the folder of one.
    k : int
        Most nodes to return.
    mode : {"dense", "lexical", "hybrid", "sparse", "late"}
    where : str or Filter, optional
    rerank : bool or str
        Read the best candidates again together with the question.
    options : SearchOptions, optional
        Everything else; what stands above goes before it.
    **base
        Of ``BaseRetriever``.
    """

    def __init__(
        self,
        collection: Collection | str | Path,
        *,
        k: int = 10,
        mode: Mode | str = Mode.DENSE,
        where: Filter | str | None = None,
        rerank: bool | str = False,
        options: SearchOptions | None = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        if not isinstance(collection, Collection):
            collection = open_collection(collection, create=False)
        self.collection = collection
        self.rerank = rerank
        chosen = replace(options or SearchOptions(), k=k, mode=Mode.of(mode))
        if where is not None:
            chosen = replace(chosen, where=parse(where) if isinstance(where, str) else where)
        self.options = chosen

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self.collection.search(
            query_bundle.query_str, rerank=self.rerank, options=self.options
        )
        return [NodeWithScore(node=to_node(hit.chunk), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
