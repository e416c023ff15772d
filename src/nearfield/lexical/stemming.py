"""Languages, and the stems of their words by the Snowball stemmers.

Source: M. F. Porter, "Snowball: a language for stemming algorithms" (2001); the package PyStemmer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from nearfield.errors import MissingExtra
from nearfield.lexical.characters import fold
from nearfield.types import Word

__all__ = ["COMPOUNDING", "Language", "stemmer", "stemmer_version", "stems"]


class Language(Word):
    """Language of the texts: which endings are cut off words.

    ``AUTO`` asks for no language: each word's script says which stemmer it meets (Latin script
    English, Cyrillic Russian, Greek, Arabic, Armenian, Devanagari Hindi, Tamil, Hebrew none).
    ``NONE`` keeps words as they are.
    """

    AUTO = "auto"
    NONE = "none"
    ARABIC = "arabic"
    ARMENIAN = "armenian"
    BASQUE = "basque"
    CATALAN = "catalan"
    DANISH = "danish"
    DUTCH = "dutch"
    ENGLISH = "english"
    ESTONIAN = "estonian"
    FINNISH = "finnish"
    FRENCH = "french"
    GERMAN = "german"
    GREEK = "greek"
    HINDI = "hindi"
    HUNGARIAN = "hungarian"
    INDONESIAN = "indonesian"
    IRISH = "irish"
    ITALIAN = "italian"
    LITHUANIAN = "lithuanian"
    NEPALI = "nepali"
    NORWEGIAN = "norwegian"
    PORTUGUESE = "portuguese"
    ROMANIAN = "romanian"
    RUSSIAN = "russian"
    SERBIAN = "serbian"
    SPANISH = "spanish"
    SWEDISH = "swedish"
    TAMIL = "tamil"
    TURKISH = "turkish"
    YIDDISH = "yiddish"


COMPOUNDING = frozenset(
    {
        Language.DANISH, Language.DUTCH, Language.ESTONIAN, Language.FINNISH, Language.GERMAN,
        Language.HUNGARIAN, Language.NORWEGIAN, Language.SWEDISH,
    }
)  # fmt: skip
"""Languages that write compounds as one word, so that a word is often a part of another."""

# Last code point of a script's block, and the stemmer for it under AUTO.
_BY_SCRIPT = (
    (0x024F, Language.ENGLISH),
    (0x036F, Language.NONE),
    (0x03FF, Language.GREEK),
    (0x052F, Language.RUSSIAN),
    (0x058F, Language.ARMENIAN),
    (0x05FF, Language.NONE),
    (0x06FF, Language.ARABIC),
    (0x08FF, Language.NONE),
    (0x097F, Language.HINDI),
    (0x0B7F, Language.NONE),
    (0x0BFF, Language.TAMIL),
)


@cache
def stemmer(language: Language) -> Callable[[str], str]:
    """Return the function from a word in lower case to its stem, without Latin marks.

    English is stemmed without marks, so that "résumé" and "resume" meet; other languages' rules
    know their marks and see them.

    Raises
    ------
    MissingExtra
        PyStemmer is not installed.

    Examples
    --------
    >>> stemmer(Language.ENGLISH)("theories"), stemmer(Language.AUTO)("игры")
    ('theori', 'игр')
    """
    if language is Language.NONE:
        return fold
    if language is Language.AUTO:
        return _stem_by_script
    return _snowball(language)


def stems(language: Language, words: list[str]) -> list[str]:
    """The stems of words of lower-case ASCII letters: of many at once it is faster.

    Examples
    --------
    >>> stems(Language.AUTO, ["theories", "running"])
    ['theori', 'run']
    """
    if language is Language.NONE:
        return words
    met = _stemmer(Language.ENGLISH if language is Language.AUTO else language)
    found: list[str] = met.stemWords(words)
    return [stem if stem.isascii() else fold(stem) for stem in found]


def stemmer_version(language: Language) -> str:
    """Name and version of what makes the stems, part of an index's identity.

    Examples
    --------
    >>> stemmer_version(Language.NONE)
    'none'
    """
    if language is Language.NONE:
        return "none"
    return f"snowball-{_package().version()}"


def _stem_by_script(word: str) -> str:
    if word.isascii() and word[0].isalpha():
        return stemmer(Language.ENGLISH)(word)
    word = fold(word)
    point = ord(word[0])
    for last, language in _BY_SCRIPT:
        if point <= last:
            return stemmer(language)(word)
    return word


@cache
def _snowball(language: Language) -> Callable[[str], str]:
    stem: Callable[[str], str] = _stemmer(language).stemWord
    if language is Language.ENGLISH:
        return lambda word: stem(fold(word))
    return lambda word: fold(stem(word))


@cache
def _stemmer(language: Language) -> Any:  # noqa: ANN401
    # Without its memory of words, which costs more than stemming them again.
    return _package().Stemmer(language.value, 0)


@cache
def _package() -> ModuleType:
    try:
        import Stemmer
    except ImportError as error:
        raise MissingExtra("stemming of words (PyStemmer)", "all") from error
    package: ModuleType = Stemmer
    return package
