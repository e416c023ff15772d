"""The text index of a collection: texts by slot, searched with BM25."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearfield.errors import InputError
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.container import DamagedIndex
from nearfield.lexical.inverting import Inverter
from nearfield.lexical.matching import Matched, match
from nearfield.lexical.scoring import Formula, Found, Weighing, best, contribution, norm
from nearfield.lexical.segment import Packed, Segment
from nearfield.lexical.shelf import MemoryShelf, Shelf
from nearfield.lexical.slots import SlotIndex
from nearfield.lexical.stemming import Language
from nearfield.masks import Mask
from nearfield.types import BM25

__all__ = ["Explanation", "Lexical", "TermScore"]

_DEFAULT = BM25()
K1, B, INSIDE = _DEFAULT.k1, _DEFAULT.b, _DEFAULT.inside

_AT_ONCE = 1 << 15  # texts that are inverted at once


@dataclass(frozen=True, slots=True)
class TermScore:
    """What one part of a query adds to a text's score.

    Attributes
    ----------
    label : str
        A term; ``"…"`` a phrase, ``…*`` a beginning, ``*…*`` longer words with it inside.
    frequency : float
        How often it stands in the text (tf); 0 adds nothing.
    texts : int
        In how many texts it stands (df).
    weight : float
        idf, times how often it was asked, times what it counts (1, or less inside words).
    score : float
        weight · tf / (tf + norm).
    """

    label: str
    frequency: float
    texts: int
    weight: float
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a text's score comes about.

    Attributes
    ----------
    score : float
        The sum; 0 where nothing matches.
    terms : tuple of TermScore
    length : int
        Positions of the text.
    average : float
        Positions of an average text.
    norm : float
        k1 · (1 − b + b · length / average).
    texts : int
        Number of texts that statistics count (N).
    """

    score: float
    terms: tuple[TermScore, ...]
    length: int
    average: float
    norm: float
    texts: int


class Lexical(SlotIndex):
    """An index of texts by slot.

    Slots count from 0 without gaps: the n-th text that is appended has slot n. A text that is
    deleted or replaced keeps its slot; leave it out with `allowed`. Statistics (N, df, the average
    length) count it until its segment is merged with its bit in `dead`.

    Parameters
    ----------
    shelf : Shelf
    analyzer : Analyzer

    Examples
    --------
    >>> import tempfile
    >>> index = Lexical.create(Path(tempfile.mkdtemp()))
    >>> index.append(["the cat sat", "dogs and cats", "a bird"])
    >>> found = index.search("cat")
    >>> found.slots.tolist(), found.matched
    ([0, 1], (('cat',), ('cat',)))
    """

    def __init__(self, shelf: Shelf, analyzer: Analyzer) -> None:
        super().__init__(shelf)
        self._analyzer = analyzer
        self._inverter = Inverter(analyzer, positions=shelf.facts["positions"] == "True")
        # The last query as it was found: a hybrid search asks twice.
        self._last: tuple[tuple[str, float], tuple[Segment, ...], Matched] | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        language: Language | str = Language.AUTO,
        positions: bool = True,
        tag: str = "",
    ) -> Lexical:
        """Make an empty index in a folder, in place of what was there.

        Parameters
        ----------
        path : Path
        language : Language or str
        positions : bool
            Keep where in their texts terms stand: phrases need it.
        tag : str
            Kept for the caller: whose texts these are.
        """
        analyzer = Analyzer(Language.of(language))
        facts = _facts(analyzer, positions=positions) | {"tag": tag}
        return cls(Shelf.create(path, facts), analyzer)

    @classmethod
    def in_memory(cls, *, language: Language | str = Language.AUTO) -> Lexical:
        """Make an empty index that has no folder; texts come by :meth:`extend_tail`."""
        analyzer = Analyzer(Language.of(language))
        return cls(MemoryShelf(_facts(analyzer, positions=True)), analyzer)

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Lexical:
        """Open an index; takes no longer for a large one.

        Raises
        ------
        DamagedIndex
            It cannot be trusted, or was made by another analysis: make it again.
        FormatVersionError
            It is of another version of the file format.
        """
        shelf = Shelf(path, write=write)
        if shelf.facts.get("kind") != "text":
            raise DamagedIndex(f"{path} holds {shelf.facts.get('kind')!r}, expected 'text'")
        analyzer = Analyzer(Language.of(shelf.facts["language"]))
        if shelf.facts["analysis"] != analyzer.spec:
            raise DamagedIndex(
                f"{path} was made by the analysis {shelf.facts['analysis']!r}, this one is "
                f"{analyzer.spec!r}: rebuild the text index"
            )
        return cls(shelf, analyzer)

    @property
    def largest_share(self) -> float:
        """Share of the slots on disk that the largest segment holds; 1 where there are none."""
        sizes = [segment.end - segment.first_slot for segment in self._shelf.segments]
        return max(sizes) / sum(sizes) if sizes else 1.0

    @property
    def counted(self) -> int:
        """Texts that statistics count (N): those of dead slots until they are merged away."""
        return self._statistics()[0]

    @property
    def tag(self) -> str:
        """What the caller gave at creation."""
        return self._shelf.facts.get("tag", "")

    @property
    def language(self) -> Language:
        """The language it was created for."""
        return self._analyzer.language

    # ---- writing ----

    def append(
        self, texts: Sequence[str], *, dead: Mask | None = None, durable: bool = False
    ) -> None:
        """Index texts for the slots after those on disk; the tail in memory is let go.

        Many texts are written in portions; ``stored`` says how far it came.

        Parameters
        ----------
        texts : sequence of str
            One a slot; empty for slots that hold nothing.
        dead : ndarray of uint8, optional
            Packed mask of dead slots, which merging drops.
        durable : bool
            Wait until the disk has it. What is not there after a power cut is found out by
            checksums and made again.
        """
        for begin in range(0, len(texts), _AT_ONCE):
            data = self._inverter.segment(texts[begin : begin + _AT_ONCE], self._shelf.stored)
            self._shelf.append(data, dead=dead, durable=durable)

    def extend_tail(self, texts: Sequence[str]) -> None:
        """Index texts for the next slots in memory only."""
        if texts:
            self._shelf.extend(self._inverter.segment(texts, self._shelf.end))

    # ---- searching ----

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        allowed: Mask | None = None,
        k1: float = K1,
        b: float = B,
        inside: float = INSIDE,
    ) -> Found:
        """Return the best `k` texts.

        Parameters
        ----------
        query : str
            Words and signs (:mod:`nearfield.lexical.query`); any text is a query.
        k : int
            At least 1.
        allowed : ndarray of uint8, optional
            Packed mask over slots (bit s % 8 of byte s // 8); None allows all.
        k1, b, inside : float
            As of :class:`nearfield.types.BM25`.

        Returns
        -------
        Found
            By falling score, equal ones by slot.

        Raises
        ------
        DamagedIndex
            What is needed of the files is damaged.
        InputError
            `k`, `k1` or `b` is out of its range.
        UnsupportedOperation
            A phrase is asked of an index without positions.
        """
        segments = self._shelf.segments
        texts, average = self._statistics()
        weighing = Weighing(Formula.BM25, k1, b, average)
        matched = self._matched(query, segments, texts, inside)
        return best(segments, matched.clauses, weighing, k, matched.limit(segments, allowed))

    def explain(
        self, query: str, slot: int, *, k1: float = K1, b: float = B, inside: float = INSIDE
    ) -> Explanation:
        """Say how the score of a text comes about, whether or not it is among the results.

        Raises
        ------
        InputError
            There is no such slot.
        """
        if not 0 <= slot < len(self):
            raise InputError(f"slot is {slot}, expected 0 to {len(self) - 1}")
        segments = self._shelf.segments
        texts, average = self._statistics()
        weighing = Weighing(Formula.BM25, k1, b, average)
        index = next(i for i, segment in enumerate(segments) if slot < segment.end)
        segment, place = segments[index], slot - segments[index].first_slot
        lengths = segment.lengths[place : place + 1]
        terms = []
        for clause in match(query, self._analyzer, segments, texts, inside).clauses:
            frequency = np.zeros(1, dtype=np.float32)
            for _, postings in (found for found in clause.lists if found[0] == index):
                loose = segment.read(postings) if isinstance(postings, Packed) else postings
                frequency[:] = loose.frequencies[loose.slots == place].sum()
            tf = float(frequency[0])
            score = (
                float(contribution(weighing, clause.weight, frequency, lengths)[0]) if tf else 0.0
            )
            terms.append(TermScore(clause.label, tf, clause.count, clause.weight, score))
        return Explanation(
            float(np.float32(sum(term.score for term in terms))),
            tuple(terms),
            int(lengths[0]),
            average,
            float(norm(weighing, lengths)[0]),
            texts,
        )

    def _matched(
        self, query: str, segments: tuple[Segment, ...], texts: int, inside: float
    ) -> Matched:
        asked, last = (query, inside), self._last
        if last is not None and last[0] == asked and last[1] is segments:
            return last[2]
        matched = match(query, self._analyzer, segments, texts, inside)
        self._last = (asked, segments, matched)
        return matched

    def _statistics(self) -> tuple[int, float]:
        segments = self._shelf.segments
        texts = sum([segment.counted for segment in segments])
        total = sum([segment.total_length for segment in segments])
        return texts, max(total, 1) / max(texts, 1)


def _facts(analyzer: Analyzer, *, positions: bool) -> dict[str, str]:
    return {
        "kind": "text",
        "language": str(analyzer.language),
        "analysis": analyzer.spec,
        "positions": str(positions),
    }
