"""Nearfield in Haystack: document store, embedders, retrievers and ranker (``haystack-ai``)."""

from __future__ import annotations

from nearfield.errors import MissingExtra

try:
    import haystack  # noqa: F401
except ImportError as error:
    raise MissingExtra("the Haystack integration", "haystack") from error

from nearfield.integrations.haystack.document_store import NearfieldDocumentStore
from nearfield.integrations.haystack.embedders import (
    NearfieldDocumentEmbedder,
    NearfieldTextEmbedder,
)
from nearfield.integrations.haystack.ranker import NearfieldRanker
from nearfield.integrations.haystack.retrievers import (
    NearfieldBM25Retriever,
    NearfieldEmbeddingRetriever,
    NearfieldHybridRetriever,
)

__all__ = [
    "NearfieldBM25Retriever",
    "NearfieldDocumentEmbedder",
    "NearfieldDocumentStore",
    "NearfieldEmbeddingRetriever",
    "NearfieldHybridRetriever",
    "NearfieldRanker",
    "NearfieldTextEmbedder",
]
