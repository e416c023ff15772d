"""A sentence asks for the passage that it was taken out of (the inverse cloze task)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from nearfield.documents.removal import askable
from nearfield.selection.queries.draft import Draft
from nearfield.selection.queries.questions import Kind
from nearfield.types import Document

__all__ = ["drafts"]

_LONGEST = 400
"""Characters; nobody asks more in one sentence, and what splits so badly is no prose."""

_LIST_MARK = re.compile(r"^(?:[-*+•–]|\(?\d{1,3}[.)])\s+")

_APART = 3
"""Every third sentence at most is asked, so that what is left still says what it said."""


def drafts(document: Document, chance: np.random.Generator, most: int) -> Iterator[Draft]:
    """Up to `most` sentences of a document, spread over it at random; none is next to another."""
    found, places = askable(document.text)
    lines = {section.start for section in document.sections}
    fit = [
        at for at in places if found[at][1] - found[at][0] <= _LONGEST and found[at][0] not in lines
    ]
    wanted = min(most, len(found) // _APART)
    taken: list[int] = []
    for place in chance.permutation(len(fit)).tolist():
        if len(taken) >= wanted:
            return
        at = fit[place]
        if any(abs(at - other) < _APART for other in taken):
            continue
        taken.append(at)
        start, end = found[at]
        yield Draft(
            kind=Kind.SENTENCE,
            document=document.id,
            question=_LIST_MARK.sub("", " ".join(document.text[start:end].split())),
            answer=(found[max(at - 1, 0)][0], found[min(at + 1, len(found) - 1)][1]),
            cuts=((start, end),),
        )
