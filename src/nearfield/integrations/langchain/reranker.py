"""A cross-encoder as LangChain's document compressor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import Field, PrivateAttr

from nearfield.models.rerank import DEFAULT_RERANKER, load
from nearfield.protocols import Reranker

__all__ = ["NearfieldReranker"]


class NearfieldReranker(BaseDocumentCompressor):
    """Reads each document together with the question and keeps the best.

    What comes back are copies with the model's logit as ``relevance_score`` in the metadata.

    Parameters
    ----------
    model : str
        A reranker's name or folder.
    top_n : int
        Most documents to keep, at least 1.
    """

    model: str = DEFAULT_RERANKER
    top_n: int = Field(default=5, ge=1)
    _encoder: Reranker | None = PrivateAttr(default=None)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        """The `top_n` documents that answer best, best first; ties keep their order."""
        if not documents:
            return []
        if self._encoder is None:
            self._encoder = load(self.model)
        scores = self._encoder.score(query, [each.page_content for each in documents])
        order = np.argsort(-scores, kind="stable")[: self.top_n]
        return [_scored(documents[at], float(scores[at])) for at in order]


def _scored(document: Document, score: float) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, "relevance_score": score}})
