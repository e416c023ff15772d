"""Texts to the bytes of a segment: in the compiled library, or by NumPy with the same bytes.

The library finds the words of texts by a table of characters and keeps every word that it met, with
what Python made of it once. Texts with characters that the table does not tell enough of are cut
by :mod:`~nearfield.lexical.characters`, as all are without the library.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from ctypes import byref

import numpy as np
import numpy.typing as npt

from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.characters import classes
from nearfield.lexical.library import chosen
from nearfield.lexical.postings import invert
from nearfield.lexical.segment import build_segment, joined_segment
from nearfield.lexical.vocabulary import held_sections, refuse_memory
from nearfield.lexical.wordtable import WordTable

__all__ = ["Inverter"]

_REMEMBERED = 1 << 18  # words; some 30 bytes each

UIntArray = npt.NDArray[np.uint32]


class Inverter:
    """Makes segments of texts; may be shared by threads, which take turns.

    Parameters
    ----------
    analyzer : Analyzer
    positions : bool
        Keep where terms stand.
    """

    def __init__(self, analyzer: Analyzer, *, positions: bool) -> None:
        self._analyzer = analyzer
        self._positions = positions
        self._table: WordTable | None = None
        self._turn = threading.Lock()

    def segment(self, texts: Sequence[str], first_slot: int) -> bytearray:
        """Return the bytes of a segment whose first slot is that of the first text."""
        native = chosen()
        if native is None:
            return self._with_numpy(texts, first_slot)
        with self._turn:
            if self._table is None or len(self._table.words) > _REMEMBERED:
                self._table = WordTable(native)
            return self._with_library(native, self._table, texts, first_slot)

    def _with_numpy(self, texts: Sequence[str], first_slot: int) -> bytearray:
        found = self._analyzer.occurrences(texts)
        keys, postings = invert(found, positions=self._positions)
        ranks = {key: rank for rank, key in enumerate(keys)}
        surfaces = {
            spelt.encode("utf-8", "surrogatepass"): ranks[term.encode("utf-8", "surrogatepass")]
            for spelt, term in found.surfaces.items()
        }
        facts = self._facts(first_slot, found.lengths)
        return build_segment(keys, postings, found.lengths, surfaces, facts)

    def _with_library(
        self, native: ctypes.CDLL, table: WordTable, texts: Sequence[str], first_slot: int
    ) -> bytearray:
        numbers, counts = self._numbered(native, table, texts)
        table.learn(self._analyzer)
        lengths = np.zeros(len(texts), dtype=np.uint32)
        batch = table.batch(numbers, counts, positions=self._positions)
        handle = native.nfl_invert(byref(batch), lengths.ctypes.data) or refuse_memory()
        with held_sections(native, handle) as sections:
            return joined_segment(lengths, sections, self._facts(first_slot, lengths))

    def _numbered(
        self, native: ctypes.CDLL, table: WordTable, texts: Sequence[str]
    ) -> tuple[UIntArray, UIntArray]:
        """The numbers of all words, and how many each text has."""
        joined = "".join(texts).encode("utf-8", "surrogatepass")
        characters = np.fromiter(map(len, texts), np.uint32, len(texts))
        numbers = np.empty(len(joined) + 1, dtype=np.uint32)
        counts = np.empty(len(texts), dtype=np.uint32)
        hard = np.empty(len(texts), dtype=np.bool_)
        known = classes()
        found = native.nfl_words(
            table.words.handle, joined, len(joined), characters.ctypes.data, len(texts),
            known, len(known), numbers.ctypes.data, counts.ctypes.data, hard.ctypes.data,
        )  # fmt: skip
        if found < 0:
            refuse_memory()
        if not hard.any():
            return numbers[:found], counts
        raw = [self._analyzer.raw_words(texts[place]) for place in np.flatnonzero(hard).tolist()]
        counts[hard] = [len(words) for words in raw]
        others = table.words.numbers(word for words in raw for word in words)
        both = np.empty(found + len(others), dtype=np.uint32)
        is_hard = np.repeat(hard, counts)
        both[is_hard], both[~is_hard] = others, numbers[:found]
        return both, counts

    def _facts(self, first_slot: int, lengths: UIntArray) -> dict[str, object]:
        return {
            "first_slot": first_slot,
            "counted": len(lengths),
            "total_length": int(lengths.sum(dtype=np.int64)),
            "has_positions": self._positions,
        }
