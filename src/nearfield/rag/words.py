"""The words of a text that carry its meaning: what an answer must share with its source.

Words are folded and stemmed as the lexical index does it. Function words say nothing; numbers and
names say most, because a sentence about another year or another person supports nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

from nearfield.lexical.analysis import Analyzer

__all__ = ["content_words", "coverage", "specifics"]

_FUNCTION_WORDS = """
a an the this that these those and or but nor so yet if then than as at by for from in into of
off on onto out over to up with without within about after before between during through under
until upon via is are was were be been being am do does did done doing has have had having can
could may might must shall should will would what which who whom whose when where why how it its
he she they him his them her their our your my me we us you i there here not no also just only
very much many more most some any each every all both either neither such own same other another
too again ever even still while because since per s t d ll re ve m
"""
_SPECIFIC = re.compile(r"\d[\d,.]*\d|\d|(?<![.!?:]\s)(?<!^)(?<![\"'“‘(\[])\b[A-Z][\w’'-]+")

_analyzer = Analyzer()


def _stems(text: str) -> frozenset[str]:
    return frozenset(part for word in _analyzer.words(text) for part in word.parts)


_FUNCTION = _stems(_FUNCTION_WORDS)


@lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Stems of the words that are no function words.

    Examples
    --------
    >>> sorted(content_words("Why are there only so many parkas?"))
    ['parka']
    """
    return _stems(text) - _FUNCTION


@lru_cache(maxsize=4096)
def specifics(text: str) -> frozenset[str]:
    """Stems of numbers, and of capitalised words that do not begin a sentence.

    Examples
    --------
    >>> sorted(specifics("In 1066 the army of William crossed."))
    ['1066', 'william']
    """
    found = (match.group() for match in _SPECIFIC.finditer(text))
    return frozenset(word for each in found for word in content_words(each))


def coverage(wanted: frozenset[str], found: frozenset[str]) -> float:
    """Share of the wanted words that were found, 0 to 1; 1 where nothing is wanted.

    Examples
    --------
    >>> coverage(frozenset({"a", "b"}), frozenset({"b"}))
    0.5
    """
    return len(wanted & found) / len(wanted) if wanted else 1.0
