"""Nearfield in LlamaIndex (``llama-index-core``): embedding, store, retriever and reranker."""

from __future__ import annotations

from nearfield.errors import MissingExtra

try:
    import llama_index.core  # noqa: F401
except ImportError as error:
    raise MissingExtra("the LlamaIndex integration", "llamaindex") from error

from nearfield.integrations.llamaindex.embedding import NearfieldEmbedding
from nearfield.integrations.llamaindex.reranker import NearfieldRerank
from nearfield.integrations.llamaindex.retriever import NearfieldRetriever
from nearfield.integrations.llamaindex.vectorstore import NearfieldVectorStore

__all__ = ["NearfieldEmbedding", "NearfieldRerank", "NearfieldRetriever", "NearfieldVectorStore"]
