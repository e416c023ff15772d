"""Nearfield in LangChain: embeddings, vector store, retriever and reranker (``langchain-core``)."""

from __future__ import annotations

from nearfield.errors import MissingExtra

try:
    import langchain_core  # noqa: F401
except ImportError as error:
    raise MissingExtra("the LangChain integration", "langchain") from error

from nearfield.integrations.langchain.embeddings import NearfieldEmbeddings
from nearfield.integrations.langchain.reranker import NearfieldReranker
from nearfield.integrations.langchain.retriever import NearfieldRetriever
from nearfield.integrations.langchain.vectorstore import NearfieldVectorStore

__all__ = [
    "NearfieldEmbeddings",
    "NearfieldReranker",
    "NearfieldRetriever",
    "NearfieldVectorStore",
]
