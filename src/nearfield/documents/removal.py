"""Take sentences out of a text, so that they can be asked as questions about what is left.

A sentence and the passage around it belong together as a question and its answer do: the inverse
cloze task (Lee, Chang and Toutanova, "Latent retrieval for weakly supervised open domain question
answering", 2019).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from nearfield.documents.sentences import spans

__all__ = ["FEWEST_SENTENCES", "FEWEST_WORDS", "Shortened", "askable", "without"]

FEWEST_SENTENCES = 3
"""With fewer, too little is left to find."""

FEWEST_WORDS = 5
"""A sentence of fewer words asks nothing."""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A text without some of its parts.

    Attributes
    ----------
    text : str
        What is left.
    cuts : tuple of (int, int)
        What was taken out: offsets in the text as it was, half open, in order, disjoint.
    """

    text: str
    cuts: tuple[tuple[int, int], ...]

    def position(self, old: int) -> int:
        """Where a place of the text as it was stands now; places taken out stand at their cut.

        Examples
        --------
        >>> shortened = without("One. Two. Three.", [(5, 9)])
        >>> shortened.text, shortened.position(10), shortened.position(7)
        ('One. Three.', 5, 5)
        """
        behind = bisect_right(self.cuts, (old, old))
        gone = sum(end - start for start, end in self.cuts[:behind])
        if behind and self.cuts[behind - 1][1] > old:
            gone -= self.cuts[behind - 1][1] - old
        return old - gone


def without(text: str, parts: Iterable[tuple[int, int]]) -> Shortened:
    """Take parts out of a text, each with the white space that follows it.

    Parameters
    ----------
    text : str
    parts : iterable of (int, int)
        Offsets, half open; overlapping parts count as one.

    Examples
    --------
    >>> without("One. Two. Three.", [(0, 4), (10, 16)])
    Shortened(text='Two. ', cuts=((0, 5), (10, 16)))
    """
    cuts: list[tuple[int, int]] = []
    for start, stop in sorted(parts):
        end = stop
        while end < len(text) and text[end].isspace():
            end += 1
        if cuts and start <= cuts[-1][1]:
            cuts[-1] = (cuts[-1][0], max(end, cuts[-1][1]))
        elif start < end:
            cuts.append((start, end))
    kept, at = [], 0
    for start, end in cuts:
        kept.append(text[at:start])
        at = end
    return Shortened("".join([*kept, text[at:]]), tuple(cuts))


def askable(text: str) -> tuple[list[tuple[int, int]], list[int]]:
    """The sentences of a text, and the numbers of those that could be asked.

    Returns
    -------
    spans : list of (int, int)
        Of all sentences.
    places : list of int
        Indices of sentences that are long enough; empty where too little would be left.

    Examples
    --------
    >>> askable("One. This one has five words. The end.")
    ([(0, 4), (5, 29), (30, 38)], [1])
    """
    found = spans(text)
    if len(found) < FEWEST_SENTENCES:
        return found, []
    long = [at for at, (a, b) in enumerate(found) if len(text[a:b].split()) >= FEWEST_WORDS]
    return found, long
