"""Text and its sections, put together piece by piece with exact offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from nearfield.documents.decode import clean
from nearfield.types import Section, SectionKind

__all__ = ["Heading", "TextBuilder", "heading_sections", "line_starts"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's place in a text.

    Attributes
    ----------
    start : int
        Character offset of the heading.
    level : int
        1 is the highest rank.
    title : str
        The heading without its markup.
    """

    start: int
    level: int
    title: str


def heading_sections(headings: Sequence[Heading], end: int) -> list[Section]:
    """Spans of headings: each up to the next one of the same or a higher rank.

    Parameters
    ----------
    headings : sequence of Heading
        In order of ``start``.
    end : int
        Length of the text.

    Examples
    --------
    >>> [(s.start, s.end) for s in heading_sections(
    ...     [Heading(0, 1, "A"), Heading(4, 2, "B"), Heading(9, 1, "C")], 12)]
    [(0, 9), (4, 9), (9, 12)]
    """
    ends = [end] * len(headings)
    open_: list[int] = []
    for index, heading in enumerate(headings):
        while open_ and headings[open_[-1]].level >= heading.level:
            ends[open_.pop()] = heading.start
        open_.append(index)
    return [
        Section(h.start, stop, SectionKind.HEADING, h.title, h.level)
        for h, stop in zip(headings, ends, strict=True)
    ]


def line_starts(text: str) -> list[int]:
    r"""Character offset of each line's start, and the text's length at the end.

    Examples
    --------
    >>> line_starts("ab\n\nc")
    [0, 3, 4, 5]
    """
    starts = [0]
    position = text.find("\n")
    while position >= 0:
        starts.append(position + 1)
        position = text.find("\n", position + 1)
    if starts[-1] != len(text):
        starts.append(len(text))
    return starts


class TextBuilder:
    r"""Collects text and remembers where sections begin and end.

    Examples
    --------
    >>> builder = TextBuilder()
    >>> with builder.section(SectionKind.PAGE, "1"):
    ...     builder.block("Parkas")
    ...     builder.block("Warm.")
    >>> text, (page,) = builder.finish()
    >>> text, page.start, page.end
    ('Parkas\n\nWarm.', 0, 13)
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""
        self._headings: list[Heading] = []
        self._sections: list[Section] = []

    @property
    def length(self) -> int:
        """Characters so far, a pending gap not counted."""
        return self._length

    def block(self, text: str) -> None:
        """Write a paragraph; a blank line separates it from its neighbours."""
        self._write(text, "\n\n")

    def line(self, text: str) -> None:
        """Write a line that stands directly below the one before."""
        self._write(text, "\n")

    def gap(self) -> None:
        """Put a blank line before whatever is written next."""
        self._gap = "\n\n"

    def heading(self, title: str, level: int) -> None:
        """Write a heading and open its section."""
        title = " ".join(clean(title).split())
        if title:
            self._headings.append(Heading(self._next_block(), level, title))
            self.block(title)

    @contextmanager
    def section(self, kind: SectionKind, title: str, level: int = 1) -> Iterator[None]:
        """Everything written inside belongs to one section."""
        start = self._next_block()
        yield
        end = max(self._length, start)
        self._sections.append(Section(start, end, kind, clean(title), level))

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """The text and its sections in order."""
        text = "".join(self._parts)
        found = [*self._sections, *heading_sections(self._headings, len(text))]
        held = [s for s in found if s.start < len(text)]
        return text, tuple(sorted(held, key=lambda s: (s.start, -s.end, s.level)))

    def _next_block(self) -> int:
        """Where the next piece will start, once a blank line is promised before it."""
        self.gap()
        return self._length + len(self._gap) if self._length else 0

    def _write(self, text: str, separator: str) -> None:
        text = clean(text).strip("\n")
        if not text.strip():
            return
        gap = max(separator, self._gap, key=len) if self._length else ""
        self._parts += (gap, text)
        self._length += len(gap) + len(text)
        self._gap = separator
