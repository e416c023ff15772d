"""Terms that stand together, and terms that count as one: postings made for one query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nearfield.lexical.segment import Loose, Packed, Segment

__all__ = ["phrase", "union"]

_MANY = 16  # terms in a run from which unpacking them together pays

LongArray = npt.NDArray[np.int64]


def union(segment: Segment, members: Sequence[Packed]) -> Loose:
    """Texts with any of the terms; the frequencies add up."""
    if len(members) == 1:
        return segment.read(members[0])
    parts: list[Loose] = []
    for run in _runs(members):
        many = len(run) >= _MANY
        parts += [segment.read_run(run)] if many else [segment.read(member) for member in run]
    slots = np.concatenate([part.slots for part in parts])
    frequencies = np.concatenate([part.frequencies for part in parts])
    order = np.argsort(slots, kind="stable")
    slots, frequencies = slots[order], frequencies[order]
    starts = np.flatnonzero(np.concatenate([[True], slots[1:] != slots[:-1]]))
    return Loose(slots[starts], np.add.reduceat(frequencies, starts).astype(np.float32))


def _runs(members: Sequence[Packed]) -> list[list[Packed]]:
    """Members of consecutive ranks together."""
    runs: list[list[Packed]] = []
    for member in members:
        if runs and runs[-1][-1].rank + 1 == member.rank:
            runs[-1].append(member)
        else:
            runs.append([member])
    return runs


def phrase(segment: Segment, elements: Sequence[tuple[int, Sequence[Packed]]]) -> Loose | None:
    """Texts in which terms stand one behind the other.

    Parameters
    ----------
    segment : Segment
    elements : sequence of (int, sequence of Packed)
        Distance from the phrase's first position, and the terms that may stand there.

    Returns
    -------
    Loose or None
        Frequencies count occurrences of the phrase. None where there are none.
    """
    if not all(terms for _, terms in elements):
        return None
    # The rarest first: what is left to compare shrinks fastest.
    ordered = sorted(elements, key=lambda element: sum(term.count for term in element[1]))
    starts = _beginnings(segment, *ordered[0])
    for distance, terms in ordered[1:]:
        starts = _common(starts, _beginnings(segment, distance, terms))
    if not len(starts):
        return None
    slots, counts = np.unique(starts >> 32, return_counts=True)
    return Loose(slots.astype(np.uint32), counts.astype(np.float32))


def _beginnings(segment: Segment, distance: int, terms: Sequence[Packed]) -> LongArray:
    """Where the phrase would begin, ascending: `distance` before each occurrence."""
    found = np.concatenate([_places(segment, term) for term in terms])
    if len(terms) > 1:
        found.sort()
    return found[(found & 0xFFFFFFFF) >= distance] - distance


def _places(segment: Segment, term: Packed) -> LongArray:
    """Text and position of each occurrence as one number, ascending."""
    loose = segment.read(term)
    positions = segment.positions(term, loose.frequencies)
    slots = np.repeat(loose.slots.astype(np.int64), loose.frequencies.astype(np.int64))
    return slots << 32 | positions


def _common(few: LongArray, many: LongArray) -> LongArray:
    if not len(many):
        return many
    place = np.searchsorted(many, few)
    place[place == len(many)] = 0
    common: LongArray = few[many[place] == few]
    return common
