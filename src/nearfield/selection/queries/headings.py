"""A heading asks for the section below it, with its parent's heading where it says little."""

from __future__ import annotations

from collections.abc import Iterator

from nearfield.selection.queries.draft import Draft, heading_line
from nearfield.selection.queries.questions import Kind
from nearfield.types import Document, Section, SectionKind

__all__ = ["drafts"]

_SHORTEST_SECTION = 120
"""Characters below the heading, some 20 words."""

_SAYS_ENOUGH = 3
"""Words from which a heading is asked by itself."""


def drafts(document: Document) -> Iterator[Draft]:
    r"""A question for each section with a heading and enough text below it.

    What is asked goes from the text and from the section, so that no heading path holds it.

    Examples
    --------
    >>> text = "# Doors\n## Locks\n" + "Turn the key twice. " * 9
    >>> top = Section(0, len(text), SectionKind.HEADING, "Doors", 1)
    >>> lower = Section(8, len(text), SectionKind.HEADING, "Locks", 2)
    >>> made = drafts(Document("d", text, sections=(top, lower)))
    >>> [(draft.question, draft.nameless) for draft in made]
    [('Doors', (0,)), ('Doors: Locks', (0, 1))]
    """
    known = [
        (index, section)
        for index, section in enumerate(document.sections)
        if section.kind is SectionKind.HEADING and section.title.strip()
    ]
    for index, section in known:
        line = heading_line(document, section)
        if section.end - line[1] < _SHORTEST_SECTION:
            continue
        asked = [(index, section)]
        parent = _parent(known, section)
        if len(section.title.split()) < _SAYS_ENOUGH and parent is not None:
            asked.insert(0, parent)
        yield Draft(
            kind=Kind.HEADING,
            document=document.id,
            question=": ".join(" ".join(each.title.split()) for _, each in asked),
            answer=(line[1], section.end),
            cuts=tuple(heading_line(document, each) for _, each in asked),
            untitled=any(each.title == document.title for _, each in asked),
            nameless=tuple(each for each, _ in asked),
        )


def _parent(known: list[tuple[int, Section]], section: Section) -> tuple[int, Section] | None:
    above = [
        (index, each)
        for index, each in known
        if each is not section and each.start <= section.start and each.end >= section.end
        if each.level < section.level
    ]
    return max(above, key=lambda pair: pair[1].level) if above else None
