"""LangChain's documents as passages, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.documents import Document

from nearfield.integrations.common.metadata import described, pack
from nearfield.types import Chunk, Hit

__all__ = ["to_chunk", "to_document", "with_score"]


def to_chunk(text: str, metadata: Mapping[str, Any] | None, id_: str) -> Chunk:
    """The passage that stores one text."""
    return Chunk(id_, id_, text, 0, len(text), metadata=pack(metadata or {}, id_))


def to_document(chunk: Chunk) -> Document:
    """The document that a passage is to LangChain."""
    return Document(id=chunk.id, page_content=chunk.text, metadata=described(chunk))


def with_score(hit: Hit) -> tuple[Document, float]:
    """A hit as LangChain's pairs."""
    return to_document(hit.chunk), hit.score
