"""Texts to terms with positions: the same for what is stored and for what is asked.

1. NFKC (:mod:`~nearfield.lexical.characters`).
2. Runs of scripts without spaces become overlapping pairs of characters, the last character of a
   run a term by itself; so every character begins exactly one term.
3. Words become one term or, with parts, several (:mod:`~nearfield.lexical.words`); case and Latin
   marks are dropped and words of letters are stemmed (:mod:`~nearfield.lexical.stemming`).

There are no stop words: BM25 gives frequent words next to no weight, pruning skips them, and
phrases need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nearfield.lexical.characters import clusters, is_spaceless, normalise, spaceless_runs, words
from nearfield.lexical.stemming import Language, stemmer, stemmer_version
from nearfield.lexical.words import Word, analyse, plain_word

__all__ = ["Analyzer", "Occurrences"]

_VERSION = 1  # raised with every change of the rules: an index of another version is made again
_REMEMBERED = 1 << 17

UIntArray = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Where terms stand in a batch of texts.

    Attributes
    ----------
    terms : list of str
        Distinct terms, in no order.
    surfaces : dict of str to str
        Folded spelling to term, where the two differ.
    term, text, position : ndarray of uint32, shape (occurrences,)
        Index of the term and of the text, and position in the text, ordered by text. At one
        position several terms may stand.
    lengths : ndarray of uint32, shape (texts,)
        Number of positions of each text.
    """

    terms: list[str]
    surfaces: dict[str, str]
    term: UIntArray
    text: UIntArray
    position: UIntArray
    lengths: UIntArray


class _Numbers(dict[str, int]):
    """Numbers words in the order they are first met."""

    def __missing__(self, word: str) -> int:
        number = len(self)
        self[word] = number
        return number


class Analyzer:
    """Terms of texts in one language.

    Parameters
    ----------
    language : Language
        ``AUTO`` needs no knowledge of the texts.

    Examples
    --------
    >>> [word.parts for word in Analyzer(Language.GERMAN).words("Die Bücher")]
    [('die',), ('buch',)]
    """

    def __init__(self, language: Language = Language.AUTO) -> None:
        self.language = language
        self.stem = stemmer(language)
        self._word = lru_cache(_REMEMBERED)(self.analyse)

    @property
    def spec(self) -> str:
        """Identity of the analysis: indexes of another one must be made again."""
        return f"nearfield-{_VERSION} {self.language} {stemmer_version(self.language)}"

    def words(self, text: str) -> list[Word]:
        """Return the words of a query; each takes ``width`` positions.

        A run of a script without spaces is one word whose parts are its pairs of characters.
        """
        if text.isascii():
            return [self._word(raw) for raw in words(text)]
        found: list[Word] = []
        for index, piece in enumerate(spaceless_runs(normalise(text))):
            if index % 2:
                found.append(_run(clusters(piece)))
            else:
                found += [self._word(raw) for raw in words(piece)]
        return found

    def occurrences(self, texts: Sequence[str]) -> Occurrences:
        """Analyse a batch of texts."""
        numbers = _Numbers()
        number = numbers.__getitem__
        found: list[int] = []
        counts = np.zeros(len(texts), dtype=np.int64)
        for index, text in enumerate(texts):
            raw = self.raw_words(text)
            counts[index] = len(raw)
            found += map(number, raw)
        return _expand([self._word(raw) for raw in numbers], np.array(found, np.uint32), counts)

    def raw_words(self, text: str) -> list[str]:
        """The words of a text as they stand in it, for :meth:`analyse`."""
        return words(text) if text.isascii() else _raw(text)

    def analyse(self, raw: str) -> Word:
        """What one of the words of a text stands for."""
        if raw.isascii() and raw.isalpha():
            plain = plain_word(raw, self.stem)
            if plain is not None:
                return plain
        if is_spaceless(raw[0]) and not raw[0].isdigit():
            return Word((raw,), (), (raw,))
        return analyse(raw, self.stem)


def _run(characters: list[str]) -> Word:
    if len(characters) == 1:
        return Word((characters[0],))
    pairs = tuple(a + b for a, b in pairwise(characters))
    return Word(pairs, silent=1)


def _raw(text: str) -> list[str]:
    """Words of a text, and for each run without spaces its pairs of characters."""
    found: list[str] = []
    for index, piece in enumerate(spaceless_runs(normalise(text))):
        if index % 2:
            characters = clusters(piece)
            found += (a + b for a, b in pairwise(characters))
            found.append(characters[-1])
        else:
            found += words(piece)
    return found


def _expand(table: list[Word], found: UIntArray, counts: npt.NDArray[np.int64]) -> Occurrences:
    """Replace words by their terms."""
    numbers = _Numbers()
    surfaces: dict[str, str] = {}
    terms: list[int] = []
    offsets: list[int] = []
    for word in table:
        terms += [numbers[part] for part in (*word.parts, *word.wholes)]
        offsets += [*range(word.width), *(0 for _ in word.wholes)]
        for surface, part in zip(word.surfaces, word.parts, strict=True):
            if surface != part:
                surfaces[surface] = part
    widths = np.array([word.width for word in table], dtype=np.int64)
    sizes = np.array([word.width + len(word.wholes) for word in table], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes

    texts = np.repeat(np.arange(len(counts)), counts)
    taken = widths[found]
    lengths = np.bincount(texts, weights=taken, minlength=len(counts)).astype(np.int64)
    position = np.cumsum(taken) - taken - np.repeat(np.cumsum(lengths) - lengths, counts)
    size = sizes[found]
    within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    entry = np.repeat(starts[found], size) + within
    return Occurrences(
        terms=list(numbers),
        surfaces=surfaces,
        term=np.array(terms, dtype=np.uint32)[entry],
        text=np.repeat(texts, size).astype(np.uint32),
        position=(np.repeat(position, size) + np.array(offsets, np.int64)[entry]).astype(np.uint32),
        lengths=lengths.astype(np.uint32),
    )
