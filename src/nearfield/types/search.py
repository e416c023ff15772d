"""What searches ask by and find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.errors import InputError
from nearfield.types.documents import Chunk
from nearfield.types.slots import setters
from nearfield.types.values import FloatArray, IntArray

__all__ = ["BM25", "Hit", "Ranking"]


@dataclass(frozen=True, slots=True, init=False)
class Hit:
    """One search result.

    Attributes
    ----------
    chunk : Chunk
        The passage.
    score : float
        Higher is closer, whatever the metric: cosine in [-1, 1], dot product, or the
        negated Euclidean distance.
    rank : int
        From 1.
    path : str
        The search path that found it, such as ``"exact"``.
    parts : mapping of str to float
        Where several paths were asked, the score that each of them gave.
    confidence : float or None
        Probability, in [0, 1], that a hit of this score is relevant; None where the collection is
        not calibrated.
    """

    chunk: Chunk
    score: float
    rank: int
    path: str
    parts: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None

    def __init__(
        self,
        chunk: Chunk,
        score: float,
        rank: int,
        path: str,
        parts: Mapping[str, float] | None = None,
        confidence: float | None = None,
    ) -> None:
        _set_chunk(self, chunk)
        _set_score(self, score)
        _set_rank(self, rank)
        _set_path(self, path)
        _set_parts(self, {} if parts is None else parts)
        _set_confidence(self, confidence)


_set_chunk, _set_score, _set_rank, _set_path, _set_parts, _set_confidence = setters(Hit, 0, 6)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one search path found, before any text is fetched.

    Attributes
    ----------
    keys : ndarray of int64, shape (n,)
        A store's own names of chunks, good within one view of it, best first.
    scores : ndarray of float32, shape (n,)
        Higher is closer.
    path : str
        How they were found, such as ``"exact"`` or ``"lexical"``.
    """

    keys: IntArray
    scores: FloatArray
    path: str


@dataclass(frozen=True, slots=True)
class BM25:
    """How a search by words weighs; see :mod:`nearfield.lexical.scoring` for the formula.

    Attributes
    ----------
    k1 : float
        Saturation of frequencies, ≥ 0. 1.2 is Lucene's, 0.9 Anserini's.
    b : float
        Weight of the text's length, 0 to 1. 0.75 is Lucene's, 0.4 Anserini's.
    inside : float
        Weight of longer words that contain a word, and of words that one is made of, relative to
        the word itself, 0 to 1; 0 looks for none.

    Raises
    ------
    InputError
        One is out of its range.
    """

    k1: float = 1.2
    b: float = 0.75
    inside: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.k1 < float("inf"):
            raise InputError(f"k1 is {self.k1}, expected a number of at least 0")
        for name in ("b", "inside"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise InputError(f"{name} is {share}, expected a number from 0 to 1")
