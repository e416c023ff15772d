"""Passages along a document's own parts: headings, functions, slides, sheets, cells, pages."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nearfield.documents.chunkers import passages
from nearfield.documents.chunkers.base import TextChunker
from nearfield.documents.chunkers.boundaries import Span, split_at
from nearfield.documents.chunkers.outline import marks
from nearfield.documents.chunkers.ruler import Ruler
from nearfield.documents.chunkers.settings import ChunkSettings
from nearfield.types import Document, Section, SectionKind

__all__ = ["StructureChunker"]

# The kind that says most about a document's order leads; pages say least, as they cut
# through sentences.
_LEADING = (
    SectionKind.HEADING,
    SectionKind.SYMBOL,
    SectionKind.SLIDE,
    SectionKind.SHEET,
    SectionKind.CELL,
    SectionKind.PAGE,
)


class _Region(NamedTuple):
    """A section that fits whole, or the text of a larger one between those inside it."""

    start: int
    end: int
    level: int


class StructureChunker(TextChunker):
    r"""Keep sections whole where they fit, and never let a passage reach across an edge.

    One kind of section leads: headings if there are any, or else functions, slides, sheets,
    cells, pages. A section that fits is one passage, with all that is inside it. A larger one
    gives way to the sections inside it; text that is still too long is cut by the recursive
    rule. A region shorter than a quarter of a passage joins its next sibling or child, so that
    a heading is never alone while there is room.

    Parameters
    ----------
    settings : ChunkSettings, optional
        200 tokens, or 1,000 characters without a tokenizer; no overlap. Passages overlap
        only inside a section.
    tokenizer : Tokenizer, optional
        Whose tokens are counted; characters are counted without one.

    Examples
    --------
    >>> text = "# A\nOne two three.\n# B\nFour five.\n"
    >>> heading = SectionKind.HEADING
    >>> document = Document(
    ...     "d", text, sections=(Section(0, 19, heading, "A"), Section(19, 34, heading, "B"))
    ... )
    >>> for chunk in StructureChunker(ChunkSettings(size=25)).chunk(document):
    ...     print(chunk.headings, repr(chunk.text))
    ('A',) '# A\nOne two three.'
    ('B',) '# B\nFour five.'
    """

    name = "structure"

    def cut(self, document: Document, ruler: Ruler) -> list[Span]:
        regions = _joined(list(_regions(document, ruler, self.settings.size)), ruler, self.settings)
        edges = [region.start for region in regions]
        marked = marks(document)
        sentences = split_at(passages.marked_sentences(document.text, marked), edges)
        starts = [start for start, _ in sentences]
        spans: list[Span] = []
        for region in regions:
            if ruler.length(region.start, region.end) <= self.settings.size:
                spans.append((region.start, region.end))
                continue
            inside = sentences[bisect_left(starts, region.start) : bisect_left(starts, region.end)]
            spans += passages.cut(document.text, inside, marked, ruler, self.settings)
        return spans


def _leading_sections(document: Document) -> list[Section]:
    kinds = {section.kind for section in document.sections}
    leading = next((kind for kind in _LEADING if kind in kinds), None)
    chosen = [section for section in document.sections if section.kind is leading]
    return sorted(chosen, key=lambda section: (section.start, -section.end))


def _regions(document: Document, ruler: Ruler, size: int) -> Iterator[_Region]:
    """Cut a document into regions that cover it, each trimmed, in order."""
    for start, end, level in _raw_regions(document, ruler, size):
        trimmed = passages.trim(document.text, start, end)
        if trimmed[0] < trimmed[1]:
            yield _Region(*trimmed, level)


def _raw_regions(document: Document, ruler: Ruler, size: int) -> Iterator[_Region]:
    length = len(document.text)
    opened = [_Region(0, length, 0)]  # sections that were too large, outermost first
    position = 0
    for section in _leading_sections(document):
        start = max(section.start, position)
        while opened[-1].end <= start < length:
            inner = opened.pop()
            yield _Region(position, inner.end, inner.level)
            position = max(position, inner.end)
        end = min(section.end, opened[-1].end)
        if end <= start:
            continue
        yield _Region(position, start, opened[-1].level)
        position = start
        if ruler.length(*passages.trim(document.text, start, end)) <= size:
            yield _Region(start, end, section.level)
            position = end
        else:
            opened.append(_Region(start, end, section.level))
    for inner in reversed(opened):
        yield _Region(position, inner.end, inner.level)
        position = max(position, inner.end)


def _joined(regions: Sequence[_Region], ruler: Ruler, settings: ChunkSettings) -> list[_Region]:
    """Join regions that are short to their next siblings and children, never to an uncle."""
    minimum = settings.size // 4
    joined: list[_Region] = []
    for region in regions:
        last = joined[-1] if joined else None
        if (
            last is not None
            and region.level >= last.level
            and ruler.length(last.start, region.end) <= settings.size
            and min(ruler.length(last.start, last.end), ruler.length(region.start, region.end))
            < minimum
        ):
            joined[-1] = _Region(last.start, region.end, last.level)
        else:
            joined.append(region)
    return joined
