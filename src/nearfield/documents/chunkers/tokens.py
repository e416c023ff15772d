"""Passages of equal length: windows over the tokens."""

from __future__ import annotations

from nearfield.documents.chunkers import passages
from nearfield.documents.chunkers.base import TextChunker
from nearfield.documents.chunkers.boundaries import Span, place_between, skip_space
from nearfield.documents.chunkers.ruler import Ruler
from nearfield.types import Document

__all__ = ["TokenChunker"]


class TokenChunker(TextChunker):
    """Cut every so many tokens, at the nearest white space before.

    The plain method that others are compared with: it sees neither sentences nor sections.
    Words are cut only where one fills more than half a window, graphemes never.

    Parameters
    ----------
    settings : ChunkSettings, optional
        200 tokens, or 1,000 characters without a tokenizer; no overlap.
    tokenizer : Tokenizer, optional
        Whose tokens are counted; characters are counted without one.

    Examples
    --------
    >>> from nearfield.documents.chunkers import ChunkSettings
    >>> chunker = TokenChunker(ChunkSettings(size=14, overlap=5))
    >>> [chunk.text for chunk in chunker.chunk(Document("d", "One two three four five six"))]
    ['One two', 'two three', 'four five', 'five six']
    """

    name = "tokens"

    def cut(self, document: Document, ruler: Ruler) -> list[Span]:
        text, settings = document.text, self.settings
        windows = _windows(text, ruler, settings.size - settings.overlap)
        return passages.with_overlap(text, windows, (), ruler, settings.overlap)


def _windows(text: str, ruler: Ruler, size: int) -> list[Span]:
    """Cut every `size` units, at the last end of a word in the window's second half."""
    windows: list[Span] = []
    length = len(text)
    start = skip_space(text, 0, length)
    while start < length:
        end = ruler.farthest(start, size)
        if end < length:
            end = place_between(text, start, ruler.farthest(start, size // 2), end, length)
        windows.append((start, end))
        start = skip_space(text, end, length)
    return windows
