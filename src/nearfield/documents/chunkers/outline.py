"""What a place in a document stands under: headings and page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nearfield.documents.chunkers.boundaries import Span
from nearfield.types import Document, Section, SectionKind

__all__ = ["Marks", "Place", "marks", "places"]

_PATH = frozenset({SectionKind.HEADING, SectionKind.SYMBOL, SectionKind.SHEET})
_PAGES = frozenset({SectionKind.PAGE, SectionKind.SLIDE})


@dataclass(frozen=True, slots=True)
class Place:
    """Titles above a place, outermost first, and its page from 1."""

    headings: tuple[str, ...]
    page: int | None


@dataclass(frozen=True, slots=True)
class Marks:
    """Places in a document where cutting is good, and where it is bad.

    Attributes
    ----------
    starts : tuple of int
        Where sections start, in order, each place once.
    heading_ends : frozenset of int
        Where the lines of headings end: the bodies below them belong to them.
    """

    starts: tuple[int, ...] = ()
    heading_ends: frozenset[int] = frozenset()


def marks(document: Document) -> Marks:
    """Read the marks off a document's sections."""
    ends = set()
    for section in document.sections:
        if section.kind is SectionKind.HEADING:
            line_end = document.text.find("\n", section.start, section.end)
            end = section.end if line_end < 0 else line_end
            stripped = document.text[section.start : end].rstrip()
            ends.add(section.start + len(stripped))
    starts = sorted({section.start for section in document.sections})
    return Marks(tuple(starts), frozenset(ends))


def places(document: Document, spans: Sequence[Span]) -> Iterator[Place]:
    """The place of each span's start; spans come in order of their starts."""
    title = (document.title,) if document.title else ()
    waiting = sorted(document.sections, key=lambda s: (s.start, -s.end, s.level))
    numbers = _page_numbers(waiting)
    open_: list[Section] = []
    index = 0
    for start, _ in spans:
        while index < len(waiting) and waiting[index].start <= start:
            open_.append(waiting[index])
            index += 1
        open_ = [section for section in open_ if section.end > start]
        page = next((numbers[id(s)] for s in reversed(open_) if s.kind in _PAGES), None)
        path = tuple(s.title for s in open_ if s.kind in _PATH and s.title)
        # A first heading that repeats the document's title says nothing new.
        yield Place(title + (path[1:] if title and path[:1] == title else path), page)


def _page_numbers(sections: Sequence[Section]) -> dict[int, int]:
    """Number of each page: as printed where that is a number; else, and for slides, by counting."""
    pages = [section for section in sections if section.kind in _PAGES]
    return {
        id(page): int(page.title)
        if page.kind is SectionKind.PAGE and page.title.isdecimal()
        else position
        for position, page in enumerate(pages, 1)
    }
