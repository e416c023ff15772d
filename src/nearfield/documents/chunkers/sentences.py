"""Passages of whole sentences."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from nearfield.documents.chunkers import passages
from nearfield.documents.chunkers.base import TextChunker
from nearfield.documents.chunkers.boundaries import Level, Piece, Span, pieces
from nearfield.documents.chunkers.outline import marks
from nearfield.documents.chunkers.ruler import Ruler
from nearfield.documents.chunkers.settings import ChunkSettings
from nearfield.types import Document

__all__ = ["SentenceChunker"]


class SentenceChunker(TextChunker):
    """Fill each passage with as many whole sentences as fit, and repeat whole sentences.

    Paragraphs and sections are not looked at. A sentence that is longer than a passage is
    cut at clauses, then words, then graphemes.

    Parameters
    ----------
    settings : ChunkSettings, optional
        200 tokens, or 1,000 characters without a tokenizer; no overlap. The overlap is the
        most that the repeated sentences may measure.
    tokenizer : Tokenizer, optional
        Whose tokens are counted; characters are counted without one.

    Examples
    --------
    >>> chunker = SentenceChunker(ChunkSettings(size=12, overlap=6))
    >>> [chunk.text for chunk in chunker.chunk(Document("d", "One. Two. Three. Four. Five."))]
    ['One. Two.', 'Two. Three.', 'Three. Four.', 'Four. Five.']
    """

    name = "sentences"

    def cut(self, document: Document, ruler: Ruler) -> list[Span]:
        text = document.text
        found = passages.marked_sentences(text, marks(document))
        parts = pieces(text, found, (), ruler, self.settings.size, join=False)
        return _filled(parts, ruler, self.settings)


def _filled(parts: Sequence[Piece], ruler: Ruler, settings: ChunkSettings) -> list[Span]:
    """Fill passages one after the other; each repeats the sentences that fit the overlap."""
    starts = [part.start for part in parts]
    spans: list[Span] = []
    first = 0
    while first < len(parts):
        stop = first + 1
        while stop < len(parts) and _fits(parts, first, stop, ruler, settings.size):
            stop += 1
        spans.append((parts[first].start, parts[stop - 1].end))
        if stop == len(parts):
            break
        low = ruler.nearest(parts[stop - 1].end, settings.overlap)
        first = max(bisect_left(starts, low), first + 1) if settings.overlap else stop
        # What is repeated must be whole sentences, and must leave room for something new.
        while first < stop and (
            parts[first].level > Level.SENTENCE
            or not _fits(parts, first, stop, ruler, settings.size)
        ):
            first += 1
    return spans


def _fits(parts: Sequence[Piece], first: int, last: int, ruler: Ruler, size: int) -> bool:
    return ruler.length(parts[first].start, parts[last].end) <= size
