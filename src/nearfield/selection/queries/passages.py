"""Which passages of a collection hold which words of the drafts; one pass over all texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from nearfield.lexical.analysis import Analyzer
from nearfield.types import Document

__all__ = ["Passages", "terms_of"]

_CHARACTERS = 1200
"""Of a passage, some 200 words; passages are only counted here, never asked."""

_BATCH = 512
_SHINGLE = 3
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)

Numbers = npt.NDArray[np.int64]


def terms_of(analyzer: Analyzer, text: str) -> list[str]:
    """Terms of a text in order, stems for words."""
    return [part for word in analyzer.words(text) for part in word.parts]


class Passages:
    """The passages that share words with some questions.

    Parameters
    ----------
    documents : iterable of Document
    questions : sequence of sequence of str
        Terms of each question, in order.
    analyzer : Analyzer

    Attributes
    ----------
    count : int
        Passages there are.
    document : ndarray of int64, shape (count,)
        Index of each passage's document.
    start, end : ndarray of int64, shape (count,)
        Where each passage stands in it.
    """

    def __init__(
        self,
        documents: Iterable[Document],
        questions: Sequence[Sequence[str]],
        analyzer: Analyzer,
    ) -> None:
        names = sorted({term for terms in questions for term in terms})
        self._number = {term: number for number, term in enumerate(names, start=1)}
        asked = [self._shingles(self.numbers(terms)) for terms in questions]
        self._asked = np.unique(np.concatenate([*asked, np.empty(0, np.uint64)]))
        words: list[Numbers] = []
        runs: list[Numbers] = []
        places: list[tuple[int, int, int]] = []
        for batch in _batched(_cut(documents)):
            here = len(places)
            places += [place for place, _ in batch]
            found = analyzer.occurrences([text for _, text in batch])
            number = np.array([0, *map(self._number_of, found.terms)], dtype=np.int64)[1:]
            term, text = number[found.term], found.text.astype(np.int64) + here
            words.append(_pairs(term[term > 0], text[term > 0]))
            runs.append(self._runs(term, text))
        self.count = len(places)
        self.document, self.start, self.end = np.array(places, dtype=np.int64).reshape(-1, 3).T
        self._words = _Postings(words, len(names) + 1)
        self._runs_in = _Postings(runs, len(self._asked))

    def numbers(self, terms: Sequence[str]) -> Numbers:
        """Numbers of a question's terms, in order."""
        return np.array([self._number[term] for term in terms], dtype=np.int64)

    def frequency(self, numbers: Numbers) -> Numbers:
        """How many passages hold each term."""
        return self._words.sizes[numbers]

    def weights(self, numbers: Numbers) -> npt.NDArray[np.float64]:
        """How rare each term is: the logarithm of all passages over those that hold it."""
        return np.log((self.count + 1) / (self.frequency(numbers) + 0.5))

    def coverage(self, numbers: Numbers) -> npt.NDArray[np.float64]:
        """Share of a question's words, by weight, that each passage holds, shape (count,)."""
        distinct = np.unique(numbers)
        weights = self.weights(distinct)
        return self._words.summed(distinct, weights / max(weights.sum(), 1e-12), self.count)

    def repetition(self, numbers: Numbers) -> npt.NDArray[np.float64]:
        """Share of a question's runs of three words that each passage holds, shape (count,)."""
        distinct = np.unique(self._shingles(numbers))
        if not len(distinct):
            return np.zeros(self.count)
        at = np.searchsorted(self._asked, distinct)
        return self._runs_in.summed(at, np.full(len(at), 1 / len(at)), self.count)

    def _number_of(self, term: str) -> int:
        return self._number.get(term, 0)

    def _runs(self, term: Numbers, text: Numbers) -> Numbers:
        hashes = self._shingles(term)
        if not len(hashes):
            return np.empty((0, 2), dtype=np.int64)
        last = _SHINGLE - 1
        whole = (text[:-last] == text[last:]) & (term[:-last] > 0) & (term[last:] > 0)
        whole &= term[1:-1] > 0
        at = np.minimum(np.searchsorted(self._asked, hashes), max(len(self._asked) - 1, 0))
        whole &= self._asked[at] == hashes if len(self._asked) else False
        return _pairs(at[whole], text[:-last][whole])

    @staticmethod
    def _shingles(numbers: Numbers) -> npt.NDArray[np.uint64]:
        """Hashes of each run of three terms."""
        if len(numbers) < _SHINGLE:
            return np.empty(0, dtype=np.uint64)
        values = numbers.astype(np.uint64)
        run = np.lib.stride_tricks.sliding_window_view(values, _SHINGLE)
        mixed: npt.NDArray[np.uint64] = (run * _FACTORS).sum(axis=1, dtype=np.uint64)
        return mixed


class _Postings:
    """Passages by key, each once."""

    def __init__(self, parts: Sequence[Numbers], keys: int) -> None:
        pairs = np.concatenate([*parts, np.empty((0, 2), dtype=np.int64)])
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        self._passages = pairs[order, 1]
        self.sizes = np.bincount(pairs[:, 0], minlength=keys)
        self._ends = np.cumsum(self.sizes)

    def summed(
        self, keys: Numbers, weights: npt.NDArray[np.float64], count: int
    ) -> npt.NDArray[np.float64]:
        total = np.zeros(count)
        for key, weight in zip(keys.tolist(), weights.tolist(), strict=True):
            end = int(self._ends[key])
            total[self._passages[end - int(self.sizes[key]) : end]] += weight
        return total


def _pairs(keys: Numbers, passages: Numbers) -> Numbers:
    """Each pair once; as single numbers they sort many times faster than as rows."""
    joined = np.unique((keys << 32) | passages)
    return np.stack([joined >> 32, joined & 0xFFFFFFFF], axis=1)


def _cut(documents: Iterable[Document]) -> Iterator[tuple[tuple[int, int, int], str]]:
    """Every document's title and headings, and its text in pieces of a passage's length."""
    for index, document in enumerate(documents):
        names = [document.title, *(section.title for section in document.sections)]
        told = " \n ".join(dict.fromkeys(name for name in names if name))
        if told:
            yield (index, -1, 0), told
        start, size = 0, len(document.text)
        while start < size:
            end = min(start + _CHARACTERS, size)
            if end < size:
                space = document.text.rfind(" ", start + _CHARACTERS // 2, end)
                end = space if space > 0 else end
            yield (index, start, end), document.text[start:end]
            start = end


def _batched(
    pieces: Iterator[tuple[tuple[int, int, int], str]],
) -> Iterator[list[tuple[tuple[int, int, int], str]]]:
    batch: list[tuple[tuple[int, int, int], str]] = []
    for piece in pieces:
        batch.append(piece)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
