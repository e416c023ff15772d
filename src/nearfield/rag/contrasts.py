"""What a question says otherwise than a text: "not", an opposite, another number.

Questions that look answerable and are not mostly differ from the text in one word. Vectors hardly
move for it, so these differences are looked for word by word. ``contrasts.txt`` lists words that
exclude each other, such as compass points, months, peoples, and increase and decrease.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

__all__ = ["contrasts", "denies", "other_numbers"]

_WORD = re.compile(r"[^\W\d_]+|\d[\d,.]*\d|\d")
_NOT = re.compile(r"\b(?:not|never|cannot|\w+n['’]t|nor|neither)\b", re.IGNORECASE)
_WITHOUT = re.compile(
    r"\b(?:no|none|nobody|nothing|without|except|lack\w*|fail\w*|refus\w*|avoid\w*|prevent\w*)\b",
    re.IGNORECASE,
)
_PREFIXES = ("anti", "dis", "il", "im", "in", "ir", "non", "un")
_LEAST_STEM = 4


def denies(question: str, text: str) -> bool:
    """Whether the question says "not", "without" or "un…" of something and the text does not.

    Examples
    --------
    >>> denies("When was it not serviced?", "It is serviced in October.")
    True
    >>> denies("Who is unable to vote?", "Those who are able to vote are few.")
    True
    >>> denies("When was it not serviced?", "In 1999 it was not serviced.")
    False
    """
    if any(cue.search(question) and not cue.search(text) for cue in (_NOT, _WITHOUT)):
        return True
    asked, there = _words(question), _words(text)
    if "non" in asked and "non" not in there:
        return True
    return any(
        word.startswith(prefix)
        and len(word) >= len(prefix) + _LEAST_STEM
        and word[len(prefix) :] in there
        for word in asked - there
        for prefix in _PREFIXES
    )


def contrasts(question: str, text: str) -> int:
    """How many words of the question the text lacks, while it has one that excludes them.

    Words that both have exclude nothing.

    Examples
    --------
    >>> contrasts("Which is the smallest town in the south?", "The largest town is in the south.")
    1
    >>> contrasts("Which is the smallest town?", "The smallest town is far from the largest.")
    0
    """
    asked, there = _words(question), _words(text)
    meant, said = _meanings(asked), _meanings(there)
    instead = {line for line, _ in said - meant}
    of = _lines()
    return sum(
        any(meaning not in said and meaning[0] in instead for meaning in of.get(word, ()))
        for word in asked - there
    )


def other_numbers(question: str, text: str) -> int:
    """How many numbers in figures the question has and the text lacks.

    Examples
    --------
    >>> other_numbers("Who won in 1998 and 2002?", "They won in 1998.")
    1
    """
    return sum(word[0].isdigit() for word in _words(question) - _words(text))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _meanings(words: frozenset[str]) -> set[tuple[int, int]]:
    of = _lines()
    return {meaning for word in words for meaning in of.get(word, ())}


@cache
def _lines() -> Mapping[str, frozenset[tuple[int, int]]]:
    """Where each word stands in ``contrasts.txt``: its line, and which of the line it is."""
    text = (resources.files("nearfield.rag") / "contrasts.txt").read_text("utf-8")
    found: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for number, line in enumerate(text.splitlines()):
        if not line.startswith("#"):
            for place, forms in enumerate(line.split()):
                for word in forms.split("/"):
                    found[word].add((number, place))
    return {word: frozenset(places) for word, places in found.items()}
