"""What a word is made of, by Unicode: letters, digits, marks, and scripts without spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = [
    "classes",
    "clusters",
    "fold",
    "is_spaceless",
    "letters_only",
    "normalise",
    "spaceless_runs",
    "words",
]

# First and last code points of scripts that put no space between words. Hangul puts spaces between
# phrases only: a noun carries its particles, so that pairs of syllables find it and words do not.
_SPACELESS = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1100", "\u11ff"),  # Hangul jamo
    ("\u1780", "\u17ff"),  # Khmer
    ("\u1950", "\u19df"),  # Tai Le, New Tai Lue
    ("\u1a20", "\u1aaf"),  # Tai Tham
    ("\u3005", "\u3007"),  # ideographic iteration mark, closing mark, zero
    ("\u3041", "\u3096"),  # Hiragana
    ("\u309d", "\u309f"),
    ("\u30a1", "\u30fa"),  # Katakana
    ("\u30fc", "\u30ff"),
    ("\u3105", "\u312f"),  # Bopomofo
    ("\u31f0", "\u31ff"),
    ("\u3400", "\u4dbf"),  # Han
    ("\u4e00", "\u9fff"),
    ("\uac00", "\ud7a3"),  # Hangul syllables
    ("\uf900", "\ufaff"),
    ("\U0001b000", "\U0001b16f"),  # Kana supplements
    ("\U00020000", "\U0003ffff"),  # Han extensions
)
_CLASS = "".join(f"{first}-{last}" for first, last in _SPACELESS)
# Thai and Lao digits stand in their blocks; NFKC leaves them, and pairs of digits are of no use.
_DIGITS = "\u0e50-\u0e59\u0ed0-\u0ed9\u1040-\u1049\u17e0-\u17e9"

# Code points that `classes` tells of, and those of them that stand between parts of a word.
_TABULATED = 0x3000
_JOINING = ".,'@-\u2019\u2010\u2011"

# One mark joins the parts of a word: example.com, well-known, don't, jo@home, 1,000. A comma joins
# digits only; `words` of analysis splits what it should not have joined.
_ASCII_WORD = re.compile(r"\w+(?:[.,'@-]\w+)*(?:\+\+|#)?", re.ASCII)


@cache
def _marks() -> str:
    """Combining marks as a character class; Python's class of word characters leaves them out."""
    points = [*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)]
    found = [p for p in points if unicodedata.category(chr(p)).startswith("M")]
    ranges: list[list[int]] = []
    for point in found:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Patterns for a word, a run without spaces, and one character with its marks."""
    marks = _marks()
    letters = rf"[\w{marks}]+"
    word = rf"{letters}(?:[.,'’@\-\u2010\u2011]{letters})*(?:\+\+|#)?"
    spaceless = f"(?:(?![{_DIGITS}])[{_CLASS}{marks}])+"
    run = rf"((?=[{_CLASS}])(?![{marks}]){spaceless})"
    return re.compile(word), re.compile(run), re.compile(rf"[^{marks}][{marks}]*|[{marks}]+")


@cache
def classes() -> bytes:
    """What each code point below U+3000 is to :func:`words`, for the compiled search of words.

    1 is part of words, 2 joins them, 0 neither. 4 are those that need to be looked at together
    with their neighbours: marks, characters that NFKC changes, scripts without spaces.

    Examples
    --------
    >>> [classes()[ord(character)] for character in "a_-é."], classes()[0x301]
    ([1, 1, 2, 1, 2], 4)
    """
    letter = re.compile(r"\w").match
    found = bytearray(_TABULATED)
    for point in range(_TABULATED):
        character = chr(point)
        joins = unicodedata.category(character)[0] == "M" or unicodedata.combining(character)
        kept = unicodedata.is_normalized("NFKC", character) and not joins
        if not kept or is_spaceless(character):
            found[point] = 4
        elif letter(character):
            found[point] = 1
        elif character in _JOINING:
            found[point] = 2
    return bytes(found)


def normalise(text: str) -> str:
    """Return NFKC: full-width letters, ligatures and composed marks have one form.

    Examples
    --------
    >>> normalise("Ｔｏｋｙｏ ﬁne")
    'Tokyo fine'
    """
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return text
    return unicodedata.normalize("NFKC", text)


def words(text: str) -> list[str]:
    """Words of a normalised text without runs of :func:`spaceless_runs`, in order.

    Examples
    --------
    >>> words("It's read_file('a.txt'), 1,000 times: C++")
    ["It's", 'read_file', 'a.txt', '1,000', 'times', 'C++']
    """
    if text.isascii():
        return _ASCII_WORD.findall(text)
    return _patterns()[0].findall(text)


def spaceless_runs(text: str) -> list[str]:
    """Split a normalised text: even items are ordinary, odd ones need no spaces between words.

    Examples
    --------
    >>> spaceless_runs("2024年のTokyo")
    ['2024', '年の', 'Tokyo']
    """
    return [text] if text.isascii() else _patterns()[1].split(text)


def is_spaceless(character: str) -> bool:
    """Whether a character belongs to a script without spaces between words."""
    return any(first <= character <= last for first, last in _SPACELESS)


def clusters(run: str) -> list[str]:
    """Characters with their marks.

    Examples
    --------
    >>> clusters("ที่นี่")
    ['ที่', 'นี่']
    """
    return _patterns()[2].findall(run)


def fold(word: str) -> str:
    """Return a word without case, and Latin letters without marks.

    Marks of other scripts stay: й is no и.

    Examples
    --------
    >>> fold("Straße"), fold("CAFÉ"), fold("Йод")
    ('strasse', 'cafe', 'йод')
    """
    folded = word.casefold()
    if folded.isascii():
        return folded
    return "".join(_without_latin_marks(folded))


def _without_latin_marks(word: str) -> list[str]:
    kept: list[str] = []
    for character in unicodedata.normalize("NFC", word):
        base = unicodedata.normalize("NFD", character)[0]
        kept.append(_LETTERS.get(base, base) if base < "\u0250" else character)
    return kept


# Latin letters whose stroke is no combining mark.
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}


def letters_only(word: str) -> bool:
    """Whether a word is made of letters and marks alone."""
    return word.isalpha() or all(c.isalpha() or unicodedata.combining(c) for c in word)
