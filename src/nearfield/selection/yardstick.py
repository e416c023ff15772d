"""One figure for each question, fair between chunkers.

**Documents are known to answer** (judged collections, questions of one's own): passages are ranked,
each document stands where its best passage stands, and the figure is a measure of that ranking,
by default nDCG@10. How long passages are does not matter.

**The place of the answer is known** (questions made of the documents): whole documents would tell
nothing about chunks, and counting passages would favour long ones, which hold more in ten places.
So the reader's work is counted, in blocks of 1,000 characters, some 200 tokens. A ranking is read
from its top; each passage that brings a new part of the answer gains that part's share, divided by
log2(1 + blocks read to its end); after ten blocks the reader stops. The sum is divided by that of a
reader who is given the answer and nothing else, so that 1 is the best. With passages of one block
each that hold the answer whole this *is* nDCG@10. A passage four times as long that is found first
is worth what a short one is worth at rank four, and an answer that was cut in two counts once both
parts are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from nearfield.evaluation.metrics import Measure
from nearfield.evaluation.run import Run, documents_of
from nearfield.evaluation.tasks import Qrels
from nearfield.selection.queries import Span
from nearfield.types import Chunk, Hit

__all__ = ["BLOCK", "BLOCKS", "Yardstick", "reading_gain"]

BLOCK = 1000
"""Characters of a block of reading; the default passage of a chunker without a tokenizer."""

BLOCKS = 10
"""Blocks after which the reader stops."""

_DEEPEST = 100
_STEP = 0.01


def reading_gain(passages: Sequence[Chunk], answer: Span) -> float:
    """What a ranking of passages gives a reader who looks for one answer, in [0, 1].

    Parameters
    ----------
    passages : sequence of Chunk
        Best first.
    answer : Span
        Where the answer stands.

    Examples
    --------
    The answer is in the second passage of 1,000 characters: 1 / log2(1 + 2).

    >>> passages = [Chunk(str(i), "d", "x" * 1000, i * 1000, i * 1000 + 1000) for i in range(2)]
    >>> round(reading_gain(passages, Span("d", 1200, 1300)), 4)
    0.6309
    """
    length = max(1, answer.end - answer.start)
    wanted = np.ones(length, dtype=np.bool_)
    read, gain = 0, 0.0
    for passage in passages:
        read += passage.end - passage.start
        if read > BLOCK * BLOCKS:
            break
        if passage.document_id != answer.document:
            continue
        first = max(passage.start - answer.start, 0)
        last = min(passage.end - answer.start, length)
        if first < last:
            gain += int(wanted[first:last].sum()) / length / log2(1 + max(1.0, read / BLOCK))
            wanted[first:last] = False
    return min(1.0, gain / _ideal(length))


def _ideal(length: int) -> float:
    """The gain of reading the answer itself, character by character, and nothing else."""
    whole = length / BLOCK
    if whole <= 1:
        return 1.0
    read = np.arange(0.0, min(whole, float(BLOCKS)), _STEP) + _STEP / 2
    return float((_STEP / whole / np.log2(1 + np.maximum(1.0, read))).sum())


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Gives each question its figure.

    Attributes
    ----------
    measure : Measure
        Of rankings of documents.
    qrels : mapping of str to mapping of str to int
    spans : mapping of str to Span
        Questions that have one are measured by reading.
    """

    measure: Measure
    qrels: Qrels
    spans: Mapping[str, Span]

    @property
    def name(self) -> str:
        """What the figure is called."""
        return "reading gain" if self.spans else self.measure.name

    def depth(self, passages: int, documents: int, characters: int) -> int:
        """Passages that a ranking needs so that nothing which counts is beyond its end.

        Parameters
        ----------
        passages, documents : int
            That there are.
        characters : int
            Of all passages together.
        """
        if self.spans:
            each = max(1.0, characters / max(1, passages))
            wanted = 1.5 * BLOCK * BLOCKS / each
        else:
            wanted = 2 * (self.measure.k or 50) * max(1.0, passages / max(1, documents)) - 10
        return int(min(max(wanted, self.measure.k or 50, 10), max(_DEEPEST, self.measure.k or 0)))

    def score(self, query: str, hits: Sequence[Hit]) -> float:
        """The figure of one question, in [0, 1]."""
        span = self.spans.get(query)
        if span is not None:
            return reading_gain([hit.chunk for hit in hits], span)
        run = Run("", {query: documents_of(hits)})
        return float(self.measure.scores(run, {query: self.qrels[query]})[0])
