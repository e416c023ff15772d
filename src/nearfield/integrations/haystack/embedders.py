"""A model of Nearfield as Haystack's embedders."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from haystack import component, default_from_dict, default_to_dict
from haystack.dataclasses import Document

from nearfield.errors import InputError
from nearfield.models.precision import AUTO
from nearfield.models.resolve import default_model, load
from nearfield.protocols import Encoder
from nearfield.types import Role

__all__ = ["NearfieldDocumentEmbedder", "NearfieldTextEmbedder"]


class _Model:
    """A model by name, loaded when it is needed or warmed up."""

    def __init__(self, model: str, dimensions: int | None, precision: str) -> None:
        self.model = model or default_model()
        self.dimensions, self.precision = dimensions, precision
        self._encoder: Encoder | None = None

    def warm_up(self) -> None:
        """Load the model."""
        if self._encoder is None:
            self._encoder = load(self.model, dimensions=self.dimensions, precision=self.precision)

    @property
    def encoder(self) -> Encoder:
        """The model itself."""
        self.warm_up()
        assert self._encoder is not None
        return self._encoder


@component
class NearfieldTextEmbedder(_Model):
    """Embeds a question.

    Parameters
    ----------
    model : str
        A name as :func:`nearfield.load` takes it; by default the default model.
    dimensions : int, optional
        Keep only the first so many components (Matryoshka truncation).
    precision : {"auto", "exact", "fast"}
    """

    def __init__(
        self, model: str = "", dimensions: int | None = None, precision: str = AUTO
    ) -> None:
        _Model.__init__(self, model, dimensions, precision)  # @component makes another class

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(
            self, model=self.model, dimensions=self.dimensions, precision=self.precision
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NearfieldTextEmbedder:
        found: NearfieldTextEmbedder = default_from_dict(cls, data)
        return found

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """Embed one text as a question.

        Raises
        ------
        TypeError
            The text is none.
        """
        if not isinstance(text, str):
            raise TypeError(f"text is a {type(text).__name__}: documents have their own embedder")
        return {"embedding": self.encoder.encode([text], role=Role.QUERY)[0].tolist()}

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, Any]:
        return await asyncio.to_thread(self.run, text)


@component
class NearfieldDocumentEmbedder(_Model):
    """Embeds documents; what comes back are copies with embeddings.

    Parameters
    ----------
    model, dimensions, precision
        As for :class:`NearfieldTextEmbedder`; of both embedders the same.
    meta_fields_to_embed : list of str, optional
        Metadata that are read before the content, such as a title.
    embedding_separator : str
        Stands between these and the content.
    """

    def __init__(
        self,
        model: str = "",
        dimensions: int | None = None,
        precision: str = AUTO,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
    ) -> None:
        _Model.__init__(self, model, dimensions, precision)  # @component makes another class
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(
            self,
            model=self.model,
            dimensions=self.dimensions,
            precision=self.precision,
            meta_fields_to_embed=self.meta_fields_to_embed,
            embedding_separator=self.embedding_separator,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NearfieldDocumentEmbedder:
        found: NearfieldDocumentEmbedder = default_from_dict(cls, data)
        return found

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """Embed documents.

        Raises
        ------
        TypeError
            These are no documents.
        InputError
            A document has no content.
        """
        if not isinstance(documents, list) or not all(isinstance(d, Document) for d in documents):
            raise TypeError("expected a list of Documents: texts have their own embedder")
        empty = [d.id for d in documents if not self._text(d).strip()]
        if empty:
            raise InputError(f"{len(empty)} document(s) without content, such as {empty[0]!r}")
        rows = self.encoder.encode([self._text(d) for d in documents], role=Role.DOCUMENT)
        embedded = [
            replace(document, embedding=row.tolist())
            for document, row in zip(documents, rows, strict=True)
        ]
        card = self.encoder.card
        return {
            "documents": embedded,
            "meta": {"model": card.name, "fingerprint": card.fingerprint},
        }

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    async def run_async(self, documents: list[Document]) -> dict[str, Any]:
        return await asyncio.to_thread(self.run, documents)

    def _text(self, document: Document) -> str:
        named = [document.meta.get(name) for name in self.meta_fields_to_embed]
        parts = [str(value) for value in named if value is not None]
        return self.embedding_separator.join([*parts, document.content or ""])
