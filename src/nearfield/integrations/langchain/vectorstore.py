"""A collection as LangChain's ``VectorStore``."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables.config import run_in_executor
from langchain_core.vectorstores import VectorStore

from nearfield.collection import Collection
from nearfield.errors import InputError
from nearfield.integrations.common.outside import OutsideEncoder
from nearfield.integrations.common.storage import Model, Storage, Vector
from nearfield.integrations.langchain.documents import to_chunk, to_document, with_score
from nearfield.integrations.langchain.embeddings import NearfieldEmbeddings
from nearfield.integrations.langchain.filters import HostFilter, to_filter
from nearfield.metric import Metric
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import FloatArray, Hit, Role

__all__ = ["NearfieldVectorStore"]


class NearfieldVectorStore(VectorStore):
    """A durable collection behind LangChain's interface.

    Scores are those of the collection's metric: higher is closer. Filters are texts of Nearfield,
    dictionaries (see :mod:`nearfield.integrations.langchain.filters`) or filter trees.

    Parameters
    ----------
    embedding : Embeddings, optional
        Of Nearfield, or any other. By default the collection's own model, or for a new
        collection the default one.
    path : str or Path, optional
        The collection's folder, made if it is missing. Without one it is temporary.
    metric : {"cosine", "dot", "euclidean"}
        New collections only.
    language : str, optional
        Of the texts, for the mode ``hybrid``; new collections only.

    Raises
    ------
    FingerprintMismatch
        The collection was made by another model.

    Examples
    --------
    >>> from langchain_core.embeddings import DeterministicFakeEmbedding
    >>> store = NearfieldVectorStore(DeterministicFakeEmbedding(size=8))
    >>> store.add_texts(["a parka", "a hose"], ids=["p", "h"])
    ['p', 'h']
    >>> store.similarity_search("a parka", k=1)[0].id
    'p'
    """

    def __init__(
        self,
        embedding: Embeddings | None = None,
        path: str | Path | None = None,
        *,
        metric: Metric | str = Metric.COSINE,
        language: str | None = None,
    ) -> None:
        self._embedding = embedding
        self._storage = Storage(path, model=_model(embedding), metric=metric, language=language)

    @property
    def collection(self) -> Collection:
        """The collection underneath: count, audit, export."""
        return self._storage.collection

    @property
    def embeddings(self) -> Embeddings | None:
        return self._embedding

    def close(self) -> None:
        """Release the files; a temporary collection goes. Closing twice is harmless."""
        self._storage.close()

    # Writing

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Add texts, or replace those whose ids are there; returns the ids.

        Texts without an id get a random one.

        Raises
        ------
        InputError
            Numbers of texts, metadata and ids differ, or metadata have no JSON form.
        DuplicateId
            An id is given twice. Nothing was written, as with every other error.
        """
        _refuse(kwargs)
        given = list(texts)
        return self._put(given, metadatas, ids, self._storage.encode(given))

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        _refuse(kwargs)
        given = list(texts)
        if self._is_foreign:
            assert self._embedding is not None
            rows = np.asarray(await self._embedding.aembed_documents(given), dtype=np.float32)
            return await run_in_executor(None, self._put, given, metadatas, ids, rows)
        return await run_in_executor(None, self.add_texts, given, metadatas, ids=ids)

    def delete(
        self, ids: list[str] | None = None, *, filter: HostFilter = None, **kwargs: Any
    ) -> bool:
        """Delete by ids, by a filter, or, with neither, everything; unknown ids are passed over."""
        _refuse(kwargs)
        if ids is not None and filter is not None:
            raise InputError("give either ids or a filter to delete by")
        if ids is not None:
            self._storage.delete(ids)
        else:
            self._storage.delete_where(to_filter(filter))
        return True

    # Reading

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents that are there, in the order of `ids`."""
        return [to_document(chunk) for chunk in self._storage.present(ids)]

    def similarity_search(
        self, query: str, k: int = 4, filter: HostFilter = None, **kwargs: Any
    ) -> list[Document]:
        """The `k` nearest documents; ``mode="hybrid"`` or ``"lexical"`` also look at words."""
        found = self.similarity_search_with_score(query, k, filter, **kwargs)
        return [document for document, _ in found]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: HostFilter = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The `k` nearest documents with their scores; higher is closer."""
        options = _options(k, filter, kwargs)
        vector = None if options.mode is Mode.LEXICAL else self._question(query)
        return [with_score(hit) for hit in self._find(query, vector, options)]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: HostFilter = None, **kwargs: Any
    ) -> list[Document]:
        """The `k` documents nearest to a vector."""
        hits = self._find("", embedding, _options(k, filter, kwargs))
        return [to_document(hit.chunk) for hit in hits]

    async def asimilarity_search(
        self, query: str, k: int = 4, filter: HostFilter = None, **kwargs: Any
    ) -> list[Document]:
        found = await self.asimilarity_search_with_score(query, k, filter, **kwargs)
        return [document for document, _ in found]

    async def asimilarity_search_with_score(
        self, query: str, k: int = 4, filter: HostFilter = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        options = _options(k, filter, kwargs)
        vector = None if options.mode is Mode.LEXICAL else await self._aquestion(query)
        hits = await run_in_executor(None, self._find, query, vector, options)
        return [with_score(hit) for hit in hits]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: HostFilter = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Of the `fetch_k` nearest, `k` that do not repeat each other.

        `lambda_mult` 1 looks at relevance alone, 0 at difference alone.
        """
        return self.max_marginal_relevance_search_by_vector(
            self._question(query), k, fetch_k, lambda_mult, filter, **kwargs
        )

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: Vector,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: HostFilter = None,
        **kwargs: Any,
    ) -> list[Document]:
        _refuse(kwargs)
        if not 0.0 <= lambda_mult <= 1.0:
            raise InputError(f"lambda_mult is {lambda_mult}: expected a share from 0 to 1")
        hits = self._storage.spread(
            embedding, k, among=_options(fetch_k, filter, {}), diversity=1.0 - lambda_mult
        )
        return [to_document(hit.chunk) for hit in hits]

    async def amax_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: HostFilter = None,
        **kwargs: Any,
    ) -> list[Document]:
        vector = await self._aquestion(query)
        return await run_in_executor(
            None,
            lambda: self.max_marginal_relevance_search_by_vector(
                vector, k, fetch_k, lambda_mult, filter, **kwargs
            ),
        )

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        path: str | Path | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a store and add texts; keyword arguments as for the class."""
        store = cls(embedding, path, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        match self.collection.store.metric:
            case Metric.COSINE:
                return lambda score: (score + 1.0) / 2.0
            case Metric.EUCLIDEAN:
                return lambda score: 1.0 / (1.0 - score)  # scores are negated distances
            case Metric.DOT:
                return lambda score: 0.5 * (1.0 + float(np.tanh(0.5 * score)))

    # How

    @property
    def _is_foreign(self) -> bool:
        return self._embedding is not None and not isinstance(self._embedding, NearfieldEmbeddings)

    def _put(
        self,
        texts: list[str],
        metadatas: Sequence[dict[str, Any]] | None,
        ids: Sequence[str | None] | None,
        vectors: FloatArray,
    ) -> list[str]:
        for name, values in (("metadatas", metadatas), ("ids", ids)):
            if values and len(values) != len(texts):
                raise InputError(f"{len(values)} {name} for {len(texts)} texts: give one for each")
        names = [given or str(uuid.uuid4()) for given in (ids or [None] * len(texts))]
        extras = metadatas or [{}] * len(texts)
        chunks = [
            to_chunk(text, extra, name)
            for text, extra, name in zip(texts, extras, names, strict=True)
        ]
        self._storage.upsert(chunks, vectors)
        return names

    def _find(self, query: str, vector: Vector | None, options: SearchOptions) -> list[Hit]:
        row = None if vector is None else np.asarray(vector, dtype=np.float32)
        return self._storage.search(options, text=query, vector=row)

    def _question(self, query: str) -> FloatArray:
        return self.collection.encoder.encode([query], role=Role.QUERY)[0]

    async def _aquestion(self, query: str) -> FloatArray:
        if not self._is_foreign:
            return await run_in_executor(None, self._question, query)
        assert self._embedding is not None
        return np.asarray(await self._embedding.aembed_query(query), dtype=np.float32)


def _model(embedding: Embeddings | None) -> Model:
    if embedding is None:
        return None
    if isinstance(embedding, NearfieldEmbeddings):
        return embedding.opened
    stated = getattr(embedding, "model", None) or getattr(embedding, "model_name", None)
    name = f"langchain:{type(embedding).__name__}" + (f":{stated}" if stated else "")
    return OutsideEncoder.probed(
        name,
        embedding.embed_documents,
        lambda texts: [embedding.embed_query(text) for text in texts],
    )


def _options(k: int, filter: HostFilter, asked: dict[str, Any]) -> SearchOptions:
    mode = Mode.of(asked.get("mode", Mode.DENSE))
    _refuse({name: value for name, value in asked.items() if name != "mode"})
    if mode in {Mode.SPARSE, Mode.LATE}:
        raise InputError(
            f"mode {mode.value!r} needs the collection's model: use NearfieldRetriever"
        )
    return SearchOptions(k=k, where=to_filter(filter), mode=mode)


def _refuse(unknown: dict[str, Any]) -> None:
    if unknown:
        raise InputError(
            f"{', '.join(sorted(unknown))}: not understood here; a search takes k, filter and mode"
        )
