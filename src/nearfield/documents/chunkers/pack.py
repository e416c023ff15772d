"""Which pieces go together: passages that are full, even, and cut where it hurts least.

The problem is that of breaking a paragraph into lines, and so is the solution: the sum of
the passages' badness is minimised over all ways to cut, instead of filling each passage in
turn and leaving a scrap at the end (Knuth and Plass, "Breaking Paragraphs into Lines", 1981).

    badness = (1 - length / size)² + penalty of the cut in front

The square makes passages even; an extra passage always costs, so there are few.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nearfield.documents.chunkers.boundaries import Level, Piece, Span
from nearfield.documents.chunkers.ruler import Ruler
from nearfield.types import FloatArray

__all__ = ["PENALTIES", "cut_penalties", "pack"]

# In units of "one empty passage". A cut inside a paragraph costs as much as a passage that is
# 70 % empty, so paragraphs stay whole unless that would leave scraps.
PENALTIES = {
    Level.SECTION: 0.0,
    Level.PARAGRAPH: 0.1,
    Level.LINE: 0.25,
    Level.SENTENCE: 0.5,
    Level.CLAUSE: 1.0,
    Level.WORD: 1.5,
    Level.GRAPHEME: 3.0,
}
_AFTER_HEADING = 2.0
# Pieces that one passage may hold. They are at least a sixteenth of a passage on average,
# unless a text consists of one-word paragraphs.
_MOST_PIECES = 64


def cut_penalties(pieces: Sequence[Piece], heading_ends: frozenset[int]) -> FloatArray:
    """What a cut in front of each piece costs.

    Parameters
    ----------
    pieces : sequence of Piece
        In order.
    heading_ends : frozenset of int
        Where headings end: a passage should not stop there.

    Returns
    -------
    ndarray of float32, shape (pieces,)
        At least 0; the first is 0, as nothing is cut in front of it.
    """
    penalties = np.array([PENALTIES[piece.level] for piece in pieces], dtype=np.float32)
    penalties[1:] += [
        _AFTER_HEADING if previous.end in heading_ends else 0.0 for previous in pieces[:-1]
    ]
    penalties[:1] = 0
    return penalties


def pack(pieces: Sequence[Piece], ruler: Ruler, size: int, penalties: FloatArray) -> list[Span]:
    """Group pieces into passages of at most `size` units.

    Parameters
    ----------
    pieces : sequence of Piece
        In order; each at most `size` units long, or a single grapheme.
    ruler : Ruler
        Measures the pieces' text.
    size : int
        Units, at least 1.
    penalties : ndarray of float32, shape (pieces,)
        What a cut in front of each piece costs (:func:`cut_penalties`).

    Returns
    -------
    list of (int, int)
        Offsets of the passages, in order.
    """
    if not pieces:
        return []
    before = [ruler.before(piece.start) for piece in pieces]
    until = [ruler.until(piece.end) for piece in pieces]
    costs = penalties.tolist()
    best = [0.0]  # least badness of the first n pieces
    first = [0]  # where the last passage of that solution starts
    for last in range(len(pieces)):
        least, chosen = float("inf"), last
        for start in range(last, max(-1, last - _MOST_PIECES), -1):
            length = until[last] - before[start]
            if length > size and start < last:
                break
            badness = best[start] + costs[start] + (1 - min(length, size) / size) ** 2
            if badness < least:
                least, chosen = badness, start
        best.append(least)
        first.append(chosen)
    passages: list[Span] = []
    stop = len(pieces)
    while stop:
        start = first[stop]
        passages.append((pieces[start].start, pieces[stop - 1].end))
        stop = start
    return passages[::-1]
