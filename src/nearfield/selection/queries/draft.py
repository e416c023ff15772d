"""A question on trial, and the document that it would be taken out of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from nearfield.documents.removal import Shortened, without
from nearfield.selection.queries.questions import Kind, Span
from nearfield.types import Document, Section

__all__ = ["Draft", "changed", "heading_line", "span_in"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that may be asked.

    Attributes
    ----------
    kind : Kind
    document : str
        Id of the document that answers it.
    question : str
    answer : (int, int)
        Where the answer stands in the document as it is: offsets, half open.
    cuts : tuple of (int, int)
        What is taken out of the text when this is asked.
    untitled : bool
        Whether the document's title is taken away as well.
    nameless : tuple of int
        Indices of the sections whose titles are taken away as well.
    """

    kind: Kind
    document: str
    question: str
    answer: tuple[int, int]
    cuts: tuple[tuple[int, int], ...] = ()
    untitled: bool = False
    nameless: tuple[int, ...] = ()

    def clashes(self, other: Draft) -> bool:
        """Whether asking both would take away what one of them is to be found by."""
        return _touch(self.cuts, [*other.cuts, _near(other)]) or _touch(other.cuts, [_near(self)])


def changed(document: Document, drafts: Sequence[Draft]) -> tuple[Document, Shortened]:
    """The document without what the drafts ask, and where its places went."""
    shortened = without(document.text, [cut for draft in drafts for cut in draft.cuts])
    nameless = {index for draft in drafts for index in draft.nameless}
    sections = [
        replace(
            section,
            start=shortened.position(section.start),
            end=shortened.position(section.end),
            title="" if index in nameless else section.title,
        )
        for index, section in enumerate(document.sections)
    ]
    return (
        replace(
            document,
            text=shortened.text,
            title="" if any(draft.untitled for draft in drafts) else document.title,
            sections=tuple(section for section in sections if section.start < section.end),
        ),
        shortened,
    )


def span_in(draft: Draft, shortened: Shortened) -> Span:
    """Where the answer of a draft stands in its changed document."""
    start, end = draft.answer
    return Span(draft.document, shortened.position(start), shortened.position(end))


def heading_line(document: Document, section: Section) -> tuple[int, int]:
    """The line of a section's heading: offsets, half open."""
    end = document.text.find("\n", section.start, section.end)
    return section.start, section.end if end < 0 else end


def _near(draft: Draft) -> tuple[int, int]:
    """What a question needs beside its cut: for a sentence, its neighbours; else nothing."""
    return draft.answer if draft.kind in {Kind.SENTENCE, Kind.GENERATED} else (0, 0)


def _touch(first: Iterable[tuple[int, int]], second: Sequence[tuple[int, int]]) -> bool:
    return any(a < stop and start < b for a, b in first for start, stop in second)
