"""Every word that was met, by number, and the terms and spellings that it stands for."""

from __future__ import annotations

import ctypes
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.library import Batch
from nearfield.lexical.stemming import stems
from nearfield.lexical.vocabulary import Vocabulary, refuse_memory

__all__ = ["WordTable"]

# nfl_split
_STEMMED, _WHOLE, _UNLESS_PART, _FLAG_BITS = map(np.uint32, (1, 2, 4, 3))
_UNKNOWN = np.uint32(2**32 - 1)

UIntArray = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Entries:
    """Terms of fresh words, ordered by word, a word's parts before its wholes.

    Attributes
    ----------
    word : ndarray of int64
        Counted from the first fresh one.
    term : ndarray of uint32
    whole : ndarray of bool
    spelt : ndarray of uint32
        Spelling where it differs from the term, else _UNKNOWN.
    """

    word: npt.NDArray[np.int64]
    term: UIntArray
    whole: Flags
    spelt: UIntArray

    def at(self, places: Any) -> _Entries:  # noqa: ANN401
        """Some of them, or in another order."""
        return _Entries(
            self.word[places], self.term[places], self.whole[places], self.spelt[places]
        )


class WordTable:
    """What words stand for; each is asked about once.

    Parameters
    ----------
    native : ctypes.CDLL
        The library.

    Attributes
    ----------
    words, keys, spelt : Vocabulary
        Words as they stand in texts, terms, and spellings.
    """

    def __init__(self, native: ctypes.CDLL) -> None:
        self._native = native
        self.words, self.keys, self.spelt = (Vocabulary(native) for _ in range(3))
        self._widths, self._terms, self._offsets = array("I"), array("I"), array("I")
        self._surfaces, self._surface_terms = array("I"), array("I")
        self._starts, self._surface_starts = array("I", [0]), array("I", [0])
        self._folded: list[str] = []  # the first spellings, by number
        # Term of a spelling as it stands and of its stem, as far as it was needed.
        self._term_of = np.zeros((2, 0), dtype=np.uint32)

    def __len__(self) -> int:
        return len(self._widths)

    def learn(self, analyzer: Analyzer) -> None:
        """Take in the words that came since the last time."""
        fresh = len(self.words) - len(self)
        if not fresh:
            return
        entries, unknown = self._split(fresh, analyzer)
        if len(unknown):
            raw = self.words.since(len(self))
            others = self._analysed([raw[place] for place in unknown.tolist()], unknown, analyzer)
            entries = _joined(entries, others)
        self._append(entries, fresh)

    def batch(self, found: UIntArray, counts: UIntArray, *, positions: bool) -> Batch:
        """What the library inverts; good until more words come."""
        tables = (
            self._widths, self._starts, self._terms, self._offsets, self._surface_starts,
            self._surfaces, self._surface_terms,
        )  # fmt: skip
        return Batch(
            found.ctypes.data, counts.ctypes.data, len(found), len(counts),
            *(table.buffer_info()[0] for table in tables),
            self.words.handle, self.keys.handle, self.spelt.handle, positions,
        )  # fmt: skip

    def _split(self, fresh: int, analyzer: Analyzer) -> tuple[_Entries, npt.NDArray[np.int64]]:
        """What the library says of words, and which of them it leaves to Python."""
        counts = np.empty(fresh, dtype=np.uint32)
        found = np.empty(self.words.bytes_since(len(self)), dtype=np.uint32)
        total = self._native.nfl_split(
            self.words.handle, len(self), self.spelt.handle, counts.ctypes.data, found.ctypes.data
        )
        if total < 0:
            refuse_memory()
        found = found[:total]
        spelling, stemmed = found >> _FLAG_BITS, found & _STEMMED
        term = self._term_numbers(spelling, stemmed, analyzer)
        changed = (stemmed > 0) & (term != self._term_of[0, spelling])
        whole = (found & _WHOLE) > 0
        spelt = np.where(changed & ~whole, spelling, _UNKNOWN)
        word = np.repeat(np.arange(fresh), counts)
        entries = _Entries(word, term, whole, spelt)
        unless_part = (found & _UNLESS_PART) > 0
        return _without_repeated(entries, unless_part, fresh), np.flatnonzero(counts == 0)

    def _term_numbers(
        self, spelling: UIntArray, stemmed: UIntArray, analyzer: Analyzer
    ) -> UIntArray:
        self._folded += self.spelt.since(len(self._folded))
        missing = len(self._folded) - self._term_of.shape[1]
        self._term_of = np.pad(self._term_of, ((0, 0), (0, missing)), constant_values=_UNKNOWN)
        for which in (0, 1):
            asked = np.unique(spelling[stemmed == which])
            asked = asked[self._term_of[which, asked] == _UNKNOWN]
            names = [self._folded[number] for number in asked.tolist()]
            found = stems(analyzer.language, names) if which else names
            found = [stem or name for stem, name in zip(found, names, strict=True)]
            numbers = self.keys.numbers(found)
            self._term_of[which, asked] = numbers
            same = np.array([a == b for a, b in zip(found, names, strict=True)], dtype=np.bool_)
            self._term_of[0, asked[same]] = numbers[same]
        return self._term_of[stemmed, spelling]

    def _analysed(
        self, raw: list[str], places: npt.NDArray[np.int64], analyzer: Analyzer
    ) -> _Entries:
        """What Python says of words."""
        word: list[int] = []
        terms: list[str] = []
        whole: list[bool] = []
        spelt: list[str] = []
        for place, each in zip(places.tolist(), map(analyzer.analyse, raw), strict=True):
            names = (*each.parts, *each.wholes)
            word += [place] * len(names)
            terms += names
            whole += [index >= len(each.parts) for index in range(len(names))]
            spelt += (*each.surfaces, *each.wholes)
        numbers = self.spelt.numbers(spelt)
        changed = np.array([a != b for a, b in zip(spelt, terms, strict=True)], dtype=np.bool_)
        return _Entries(
            np.array(word, dtype=np.int64),
            self.keys.numbers(terms),
            np.array(whole, dtype=np.bool_),
            np.where(changed, numbers, _UNKNOWN),
        )

    def _append(self, entries: _Entries, fresh: int) -> None:
        word, whole = entries.word, entries.whole
        counts = np.bincount(word, minlength=fresh)
        first = np.cumsum(counts) - counts
        offsets = np.where(whole, 0, np.arange(len(word)) - first[word])
        _extend(self._widths, np.bincount(word[~whole], minlength=fresh))
        _extend(self._starts, np.cumsum(counts) + self._starts[-1])
        _extend(self._terms, entries.term)
        _extend(self._offsets, offsets)
        spelt = entries.at(entries.spelt != _UNKNOWN)
        surfaces = np.bincount(spelt.word, minlength=fresh)
        _extend(self._surface_starts, np.cumsum(surfaces) + self._surface_starts[-1])
        _extend(self._surfaces, spelt.spelt)
        _extend(self._surface_terms, spelt.term)


def _without_repeated(entries: _Entries, unless_part: Flags, words: int) -> _Entries:
    """Leave out wholes that are one of their word's parts."""
    if not unless_part.any():
        return entries
    whole_of = np.full(words, _UNKNOWN)
    whole_of[entries.word[unless_part]] = entries.term[unless_part]
    same = ~entries.whole & (entries.term == whole_of[entries.word])
    repeated = np.zeros(words, dtype=np.bool_)
    repeated[entries.word[same]] = True
    return entries.at(~(unless_part & repeated[entries.word]))


def _joined(first: _Entries, second: _Entries) -> _Entries:
    """Both in the order of words; none has terms in both."""
    both = _Entries(
        np.concatenate([first.word, second.word]),
        np.concatenate([first.term, second.term]),
        np.concatenate([first.whole, second.whole]),
        np.concatenate([first.spelt, second.spelt]),
    )
    return both.at(np.argsort(both.word, kind="stable"))


def _extend(table: array[int], numbers: npt.NDArray[Any]) -> None:
    table.frombytes(numbers.astype(np.uintc).tobytes())
