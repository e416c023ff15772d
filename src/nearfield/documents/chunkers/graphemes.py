"""What a reader takes for one character: where a text may be cut when nothing else is left.

Extended grapheme clusters of UAX #29, computed from the general categories that Python knows,
and a little stricter, as suits cutting: Indic conjuncts stay whole, and so do Thai and Lao
vowels that are written before their consonant.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["is_edge", "starts"]

# Joiners, and Thai and Lao vowels that are written on one side of their consonant.
_JOINED_TO_THE_LAST = frozenset("\u200c\u200d\u0e33\u0eb3")
_JOINED_TO_THE_NEXT = frozenset(
    "\u200d\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
)
_VIRAMA = 9  # canonical combining class


def starts(text: str, start: int, end: int) -> Iterator[int]:
    r"""Offsets in [start, end) at which a grapheme starts; `start` itself always does.

    Examples
    --------
    >>> list(starts("e\u0301a👩\u200d👩\u200d👧🇩🇪🇫🇷", 0, 12))
    [0, 2, 3, 8, 10]
    """
    if start < end:
        yield start
    flags = 0  # regional indicators in a row before this place
    for place in range(start + 1, end):
        before, here = text[place - 1], text[place]
        flags = flags + 1 if _is_flag(before) else 0
        if max(before, here) < "\u0300" and here != "\n":
            yield place  # most text, without a look at categories
        elif not _joined(before, here, odd_flags=flags % 2 == 1):
            yield place


def _stands_alone(character: str) -> bool:
    return character.isspace() or character == "\u200b"


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def is_edge(text: str, place: int) -> bool:
    """Whether a grapheme may start at `place`, flags aside; 0 < place < len(text)."""
    return not _joined(text[place - 1], text[place], odd_flags=False)


def _joined(before: str, here: str, *, odd_flags: bool) -> bool:
    """Whether two neighbours belong to one grapheme (rules GB3 to GB13)."""
    if _stands_alone(before) or _stands_alone(here):
        return before == "\r" and here == "\n"
    category = unicodedata.category(here)
    return (
        category in ("Mn", "Mc", "Me")
        or here in _JOINED_TO_THE_LAST
        or "\U0001f3fb" <= here <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= here <= "\U000e007f"  # tags, as in the flag of Wales
        or before in _JOINED_TO_THE_NEXT
        or (odd_flags and _is_flag(here))
        or (category == "Lo" and unicodedata.combining(before) == _VIRAMA)
        or _joined_hangul(before, here)
    )


def _joined_hangul(before: str, here: str) -> bool:
    """Leading consonants, vowels and trailing consonants of one syllable (GB6 to GB8)."""
    leading = "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97c"
    vowel = "\u1160" <= here <= "\u11a7" or "\ud7b0" <= here <= "\ud7c6"
    trailing = "\u11a8" <= here <= "\u11ff" or "\ud7cb" <= here <= "\ud7fb"
    syllable = "\uac00" <= before <= "\ud7a3"
    if leading:
        return vowel or "\u1100" <= here <= "\u115f" or "\uac00" <= here <= "\ud7a3"
    if syllable:
        return trailing or (vowel and (ord(before) - 0xAC00) % 28 == 0)
    if "\u1160" <= before <= "\u11a7":
        return vowel or trailing
    return "\u11a8" <= before <= "\u11ff" and trailing
