"""The steps that all chunkers share: from a document to what can be cut, and to chunks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from nearfield.documents import sentences
from nearfield.documents.chunkers.boundaries import (
    Level,
    Piece,
    Span,
    grapheme_at_or_after,
    pieces,
    skip_space,
    split_at,
)
from nearfield.documents.chunkers.outline import Marks, places
from nearfield.documents.chunkers.pack import cut_penalties, pack
from nearfield.documents.chunkers.ruler import Ruler, ruler_for
from nearfield.documents.chunkers.settings import ChunkSettings
from nearfield.protocols import Tokenizer
from nearfield.types import Chunk, Document

__all__ = ["chunks", "cut", "marked_sentences", "skip_space", "trim", "with_overlap", "word_from"]


def marked_sentences(text: str, marks: Marks) -> list[Span]:
    """Sentences of a text; none reaches across the start of a section or the end of a heading."""
    edges = sorted({*marks.starts, *marks.heading_ends})
    found = split_at(sentences.spans(text), edges)
    trimmed = (trim(text, start, end) for start, end in found)
    return [(start, end) for start, end in trimmed if start < end]


def cut(
    text: str, spans: Sequence[Span], marks: Marks, ruler: Ruler, settings: ChunkSettings
) -> list[Span]:
    """Cut sentences into passages by the recursive rule, with overlap."""
    room = settings.size - settings.overlap
    parts = pieces(text, spans, marks.starts, ruler, room)
    passages = pack(parts, ruler, room, cut_penalties(parts, marks.heading_ends))
    return with_overlap(text, passages, parts, ruler, settings.overlap)


def with_overlap(
    text: str, passages: Sequence[Span], parts: Sequence[Piece], ruler: Ruler, overlap: int
) -> list[Span]:
    """Let each passage start up to `overlap` units earlier, at the best place there is."""
    if not overlap or len(passages) < 2:
        return list(passages)
    whole = [part.start for part in parts if part.level <= Level.SENTENCE]
    grown = [passages[0]]
    for (previous, _), (start, end) in pairwise(passages):
        low = max(ruler.nearest(start, overlap), previous + 1)
        index = bisect_left(whole, low)
        if index < len(whole) and whole[index] < start:
            grown.append((whole[index], end))
        else:
            grown.append((word_from(text, low, previous, start), end))
    return grown


def word_from(text: str, low: int, previous: int, start: int) -> int:
    """The first word from `low` on; inside a word, or where no spaces are written, a grapheme.

    Where the overlap is shorter than the last word, nothing is repeated.
    """
    place = low
    while place < start and not text[place - 1].isspace():
        place += 1
    if place == start and not text[start - 1].isspace():
        place = grapheme_at_or_after(text, low, previous, start)
    return skip_space(text, place, start)


def chunks(
    document: Document, spans: Sequence[Span], tokenizer: Tokenizer | None, size: int
) -> list[Chunk]:
    """Make chunks of spans: trimmed, none empty, none too long, each with its place."""
    text = document.text
    trimmed = [trim(text, start, end) for start, end in spans]
    kept = [(start, end) for start, end in trimmed if start < end]
    if tokenizer is not None:
        kept = _uncontained(_refit(text, kept, tokenizer, size))
    return [
        Chunk(
            id=f"{document.id}#{start}-{end}",
            document_id=document.id,
            text=text[start:end],
            start=start,
            end=end,
            source=document.source,
            headings=place.headings,
            page=place.page,
            metadata=document.metadata,
        )
        for (start, end), place in zip(kept, places(document, kept), strict=True)
    ]


def trim(text: str, start: int, end: int) -> Span:
    """The span without the white space at its edges; empty where there is nothing else."""
    start = skip_space(text, start, end)
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _uncontained(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, without those that lie inside another; an overlap can make such."""
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _refit(text: str, spans: Sequence[Span], tokenizer: Tokenizer, size: int) -> list[Span]:
    """Cut again what has more tokens alone than it had in its context.

    A word that was cut is spelt with other tokens than before, often with more.
    """
    fitting: list[Span] = []
    counts = tokenizer.count([text[start:end] for start, end in spans])
    for (start, end), count in zip(spans, counts, strict=True):
        if count <= size:
            fitting.append((start, end))
            continue
        part = text[start:end]
        ruler = ruler_for(part, tokenizer)
        parts = pieces(part, sentences.spans(part), (), ruler, size)
        found = pack(parts, ruler, size, cut_penalties(parts, frozenset()))
        smaller = [(start + low, start + high) for low, high in found]
        alone = len(smaller) == 1 and smaller[0] == (start, end)
        fitting += smaller if alone else _refit(text, smaller, tokenizer, size)
    return fitting
