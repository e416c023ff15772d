"""One word of a text to the terms it is found by.

A word may have parts: ``error_code``, ``readFile``, ``jo@example.com``, ``well-known``, ``l'eau``.
Each part is a term at a position of its own, so that phrases find them; the whole is one more
term at the first part's position.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from nearfield.lexical.characters import fold, letters_only

__all__ = ["LONGEST", "Word", "analyse", "plain_word"]

LONGEST = 64
"""Terms are cut after so many characters: what is longer is no word (encoded data, sequences)."""

_JOINTS = re.compile(r"[.,'’@_\-\u2010\u2011]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][A-Za-z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_POSSESSIVE = re.compile(r"['’][sS]$")
_CONTRACTED = re.compile(r"['’](?:t|re|ve|ll|d|m)$", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Word:
    """What a word contributes to a text.

    Attributes
    ----------
    parts : tuple of str
        Terms in order, one at each position the word takes; at least one.
    wholes : tuple of str
        Further terms at the first position.
    surfaces : tuple of str
        For each part, the folded spelling that the stem was made of: what prefixes are compared to.
    silent : int
        Positions after the parts that no term stands for.
    """

    parts: tuple[str, ...]
    wholes: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    silent: int = 0

    @property
    def width(self) -> int:
        """Number of positions the word takes."""
        return len(self.parts) + self.silent


def analyse(raw: str, stem: Callable[[str], str]) -> Word:
    """Return the terms of a word as it stands in the text.

    Examples
    --------
    >>> analyse("readFile", str)
    Word(parts=('read', 'file'), wholes=('readfile',), surfaces=('read', 'file'), silent=0)
    >>> analyse("e-mail", str).wholes, analyse("U.S.", str).parts, analyse("1,000.5", str).parts
    (('email',), ('us',), ('1000.5',))
    """
    if raw.isalpha() and (raw.islower() or raw[1:].islower() or raw.isupper()):
        return _single(raw, stem)
    if _NUMBER.match(raw):
        number = raw.replace(",", "")[:LONGEST]
        return Word((number,), (), (number,))
    raw = _POSSESSIVE.sub("", raw)
    if _CONTRACTED.search(raw):
        return _single(raw.replace("'", "").replace("’", ""), stem)
    suffix = re.search(r"(?:\+\+|#)$", raw)
    if suffix:
        base = _single(raw[: suffix.start()] or raw, stem)
        return Word(base.parts, (fold(raw)[:LONGEST],), base.surfaces)
    return _compound(raw, stem)


def plain_word(raw: str, stem: Callable[[str], str]) -> Word | None:
    """The terms of ASCII letters that are one word, as :func:`analyse` gives them; else None.

    Most words are such, and need none of the other questions.
    """
    folded = raw.lower()
    if not (raw == folded or raw[1:].islower() or raw.isupper()):
        return None
    folded = folded[:LONGEST]
    if len(folded) > 2:
        return Word((stem(folded) or folded,), (), (folded,))
    return Word((folded,), (), (folded,))


def _single(raw: str, stem: Callable[[str], str]) -> Word:
    folded = fold(raw)[:LONGEST]
    if len(folded) > 2 and letters_only(folded):
        return Word((stem(raw.casefold()[:LONGEST]) or folded,), (), (folded,))
    return Word((folded,), (), (folded,))


def _compound(raw: str, stem: Callable[[str], str]) -> Word:
    pieces = [piece for piece in _JOINTS.split(raw) if piece]
    split = [part for piece in pieces for part in _camel(piece)]
    if not split:  # underscores alone
        return Word((raw[:LONGEST],), (), (raw[:LONGEST],))
    if len(split) == 1:
        word = _single(split[0], stem)
        whole = fold(raw)[:LONGEST]
        return word if split[0] == raw else Word(word.parts, (whole,), word.surfaces)
    if "," in raw:  # a comma joins nothing but the digits of a number
        return _listed(raw, stem)
    if all(len(part) == 1 for part in split) and "_" not in raw:
        joined = fold("".join(split))[:LONGEST]  # U.S.A., e.g.
        return Word((joined,), (), (joined,))
    singles = [_single(part, stem) for part in split]
    parts = tuple(single.parts[0] for single in singles)
    surfaces = tuple(single.surfaces[0] for single in singles)
    if re.search(r"[._@]", raw):
        whole = fold(raw)[:LONGEST]
    else:
        whole = _single("".join(pieces), stem).parts[0]
    return Word(parts, () if whole in parts else (whole,), surfaces)


def _listed(raw: str, stem: Callable[[str], str]) -> Word:
    words = [analyse(piece, stem) for piece in raw.split(",") if piece]
    return Word(
        tuple(part for word in words for part in word.parts),
        tuple(whole for word in words for whole in word.wholes),
        tuple(surface for word in words for surface in word.surfaces),
    )


def _camel(piece: str) -> list[str]:
    """Parts of ``readFile`` and ``HTTPServer``; parts of one letter are none (``mRNA``, ``pH``)."""
    if piece.islower() or piece.isupper() or piece.isdigit():
        return [piece]
    parts = _CAMEL.split(piece)
    return parts if all(len(part) > 1 for part in parts) else [piece]
