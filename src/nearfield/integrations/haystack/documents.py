"""Haystack's documents as passages, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from haystack.dataclasses import ByteStream, Document, SparseEmbedding

from nearfield.integrations.common.metadata import KEPT, described, pack, unpack
from nearfield.types import Chunk, FloatArray, Hit

__all__ = ["BARE", "from_hit", "to_chunk", "to_document", "with_meta"]

BARE = "_bare"
"""Field of documents without an embedding: no search by vector finds them."""

_REST = "_document"
"""Field with the JSON of what a passage has no place for: blob, sparse embedding, no content."""


def to_chunk(document: Document, *, bare: bool) -> Chunk:
    """The passage that stores one document.

    Parameters
    ----------
    document : Document
    bare : bool
        It has no vector, and a placeholder will stand for it.
    """
    fields = pack(document.meta, document.id)
    rest: dict[str, Any] = {}
    if document.content is None:
        rest["content"] = None
    if document.blob is not None:
        rest["blob"] = document.blob.to_dict()
    if document.sparse_embedding is not None:
        rest["sparse_embedding"] = document.sparse_embedding.to_dict()
    if rest:
        fields[_REST] = json.dumps(rest, ensure_ascii=False)
    if bare:
        fields[BARE] = True
    text = document.content or ""
    return Chunk(document.id, document.id, text, 0, len(text), metadata=fields)


def to_document(
    chunk: Chunk, row: FloatArray | None = None, score: float | None = None
) -> Document:
    """The document that a passage is to Haystack; with its embedding where `row` is given."""
    rest = json.loads(str(chunk.metadata.get(_REST, "{}")))
    meta = described(chunk)
    for name in (_REST, BARE):
        meta.pop(name, None)
    blob, sparse = rest.get("blob"), rest.get("sparse_embedding")
    has_vector = row is not None and BARE not in chunk.metadata
    return Document(
        id=chunk.id,
        content=rest.get("content", chunk.text),
        blob=ByteStream.from_dict(blob) if blob else None,
        meta=meta,
        score=score,
        embedding=row.tolist() if row is not None and has_vector else None,
        sparse_embedding=SparseEmbedding.from_dict(sparse) if sparse else None,
    )


def from_hit(hit: Hit, row: FloatArray | None = None) -> Document:
    """A hit as a document with its score."""
    return to_document(hit.chunk, row, hit.score)


def with_meta(chunk: Chunk, meta: dict[str, Any]) -> Chunk:
    """The same passage with more metadata, or other values for those it has."""
    own = {name: chunk.metadata[name] for name in (_REST, BARE) if name in chunk.metadata}
    plain = {name: value for name, value in chunk.metadata.items() if name not in own}
    fields = pack(unpack(plain) | meta, chunk.id)
    assert KEPT not in own
    return replace(chunk, metadata={**fields, **own})
