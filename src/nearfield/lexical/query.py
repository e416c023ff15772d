"""The text of a query to its parts.

==============  ===================================================
``word``        texts with it rank higher
``+word``       only texts with it
``-word``       only texts without it
``"a phrase"``  the words one behind the other
``begin*``      any word that begins so
==============  ===================================================

Signs go before phrases and beginnings, too. Whatever is none of these is text: a quotation mark
without its partner, a sign by itself, ``--flag``, ``C++``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Kind", "Need", "Part", "parse"]

_PART = re.compile(r'(?:(?<=\s)|^)([+-]?)"([^"]*)"|(\S+)')
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"'})


class Need(StrEnum):
    """Whether a text must have a part."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    EXCLUDED = "excluded"


class Kind(StrEnum):
    """What a part is."""

    WORDS = "words"
    PHRASE = "phrase"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query.

    Attributes
    ----------
    need : Need
    kind : Kind
    text : str
        Without its signs.
    """

    need: Need
    kind: Kind
    text: str


def parse(text: str) -> list[Part]:
    """Return the parts of a query; never fails.

    Examples
    --------
    >>> for part in parse('heat -wing +"slip stream" aero* "open'):
    ...     print(part.need, part.kind, part.text)
    optional words heat
    excluded words wing
    required phrase slip stream
    optional prefix aero
    optional words "open
    """
    if not any(mark in text for mark in '"+-*“”„'):
        return [Part(Need.OPTIONAL, Kind.WORDS, text)]
    parts = []
    for sign, phrase, word in _PART.findall(text.translate(_QUOTES)):
        parts.append(_part(word) if word else Part(_need(sign), Kind.PHRASE, phrase))
    return [part for part in parts if part.text]


def _need(sign: str) -> Need:
    return {"+": Need.REQUIRED, "-": Need.EXCLUDED}.get(sign, Need.OPTIONAL)


def _part(word: str) -> Part:
    need = Need.OPTIONAL
    if word[0] in "+-" and word[1:2].isalnum():
        need, word = _need(word[0]), word[1:]
    if word.endswith("*") and word[-2:-1].isalnum():
        return Part(need, Kind.PREFIX, word[:-1])
    return Part(need, Kind.WORDS, word)
