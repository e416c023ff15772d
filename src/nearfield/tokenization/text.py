"""Text as tokenizers can take it, and the words in it, in any script."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np

from nearfield.errors import InputError
from nearfield.types import IntArray

__all__ = ["check_texts", "marks", "well_formed", "word_spans"]

_SURROGATE = re.compile("[\ud800-\udfff]")

# Zero-width (non-)joiners stand inside Persian and Indic words.
_JOINERS = "\u200c\u200d"


def well_formed(text: str) -> str:
    r"""Replace lone surrogates, which no UTF-8 library takes, by U+FFFD; offsets stay.

    Examples
    --------
    >>> ascii(well_formed("a\ud800b"))
    "'a\\ufffdb'"
    """
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def check_texts(texts: Sequence[str]) -> list[str]:
    """Refuse what is not a sequence of texts, and make each text well-formed.

    Raises
    ------
    InputError
        `texts` is one bare string, or holds something that is not a string.

    Examples
    --------
    >>> check_texts(("a", "b"))
    ['a', 'b']
    """
    if isinstance(texts, str):
        raise InputError("expected a sequence of texts, got one string: put it into a list")
    items: list[object] = list(texts)
    for position, item in enumerate(items):
        if not isinstance(item, str):
            kind = type(item).__name__
            raise InputError(f"input {position} is of type {kind}: expected a string")
    return [well_formed(text) for text in texts]


@cache
def marks() -> str:
    r"""Combining marks and joiners as the inside of a regular expression's class.

    ``\w`` knows letters and digits but no marks, and would tear Hindi, Thai or decomposed
    accents apart.
    """
    planes = [*range(0x20000), *range(0xE0100, 0xE01F0)]
    points = [p for p in planes if p <= sys.maxunicode and unicodedata.category(chr(p))[0] == "M"]
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return _JOINERS + "".join(
        chr(low) if low == high else f"{chr(low)}-{chr(high)}" for low, high in ranges
    )


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"[^\W_](?:[^\W_]|[{marks()}])*")


def word_spans(text: str) -> IntArray:
    """Character offsets of each run of letters, marks and digits, shape (words, 2).

    Examples
    --------
    >>> text = "Ça va, мир?"
    >>> [text[a:b] for a, b in word_spans(text)]
    ['Ça', 'va', 'мир']
    """
    spans = [match.span() for match in _word().finditer(text)]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)
