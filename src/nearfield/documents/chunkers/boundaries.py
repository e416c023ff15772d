"""Where a text may be cut, and how much each kind of cut hurts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

from nearfield.documents.chunkers import graphemes
from nearfield.documents.chunkers.ruler import Ruler

__all__ = [
    "Level",
    "Piece",
    "Span",
    "grapheme_at_or_after",
    "pieces",
    "place_between",
    "skip_space",
    "split_at",
]

Span = tuple[int, int]


class Level(IntEnum):
    """What a cut separates, from the best place to the worst."""

    SECTION = 0
    PARAGRAPH = 1
    LINE = 2
    SENTENCE = 3
    CLAUSE = 4
    WORD = 5
    GRAPHEME = 6


class Piece(NamedTuple):
    """A stretch that is not cut any further, and the kind of cut in front of it."""

    start: int
    end: int
    level: Level


# Pieces shorter than this part of a passage join their neighbours at once: it bounds the
# work of packing, and nobody sees a difference of a sixteenth.
_GRAIN = 16

_NEWLINE = re.compile(r"\r\n?|[\n\x0b\f\x1c-\x1e\x85\u2028\u2029]")
# Commas and their kin, before white space; those of East Asia need none. A wrapped line, too.
_SEPARATOR = re.compile("[\\s\u200b]")
_CLAUSE = re.compile(
    r"(?<=[,;:)\]}—–،؛၊፣፤፥፦՝·…།])\s+|(?<=[、，；：・—])|[\n\r\x0b\x85\u2028]\s*|\s+(?=[(\[{—–])"
)


def split_at(spans: Sequence[Span], places: Sequence[int]) -> list[Span]:
    """Cut ordered, disjoint spans at the given ordered places.

    Examples
    --------
    >>> split_at([(0, 4), (5, 9)], [2, 4, 7])
    [(0, 2), (2, 4), (5, 7), (7, 9)]
    """
    cut: list[Span] = []
    for start, end in spans:
        inside = places[bisect_left(places, start + 1) : bisect_left(places, end)]
        cut += pairwise([start, *inside, end])
    return cut


def pieces(
    text: str,
    sentences: Sequence[Span],
    sections: Sequence[int],
    ruler: Ruler,
    size: int,
    *,
    join: bool = True,
) -> list[Piece]:
    """Cut sentences into pieces of at most `size` units, as coarse as possible.

    Parameters
    ----------
    text : str
        The document's text.
    sentences : sequence of (int, int)
        Spans to cut, in order.
    sections : sequence of int
        Where sections start, in order.
    ruler : Ruler
        Measures stretches of `text`.
    size : int
        Units, at least 1. Only a piece of a single grapheme may be longer.
    join : bool
        Whether tiny neighbours become one piece; bounds the work of packing.

    Returns
    -------
    list of Piece
        In order, disjoint, without white space at their edges.
    """
    grain = max(1, size // _GRAIN)
    found: list[Piece] = []
    previous = 0
    for start, end in sentences:
        level = _gap_level(text, previous, start, sections)
        if ruler.length(start, end) <= size:
            fitting: Iterator[Piece] = iter((Piece(start, end, level),))
        else:
            fitting = _clauses(text, start, end, ruler, size, level)
        for piece in fitting:
            _append(found, piece, ruler, grain if join else 0)
        previous = end
    return found


def _append(found: list[Piece], piece: Piece, ruler: Ruler, grain: int) -> None:
    """Add a piece, joined to the one before where both are tiny and no paragraph ends."""
    if found and piece.level >= Level.LINE and ruler.length(found[-1].start, piece.end) <= grain:
        found[-1] = Piece(found[-1].start, piece.end, found[-1].level)
    else:
        found.append(piece)


def _gap_level(text: str, previous: int, start: int, sections: Sequence[int]) -> Level:
    """The kind of cut between two sentences."""
    index = bisect_left(sections, previous)
    if index < len(sections) and sections[index] <= start:
        return Level.SECTION
    breaks = len(_NEWLINE.findall(text, previous, start))
    if breaks > 1 or "\f" in text[previous:start] or "\u2029" in text[previous:start]:
        return Level.PARAGRAPH
    return Level.LINE if breaks else Level.SENTENCE


def _clauses(
    text: str, start: int, end: int, ruler: Ruler, size: int, level: Level
) -> Iterator[Piece]:
    position = start
    for match in _CLAUSE.finditer(text, start, end):
        after = match.end()
        inside = match.start() > position and after < end
        if inside and (after > match.start() or graphemes.is_edge(text, after)):
            yield from _words(text, position, match.start(), ruler, size, level)
            position, level = after, Level.CLAUSE
    yield from _words(text, position, end, ruler, size, level)


def _words(
    text: str, start: int, end: int, ruler: Ruler, size: int, level: Level
) -> Iterator[Piece]:
    """The clause itself if it fits, or else small groups of words, or else of graphemes."""
    if ruler.length(start, end) <= size:
        yield Piece(start, end, level)
        return
    grain = max(1, size // _GRAIN)
    while start < end:
        stop = _word_end(text, start, ruler.farthest(start, grain), end)
        if ruler.length(start, stop) <= size:
            yield Piece(start, stop, level)
        else:
            yield from _graphemes(text, start, stop, ruler, grain, level)
        start, level = skip_space(text, stop, end), Level.WORD


def _graphemes(
    text: str, start: int, end: int, ruler: Ruler, grain: int, level: Level
) -> Iterator[Piece]:
    while start < end:
        stop = _grapheme_cut(text, start, min(ruler.farthest(start, grain), end), end)
        yield Piece(start, stop, level)
        start, level = stop, Level.GRAPHEME


def _word_end(text: str, start: int, low: int, end: int) -> int:
    """The end of the last word that ends in (start, low], or else of the first one."""
    if low >= end:
        return end
    for place in range(low, start, -1):
        if _separates(text[place]) and not _separates(text[place - 1]):
            return place
    match = _SEPARATOR.search(text, max(low, start + 1), end)
    return match.start() if match else end


def _separates(character: str) -> bool:
    """Whether a word may end before this character: white space, or the space of no width."""
    return character.isspace() or character == "\u200b"


def skip_space(text: str, start: int, end: int) -> int:
    """The first offset from `start` on that is not white space, or `end`."""
    while start < end and text[start].isspace():
        start += 1
    return start


def place_between(text: str, start: int, low: int, high: int, end: int) -> int:
    """The end of the last word in [low, high], or else the last grapheme edge up to `high`."""
    for place in range(high, max(low, start + 1) - 1, -1):
        if _separates(text[place]) and not _separates(text[place - 1]):
            return place
    return _grapheme_cut(text, start, high, end)


def _grapheme_cut(text: str, start: int, target: int, end: int) -> int:
    """The last grapheme edge up to `target`, or the end of the first grapheme."""
    target = max(target, start + 1)
    if target >= end:
        return end
    if text[target - 1 : target + 1].isascii() and text[target - 1 : target + 1] != "\r\n":
        return target
    best = start
    for edge in graphemes.starts(text, start, end):
        if edge > target:
            return best if best > start else edge
        best = edge
    return end if best == start else best


def grapheme_at_or_after(text: str, place: int, start: int, end: int) -> int:
    """The first grapheme edge from `place` on, graphemes being counted from `start`."""
    return next((edge for edge in graphemes.starts(text, start, end) if edge >= place), end)
