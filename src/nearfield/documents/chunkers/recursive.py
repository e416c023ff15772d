"""Passages along paragraphs, then lines, sentences, clauses, words and graphemes."""

from __future__ import annotations

from nearfield.documents.chunkers import passages
from nearfield.documents.chunkers.base import TextChunker
from nearfield.documents.chunkers.boundaries import Span
from nearfield.documents.chunkers.outline import marks
from nearfield.documents.chunkers.ruler import Ruler
from nearfield.types import Document

__all__ = ["RecursiveChunker"]


class RecursiveChunker(TextChunker):
    r"""Cut at the highest boundary that leaves passages full and even.

    The default: it needs nothing but the text, and works in every language and for code.
    All cuts of a document are chosen together (:mod:`nearfield.documents.chunkers.pack`), so
    there is no scrap at its end, and a heading stays with the text below it.

    Parameters
    ----------
    settings : ChunkSettings, optional
        200 tokens, or 1,000 characters without a tokenizer; no overlap.
    tokenizer : Tokenizer, optional
        Whose tokens are counted; characters are counted without one.

    Examples
    --------
    >>> from nearfield.documents.chunkers import ChunkSettings
    >>> chunker = RecursiveChunker(ChunkSettings(size=24))
    >>> document = Document("d", "One two three. Four five six.\n\nSeven eight.")
    >>> [chunk.text for chunk in chunker.chunk(document)]
    ['One two three.', 'Four five six.', 'Seven eight.']
    >>> chunker.spec
    'recursive(size=24, overlap=0, unit=characters)'
    """

    name = "recursive"

    def cut(self, document: Document, ruler: Ruler) -> list[Span]:
        marked = marks(document)
        sentences = passages.marked_sentences(document.text, marked)
        return passages.cut(document.text, sentences, marked, ruler, self.settings)
