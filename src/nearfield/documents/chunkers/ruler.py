"""How long a stretch of text is, without reading it again.

A document is tokenised once; afterwards the length of any stretch is two binary searches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from nearfield.protocols import Tokenizer
from nearfield.types import IntArray

__all__ = ["CharacterRuler", "Ruler", "TokenRuler", "ruler_for"]

# Text is tokenised in blocks, since a tokenizer keeps hundreds of bytes for each token.
_BLOCK = 1 << 16
# A stretch without any token start (white space, control characters, or a run that the
# vocabulary reads as one unknown token) counts one unit for each so many characters, so that
# no passage grows without bound.
_LONGEST_TOKEN = 48


class Ruler(Protocol):
    """Measures stretches of one text."""

    def length(self, start: int, end: int) -> int:
        """Units in ``text[start:end]``."""

    def before(self, start: int) -> int:
        """Units that end at or before `start`: ``length = until(end) - before(start)``."""

    def until(self, end: int) -> int:
        """Units that start before `end`."""

    def farthest(self, start: int, units: int) -> int:
        """The greatest offset up to which at most `units` units lie from `start` on."""

    def nearest(self, end: int, units: int) -> int:
        """The smallest offset from which at most `units` units lie up to `end`."""


class CharacterRuler:
    """Counts Unicode code points."""

    def __init__(self, text: str) -> None:
        self._end = len(text)

    def length(self, start: int, end: int) -> int:
        return end - start

    def before(self, start: int) -> int:
        return start

    def until(self, end: int) -> int:
        return end

    def farthest(self, start: int, units: int) -> int:
        return min(self._end, start + units)

    def nearest(self, end: int, units: int) -> int:
        return max(0, end - units)


class TokenRuler:
    """Counts tokens; one that reaches across an edge counts on both sides of it.

    Parameters
    ----------
    text : str
        The text whose stretches are measured.
    tokenizer : Tokenizer
        Whose tokens are counted, special tokens left out.

    Attributes
    ----------
    spans : ndarray of int64, shape (tokens, 2)
        Offsets of the tokens, and of the stand-ins for stretches without any.
    """

    def __init__(self, text: str, tokenizer: Tokenizer) -> None:
        self.spans = _padded(_token_spans(text, tokenizer), len(text))
        self._end = len(text)
        self._starts: list[int] = self.spans[:, 0].tolist()
        self._ends: list[int] = self.spans[:, 1].tolist()

    def length(self, start: int, end: int) -> int:
        return bisect_left(self._starts, end) - bisect_right(self._ends, start)

    def before(self, start: int) -> int:
        return bisect_right(self._ends, start)

    def until(self, end: int) -> int:
        return bisect_left(self._starts, end)

    def farthest(self, start: int, units: int) -> int:
        index = self.before(start) + units
        return self._starts[index] if index < len(self._starts) else self._end

    def nearest(self, end: int, units: int) -> int:
        index = self.until(end) - units - 1
        return self._ends[index] if index >= 0 else 0


def ruler_for(text: str, tokenizer: Tokenizer | None) -> Ruler:
    """A ruler in tokens, or in characters when there is no tokenizer."""
    return CharacterRuler(text) if tokenizer is None else TokenRuler(text, tokenizer)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while len(text) - start > _BLOCK:
        # Cut before white space, where no vocabulary has a token that reaches across.
        end = _last_space(text, start + _BLOCK // 2, start + _BLOCK)
        yield start, end
        start = end
    yield start, len(text)


def _last_space(text: str, low: int, high: int) -> int:
    for place in range(high, low, -1):
        if text[place].isspace():
            return place
    return high


def _token_spans(text: str, tokenizer: Tokenizer) -> IntArray:
    found: Sequence[IntArray] = [
        np.asarray(tokenizer.spans(text[start:end]), dtype=np.int64).reshape(-1, 2) + start
        for start, end in _blocks(text)
    ]
    return np.concatenate(found)


def _padded(spans: IntArray, length: int) -> IntArray:
    """Add one unit for each `_LONGEST_TOKEN` characters in which no token starts."""
    anchors = np.concatenate(([0], spans[:, 0], [length]))
    gaps = np.flatnonzero(np.diff(anchors) > _LONGEST_TOKEN)
    extra = [
        np.arange(anchors[gap] + _LONGEST_TOKEN, anchors[gap + 1], _LONGEST_TOKEN) for gap in gaps
    ]
    added = np.concatenate([*extra, np.empty(0, np.int64)])
    spans = np.concatenate([spans, np.stack([added, added + 1], axis=1)])
    return _searchable(spans)


def _searchable(spans: IntArray) -> IntArray:
    """Put spans in order, with ends that never fall and never pass the next start."""
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    if not len(spans):
        return spans
    starts, ends = spans[:, 0], spans[:, 1]
    following = np.searchsorted(starts, starts, side="right")
    next_start = np.append(starts, np.iinfo(np.int64).max)[following]
    ends = np.maximum.accumulate(np.minimum(ends, next_start))
    return np.stack([starts, ends], axis=1)
