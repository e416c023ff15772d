"""A sorted dictionary of texts in two arrays: where each ends, and all of them in one run.

UTF-8 sorts like the code points it encodes (lone surrogates included), so a comparison of texts
is a bisection for bytes, and only ``like`` reads the texts themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.filters import Operator, like_pattern

__all__ = ["Dictionary"]


class Dictionary:
    """Texts by ascending code.

    Parameters
    ----------
    ends : ndarray of unsigned integers, shape (size + 1,)
        Text i lies in ``texts[ends[i]:ends[i + 1]]``.
    texts : ndarray of uint8
    """

    def __init__(self, ends: npt.NDArray[Any], texts: npt.NDArray[np.uint8]) -> None:
        self._ends = ends
        self._texts = texts.data
        self._size = len(ends) - 1

    @staticmethod
    def arrays(texts: Sequence[bytes]) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
        """The two arrays of texts that are sorted and distinct."""
        ends = np.cumsum([0, *map(len, texts)], dtype=np.uint64)
        joined = np.array(memoryview(b"".join(texts)), dtype=np.uint8)
        return ends.astype(np.min_scalar_type(int(ends[-1]))), joined

    def entries(self) -> list[bytes]:
        """All texts, encoded."""
        raw = bytes(self._texts)
        return [raw[start:end] for start, end in pairwise(self._ends.tolist())]

    def span(self, operator: Operator, text: str) -> tuple[int, int]:
        """Codes of the texts that compare so with `text`; for ``!=`` those that are equal.

        Examples
        --------
        >>> d = Dictionary(*Dictionary.arrays([b"a", b"b", b"d"]))
        >>> d.span(Operator.LE, "c"), d.span(Operator.EQ, "c"), d.span(Operator.GT, "b")
        ((0, 2), (2, 2), (2, 3))
        """
        wanted = str.encode(text, "utf-8", "surrogatepass")
        match operator:
            case Operator.EQ | Operator.NE:
                first = self._below(wanted)
                return first, first + (first < self._size and self._text(first) == wanted)
            case Operator.LT:
                return 0, self._below(wanted)
            case Operator.LE:
                return 0, self._below(wanted + b"\0")
            case Operator.GT:
                return self._below(wanted + b"\0"), self._size
            case Operator.GE:
                return self._below(wanted), self._size

    def like(self, pattern: str) -> list[tuple[int, int]]:
        """Codes of the texts that match a ``like`` pattern, as spans of one."""
        prefix, rest = _literal_prefix(pattern)
        low, high = 0, self._size
        if prefix:
            start = str.encode(prefix, "utf-8", "surrogatepass")
            low = self._below(start)
            # No byte of UTF-8 is greater than 0xF4.
            high = self._below(start + b"\xff")
        if rest == "%":
            return [(low, high)]
        first = int(self._ends[low])
        raw = bytes(self._texts[first : int(self._ends[high])])
        ends = (self._ends[low : high + 1] - self._ends[low]).tolist()
        whole = like_pattern(pattern).fullmatch
        literal = str.encode(_longest_literal(rest), "utf-8", "surrogatepass")
        return [
            (low + place, low + place + 1)
            for place in (_holding(literal, raw, ends) if literal else range(high - low))
            if whole(raw[ends[place] : ends[place + 1]].decode("utf-8", "surrogatepass"))
        ]

    def _below(self, wanted: bytes) -> int:
        """How many texts lie below `wanted`."""
        low, high = 0, self._size
        while low < high:
            middle = (low + high) // 2
            if self._text(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _text(self, code: int) -> bytes:
        return bytes(self._texts[int(self._ends[code]) : int(self._ends[code + 1])])


def _literal_prefix(pattern: str) -> tuple[str, str]:
    r"""The characters that every match starts with, and the rest of the pattern.

    Examples
    --------
    >>> _literal_prefix("docs/%.md"), _literal_prefix(r"100\%%")
    (('docs/', '%.md'), ('100%', '%'))
    """
    prefix, at = "", 0
    while at < len(pattern) and pattern[at] not in "%_":
        if pattern[at] == "\\" and at + 1 < len(pattern):
            at += 1
        prefix += pattern[at]
        at += 1
    return prefix, pattern[at:]


def _longest_literal(pattern: str) -> str:
    r"""The longest run of characters that every match contains.

    Examples
    --------
    >>> _longest_literal(r"%minutes\_%.md"), _longest_literal("%_")
    ('minutes_', '')
    """
    longest = ""
    while pattern:
        literal, rest = _literal_prefix(pattern)
        longest = max(longest, literal, key=len)
        pattern = rest[1:]
    return longest


def _holding(literal: bytes, raw: bytes, ends: list[int]) -> Iterator[int]:
    """Places of the texts that hold `literal`, and a few more: a hit may lie across a border."""
    at = raw.find(literal)
    while at >= 0:
        place = bisect_right(ends, at) - 1
        yield place
        at = raw.find(literal, ends[place + 1])
