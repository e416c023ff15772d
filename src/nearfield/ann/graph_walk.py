"""The graph search in Python, step by step.

It finds what the compiled search finds, in the same steps: it serves where there is no compiled
library, and it is what :meth:`nearfield.ann.graph.Graph.explain` watches. One question costs
milliseconds.
"""

from __future__ import annotations

import heapq
from bisect import insort
from dataclasses import dataclass, field

import numpy as np

from nearfield.ann.arrays import allowed_slots
from nearfield.ann.graph_links import Links
from nearfield.ann.graph_rows import Bytes, Space
from nearfield.masks import Mask
from nearfield.types import FloatArray, IntArray

__all__ = ["LEAST_EFFORT", "Filter", "Step", "Walk"]

LEAST_EFFORT = 8
"""Under a mask a search may always compute so many distances for each of ef."""

Found = tuple[float, int]  # distance and slot: sorts as the compiled search does


@dataclass(frozen=True, slots=True)
class Step:
    """One slot whose neighbours were looked at.

    Attributes
    ----------
    layer : int
    slot : int
    distance : float
    compared : int
        Neighbours whose distances were computed.
    taken : int
        Those that were nearer than what was known: on upper layers than the slot itself, on the
        lowest than the worst of the ef nearest so far.
    """

    layer: int
    slot: int
    distance: float
    compared: int
    taken: int


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """Slots that may be returned, and how much may be done to find them."""

    allowed: Mask
    effort: int

    @classmethod
    def of(cls, allowed: Mask, count: int, ef: int, effort: int) -> Filter:
        """Effort 0 stands for as many distances as there are allowed slots."""
        return cls(allowed, effort or max(len(allowed_slots(allowed, count)), LEAST_EFFORT * ef))

    def allows(self, slot: int) -> bool:
        """Whether the slot's bit is set."""
        return bool(self.allowed[slot >> 3] >> (slot & 7) & 1)


@dataclass(slots=True, eq=False)
class Walk:
    """One search through one graph.

    Attributes
    ----------
    steps : list of Step
        What was done so far.
    computed : int
        Distances computed so far.
    stopped : bool
        Whether the bound on the effort ended it.
    """

    space: Space
    links: Links
    rows: Bytes | FloatArray
    terms: FloatArray
    query: Bytes | FloatArray
    steps: list[Step] = field(default_factory=list)
    computed: int = 0
    stopped: bool = False

    def run(self, ef: int, only: Filter | None) -> list[Found]:
        """The ef nearest that were found, ascending."""
        if self.links.top < 0:
            return []
        nearest = self._descend()
        if only is None:
            return self._search(nearest, ef)
        return self._search_filtered(nearest, ef, only)

    def _compare(self, slots: IntArray) -> list[Found]:
        self.computed += len(slots)
        found = self.space.distances(self.query, self.rows, self.terms, slots)
        return list(zip(found.tolist(), slots.tolist(), strict=True))

    def _descend(self) -> Found:
        """Steps to the nearest neighbour until none is nearer, layer by layer."""
        best = self._compare(np.array([self.links.entry]))[0]
        for layer in range(self.links.top, 0, -1):
            while True:
                found = self._compare(self.links.neighbours(best[1], layer))
                nearer = [each for each in found if each < best]
                self.steps.append(Step(layer, best[1], best[0], len(found), len(nearer)))
                if not nearer:
                    break
                best = min(nearer)
        return best

    def _search(self, start: Found, ef: int) -> list[Found]:
        pool, visited, expanded = [start], {start[1]}, set[int]()
        while (
            nearest := next((each for each in pool if each[1] not in expanded), None)
        ) is not None:
            expanded.add(nearest[1])
            taken = 0
            found = self._compare(self._unvisited(nearest[1], visited))
            for each in found:
                if len(pool) < ef or each < pool[-1]:
                    insort(pool, each)
                    del pool[ef:]
                    taken += 1
            self.steps.append(Step(0, nearest[1], nearest[0], len(found), taken))
        return pool

    def _search_filtered(self, start: Found, ef: int, only: Filter) -> list[Found]:
        pool = [start] if only.allows(start[1]) else []
        frontier, visited = [start], {start[1]}
        while frontier:
            nearest = heapq.heappop(frontier)
            if len(pool) == ef and nearest > pool[-1]:
                break
            if self.computed >= only.effort:
                self.stopped = True
                break
            taken = 0
            found = self._compare(self._unvisited(nearest[1], visited))
            for each in found:
                if len(pool) == ef and each > pool[-1]:
                    continue
                heapq.heappush(frontier, each)
                if only.allows(each[1]):
                    insort(pool, each)
                    del pool[ef:]
                    taken += 1
            self.steps.append(Step(0, nearest[1], nearest[0], len(found), taken))
        return pool

    def _unvisited(self, slot: int, visited: set[int]) -> IntArray:
        fresh = [each for each in self.links.neighbours(slot, 0).tolist() if each not in visited]
        visited.update(fresh)
        return np.array(fresh, dtype=np.int64)
