"""A model of Nearfield as LlamaIndex's ``BaseEmbedding``."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

from nearfield.integrations.common.model import NamedModel, open_model
from nearfield.models.precision import AUTO
from nearfield.protocols import Encoder
from nearfield.types import Role

__all__ = ["NearfieldEmbedding"]


class NearfieldEmbedding(BaseEmbedding):
    """Embeds on this machine; prompts for questions and documents are the model's own.

    Parameters
    ----------
    model_name : str
        A name as :func:`nearfield.load` takes it; by default the default model.
    dimensions : int, optional
        Keep only the first so many components (Matryoshka truncation).
    precision : {"auto", "exact", "fast"}
    **options
        Of ``BaseEmbedding``, such as ``embed_batch_size`` or ``embeddings_cache``.

    Raises
    ------
    ModelNotInstalled, UnknownName
        As :func:`nearfield.load`.
    """

    dimensions: int | None = None
    precision: str = AUTO
    _opened: NamedModel = PrivateAttr()

    def __init__(
        self,
        model_name: str = "",
        *,
        dimensions: int | None = None,
        precision: str = AUTO,
        **options: Any,
    ) -> None:
        opened = open_model(model_name, dimensions=dimensions, precision=precision)
        super().__init__(
            model_name=opened.name, dimensions=dimensions, precision=precision, **options
        )
        self._opened = opened

    @classmethod
    def class_name(cls) -> str:
        return "NearfieldEmbedding"

    @property
    def encoder(self) -> Encoder:
        """The model itself."""
        return self._opened.encoder

    @property
    def opened(self) -> NamedModel:
        """The model and the name that finds it again."""
        return self._opened

    @property
    def fingerprint(self) -> str:
        """Identity of the model's space, 64 hexadecimal characters."""
        return self.encoder.card.fingerprint

    def _get_query_embedding(self, query: str) -> list[float]:
        found: list[float] = self.encoder.encode([query], role=Role.QUERY)[0].tolist()
        return found

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self.encoder.encode(texts, role=Role.DOCUMENT).tolist()
        return found

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)
