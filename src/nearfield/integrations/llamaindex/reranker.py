"""A cross-encoder as LlamaIndex's node postprocessor."""

from __future__ import annotations

import numpy as np
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from nearfield.errors import InputError
from nearfield.models.rerank import DEFAULT_RERANKER, load
from nearfield.protocols import Reranker

__all__ = ["NearfieldRerank"]


class NearfieldRerank(BaseNodePostprocessor):
    """Reads each node together with the question and keeps the best; scores are logits.

    Parameters
    ----------
    model : str
        A reranker's name or folder.
    top_n : int
        Most nodes to keep, at least 1.
    """

    model: str = Field(default=DEFAULT_RERANKER)
    top_n: int = Field(default=5, ge=1)
    _encoder: Reranker | None = PrivateAttr(default=None)

    @classmethod
    def class_name(cls) -> str:
        return "NearfieldRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise InputError("a reranker reads the question: pass a query_bundle or a query_str")
        if not nodes:
            return []
        if self._encoder is None:
            self._encoder = load(self.model)
        texts = [each.node.get_content(metadata_mode=MetadataMode.EMBED) for each in nodes]
        scores = self._encoder.score(query_bundle.query_str, texts)
        order = np.argsort(-scores, kind="stable")[: self.top_n]
        return [NodeWithScore(node=nodes[at].node, score=float(scores[at])) for at in order]
