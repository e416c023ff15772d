"""What the chunkers that need nothing but the text have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

from nearfield.documents.chunkers import passages
from nearfield.documents.chunkers.boundaries import Span
from nearfield.documents.chunkers.ruler import Ruler, ruler_for
from nearfield.documents.chunkers.settings import ChunkSettings, default_size, describe
from nearfield.protocols import Encoder, Tokenizer
from nearfield.types import Chunk, Document

__all__ = ["TextChunker"]


class TextChunker(ABC):
    """A chunker that says where to cut; lengths, offsets and places are seen to here.

    Parameters
    ----------
    settings : ChunkSettings, optional
        200 tokens, or 1,000 characters without a tokenizer; no overlap.
    tokenizer : Tokenizer, optional
        Whose tokens are counted; characters are counted without one.
    """

    name: ClassVar[str]

    def __init__(
        self, settings: ChunkSettings | None = None, *, tokenizer: Tokenizer | None = None
    ) -> None:
        self.settings = settings or ChunkSettings(default_size(tokenizer))
        self.tokenizer = tokenizer

    @classmethod
    def make(
        cls,
        *,
        tokenizer: Tokenizer | None,
        encoder: Encoder | None,
        size: int,
        overlap: int,
    ) -> Self:
        """Build one from what :func:`nearfield.documents.chunkers.make` was given."""
        del encoder
        return cls(ChunkSettings(size, overlap), tokenizer=tokenizer)

    @property
    def spec(self) -> str:
        return describe(self.name, self.settings, self.tokenizer)

    def chunk(self, document: Document) -> list[Chunk]:
        spans = self.cut(document, ruler_for(document.text, self.tokenizer))
        return passages.chunks(document, spans, self.tokenizer, self.settings.size)

    @abstractmethod
    def cut(self, document: Document, ruler: Ruler) -> list[Span]:
        """Spans of the passages, in order; white space at their edges does not matter."""
