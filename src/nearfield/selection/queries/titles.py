"""A title asks for its body: it says in a few words of its own what the text is about."""

from __future__ import annotations

from collections.abc import Iterator

from nearfield.selection.queries.draft import Draft, heading_line
from nearfield.selection.queries.questions import Kind
from nearfield.types import Document

__all__ = ["drafts"]

_SHORTEST_BODY = 120
"""Characters, some 20 words."""


def drafts(document: Document) -> Iterator[Draft]:
    r"""The one question that a document's title asks; none without a title or a body.

    The title goes from the document, from the head of its text, and from a heading that repeats it.

    Examples
    --------
    >>> text = "Doors\n" + "They open to the left. " * 6
    >>> [(draft.question, draft.cuts) for draft in drafts(Document("d", text, title="Doors"))]
    [('Doors', ((0, 5),))]
    """
    title = " ".join(document.title.split())
    if not title:
        return
    cuts: list[tuple[int, int]] = []
    nameless: list[int] = []
    for index, section in enumerate(document.sections):
        if _same(section.title, title):
            nameless.append(index)
            line = heading_line(document, section)
            if _same(document.text[slice(*line)].strip("#=* \t"), title):
                cuts.append(line)
    begin = len(document.text) - len(document.text.lstrip())
    head = document.text[begin : begin + len(document.title)]
    if _same(head, title) and not any(start <= begin < end for start, end in cuts):
        cuts.append((begin, begin + len(document.title)))
    if len(document.text) - sum(end - start for start, end in cuts) < _SHORTEST_BODY:
        return
    yield Draft(
        kind=Kind.TITLE,
        document=document.id,
        question=title,
        answer=(0, len(document.text)),
        cuts=tuple(cuts),
        untitled=True,
        nameless=tuple(nameless),
    )


def _same(text: str, title: str) -> bool:
    return " ".join(text.split()).casefold() == title.casefold()
