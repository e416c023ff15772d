"""The parts of a query to clauses that score and a mask that limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nearfield.errors import UnsupportedOperation
from nearfield.lexical import compounds
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.characters import clusters, fold, is_spaceless, normalise
from nearfield.lexical.phrases import phrase, union
from nearfield.lexical.query import Kind, Need, Part, parse
from nearfield.lexical.scoring import Clause, idf
from nearfield.lexical.segment import Loose, Packed, Segment
from nearfield.lexical.stemming import COMPOUNDING
from nearfield.lexical.words import Word
from nearfield.masks import Mask, everything, pack_mask, resized

__all__ = ["Matched", "match"]
Lists = tuple[tuple[int, Packed | Loose], ...]
# What stands at one position of a phrase: its distance, and a term, or a beginning of terms.
Element = tuple[int, str]


@dataclass(slots=True)
class Matched:
    """A query, found in the segments.

    Attributes
    ----------
    clauses : list of Clause
        Those that stand somewhere.
    required, excluded : list of tuple
        Postings that a text must, must not be in; an empty required one allows no text.
    """

    clauses: list[Clause] = field(default_factory=list)
    required: list[Lists] = field(default_factory=list)
    excluded: list[Lists] = field(default_factory=list)

    def limit(self, segments: Sequence[Segment], allowed: Mask | None) -> Mask | None:
        """Narrow a packed mask to what the query requires and excludes."""
        if not self.required and not self.excluded:
            return allowed
        end = segments[-1].end if segments else 0
        mask = everything(end) if allowed is None else resized(allowed, end)
        for lists in self.required:
            mask &= _mask_of(segments, lists, end)
        for lists in self.excluded:
            mask &= ~_mask_of(segments, lists, end)
        return mask


def match(
    text: str,
    analyzer: Analyzer,
    segments: Sequence[Segment],
    texts: int,
    inside: float = compounds.WEIGHT,
) -> Matched:
    """Find the parts of a query; `texts` is the number of texts for the weights.

    `inside` is the weight of longer words that contain a word, and of parts of words; 0 for none.
    """
    return _Matcher(analyzer, segments, texts, inside).run(parse(text))


class _Matcher:
    def __init__(
        self, analyzer: Analyzer, segments: Sequence[Segment], texts: int, inside: float
    ) -> None:
        self._analyzer = analyzer
        self._segments = segments
        self._texts = texts
        self._inside_weight = inside
        self._always = analyzer.language in COMPOUNDING
        self._found: dict[str, Lists] = {}
        # Label to postings and weight of what scores; what is asked twice weighs twice.
        self._scoring: dict[str, tuple[Lists, float]] = {}

    def run(self, parts: list[Part]) -> Matched:
        matched = Matched()
        for part in parts:
            if part.need is Need.OPTIONAL:
                self._optional(part)
                continue
            for label, lists in self._needed(part):
                if part.need is Need.EXCLUDED:
                    matched.excluded.append(lists)
                else:
                    matched.required.append(lists)
                    self._score(label, lists)
            if part.need is Need.REQUIRED and part.kind is Kind.WORDS:
                for word in self._analyzer.words(part.text):
                    self._terms(word.wholes)  # read_file above readFile
        for label, (lists, weight) in self._scoring.items():
            count = sum([found.count for _, found in lists])
            matched.clauses.append(Clause(label, weight * idf(self._texts, count), lists))
        return matched

    def _score(self, label: str, lists: Lists, weight: float = 1.0) -> None:
        if lists:
            before = self._scoring.get(label)
            self._scoring[label] = (lists, weight + (before[1] if before else 0.0))

    # ---- optional parts ----

    def _optional(self, part: Part) -> None:
        if part.kind is not Kind.WORDS:
            for label, lists in self._needed(part):
                self._score(label, lists)
            return
        for word in self._analyzer.words(part.text):
            if _is_character(word):
                self._score(word.parts[0], self._beginning(word.parts[0]))
                continue
            found = self._terms((*word.parts, *word.wholes))
            if word.silent and not found:
                self._characters(part.text)
            elif len(word.parts) == 1 and not word.wholes:
                self._inside(word)

    def _terms(self, terms: tuple[str, ...]) -> bool:
        """Score terms one by one; whether any of them stands somewhere."""
        found = False
        for term in terms:
            lists = self._term(term)
            found = found or bool(lists)
            self._score(term, lists)
        return found

    def _characters(self, text: str) -> None:
        """Fall back to single characters where no pair of them stands anywhere."""
        for character in clusters(normalise(text)):
            if is_spaceless(character[0]):
                self._score(character, self._beginning(character), compounds.WEIGHT)

    def _inside(self, word: Word) -> None:
        """Longer terms that contain a word, or terms that it is made of."""
        term = word.parts[0]
        if not self._inside_weight or not compounds.may_be_part(term) or is_spaceless(term[0]):
            return
        count = sum([found.count for _, found in self._term(term)])
        if self._always or count < compounds.RARE:
            self._score(
                f"*{term}*", self._each(lambda s: compounds.wider(s, term)), self._inside_weight
            )
        if count == 0:
            surface = word.surfaces[0]
            stem = self._analyzer.stem
            for piece in compounds.split(surface, stem, lambda t: bool(self._term(t))):
                self._score(piece, self._term(piece), self._inside_weight)

    # ---- parts as postings ----

    def _needed(self, part: Part) -> list[tuple[str, Lists]]:
        """Labels and postings of a part, each of which is needed."""
        if part.kind is Kind.PREFIX:
            return self._prefix(part.text)
        words = self._analyzer.words(part.text)
        if part.kind is Kind.PHRASE:
            return [self._phrase(words)] if words else []
        return [self._phrase([word]) for word in words]

    def _prefix(self, text: str) -> list[tuple[str, Lists]]:
        """The last word of the text begins others; those before it are needed as they are."""
        words = self._analyzer.words(text)
        if not words:
            return []
        found = [self._phrase([word]) for word in words[:-1]]
        last = words[-1]
        if len(last.parts) > 1 or last.silent or _is_character(last):
            if any(is_spaceless(part[0]) for part in last.parts):
                # Every character begins a term, so pairs in a row are all that a run begins with.
                return [*found, self._phrase([last])]
            beginning = fold(normalise(text)).split()[-1]
        else:
            beginning = last.surfaces[0]
        return [*found, (f"{beginning}*", self._spelt(beginning))]

    def _phrase(self, words: list[Word]) -> tuple[str, Lists]:
        elements: list[Element] = []
        distance = 0
        for word in words:
            elements += [(distance + i, part) for i, part in enumerate(word.parts)]
            distance += word.width
        if len(elements) == 1:
            term = elements[0][1]
            character = _is_character(words[0])
            return term, self._beginning(term) if character else self._term(term)
        label = '"' + " ".join(term for _, term in elements) + '"'
        single = {id(word) for word in words if _is_character(word)}
        beginnings = {word.parts[0] for word in words if id(word) in single}
        return label, self._together(elements, beginnings)

    def _together(self, elements: list[Element], beginnings: set[str]) -> Lists:
        found: list[tuple[int, Packed | Loose]] = []
        for index, segment in enumerate(self._segments):
            if not segment.has_positions:
                raise UnsupportedOperation(
                    "the text index holds no positions, so it finds no phrases: "
                    "make it with positions=True, or ask without quotation marks"
                )
            terms = [
                (distance, _starting(segment, t) if t in beginnings else _exact(segment, t))
                for distance, t in elements
            ]
            loose = phrase(segment, terms)
            if loose is not None:
                found.append((index, loose))
        return tuple(found)

    def _term(self, term: str) -> Lists:
        found = self._found.get(term)
        if found is None:
            key = term.encode("utf-8", "surrogatepass")
            found = tuple(
                [(i, p) for i, s in enumerate(self._segments) if (p := s.find(key)) is not None]
            )
            self._found[term] = found
        return found

    def _beginning(self, character: str) -> Lists:
        """Every place of a character of a script without spaces."""
        return self._each(lambda segment: _starting(segment, character))

    def _spelt(self, beginning: str) -> Lists:
        """Terms whose spelling, before its ending was cut, begins so."""
        raw = beginning.encode("utf-8", "surrogatepass")

        def ranks(segment: Segment) -> list[Packed]:
            found = set(segment.keys.with_prefix(raw))
            found |= set(segment.surface_terms(segment.surfaces.with_prefix(raw)))
            return [segment.packed(rank) for rank in sorted(found)]

        return self._each(ranks)

    def _each(self, terms: Callable[[Segment], list[Packed]]) -> Lists:
        """Terms that count as one, in every segment."""
        found: list[tuple[int, Packed | Loose]] = []
        for index, segment in enumerate(self._segments):
            members = terms(segment)
            if members:
                found.append((index, union(segment, members)))
        return tuple(found)


def _is_character(word: Word) -> bool:
    return not word.surfaces and not word.silent and len(word.parts) == 1


def _exact(segment: Segment, term: str) -> list[Packed]:
    found = segment.find(term.encode("utf-8", "surrogatepass"))
    return [] if found is None else [found]


def _starting(segment: Segment, character: str) -> list[Packed]:
    """Terms of one or two characters that begin with this one."""
    ranks = segment.keys.with_prefix(character.encode())
    names = segment.keys.all(ranks.start, ranks.stop)
    return [
        segment.packed(rank)
        for rank, name in zip(ranks, names, strict=True)
        if clusters(name.decode())[0] == character
    ]


def _mask_of(segments: Sequence[Segment], lists: Lists, end: int) -> Mask:
    flags = np.zeros(end, dtype=np.bool_)
    for index, postings in lists:
        segment = segments[index]
        loose = segment.read(postings) if isinstance(postings, Packed) else postings
        flags[loose.slots.astype(np.int64) + segment.first_slot] = True
    return pack_mask(flags)
