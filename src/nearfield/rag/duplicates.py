"""Passages that say again what an earlier one said."""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.lexical.characters import normalise

__all__ = ["NEAR", "repeated", "shingles"]

NEAR = 0.8
"""Share of common shingles from which a passage repeats another.

Broder 1997 ("On the resemblance and containment of documents") calls pages with a resemblance
from 0.5 alike; 0.8 keeps versions that differ in a sentence of five.
"""

_WORDS = 4


def shingles(text: str) -> frozenset[str]:
    """Runs of four words, folded; all of a shorter text as one.

    Examples
    --------
    >>> sorted(shingles("To be or  not to"))
    ['be or not to', 'to be or not']
    """
    words = normalise(text).casefold().split()
    if len(words) <= _WORDS:
        return frozenset({" ".join(words)})
    return frozenset(" ".join(words[at : at + _WORDS]) for at in range(len(words) - _WORDS + 1))


def repeated(texts: Sequence[str], near: float = NEAR) -> list[bool]:
    """Whether each text repeats an earlier one that does not.

    A text counts as a repetition when so large a share of its own shingles stands in the other:
    containment, so that a part of a passage repeats the passage.

    Examples
    --------
    >>> repeated(["A parka keeps you warm.", "A parka  keeps you warm.", "Tea."])
    [False, True, False]
    """
    kept: list[frozenset[str]] = []
    found = []
    for text in texts:
        own = shingles(text)
        again = any(len(own & other) >= near * len(own) for other in kept)
        found.append(again)
        if not again:
            kept.append(own)
    return found
