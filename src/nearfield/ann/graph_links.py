"""The graph's links: which slots lie on which layer, and the neighbours of each.

A vector lies on layer l and all below with probability M^-l (Malkov and Yashunin 2018, with the
level multiplier 1 / ln M). Its level follows from the seed and its slot alone, so that neither
threads nor the number of vectors change it.

=========  ====================  ====================================================
levels     uint8 (n,)            highest layer of each slot
base       uint32 (n, 2M)        neighbours on layer 0; 2³² - 1 behind the last one
upper_at   uint32 (n,)           row in `upper` of the slot's list on layer 1
upper      uint32 (u, M)         neighbours on layers 1, 2, … of one slot after another
=========  ====================  ====================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nearfield.types import IntArray

__all__ = ["MOST_LAYERS", "NONE", "Links", "levels_of"]

NONE = 0xFFFFFFFF
MOST_LAYERS = 32

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.uint32]
_Number = TypeVar("_Number", np.uint8, np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Arrays that may have room for more slots than `count`.

    Attributes
    ----------
    m : int
    count : int
        Slots in use.
    top : int
        Highest layer, -1 for an empty graph.
    entry : int
        The slot at which every search begins, on layer `top`.
    levels, base, upper_at, upper
        See the module.
    """

    m: int
    count: int
    top: int
    entry: int
    levels: Bytes
    base: Slots
    upper_at: Slots
    upper: Slots

    @classmethod
    def empty(cls, m: int) -> Links:
        """No slot at all."""
        return cls(
            m, 0, -1, 0, np.empty(0, np.uint8), np.empty((0, 2 * m), np.uint32),
            np.empty(0, np.uint32), np.empty((0, m), np.uint32),
        )  # fmt: skip

    def neighbours(self, slot: int, layer: int) -> IntArray:
        """Slots linked from `slot` on `layer`, such below `count`."""
        places = self.base[slot] if layer == 0 else self.upper[int(self.upper_at[slot]) + layer - 1]
        end = np.flatnonzero(places == NONE)
        used = places[: end[0]] if len(end) else places
        return np.asarray(used[used < self.count], dtype=np.int64)

    @property
    def upper_count(self) -> int:
        """Lists of `upper` that are in use."""
        last = self.count - 1
        return int(self.upper_at[last]) + int(self.levels[last]) if self.count else 0

    def with_room(self, count: int, seed: int) -> Links:
        """The same links in arrays that hold the levels and empty lists of `count` slots."""
        levels = levels_of(self.count, count, self.m, seed)
        used = self.upper_count
        upper_count = used + int(levels.sum(dtype=np.int64))
        grown = replace(
            self,
            levels=_room(self.levels, self.count, count),
            base=_room(self.base, self.count, count),
            upper_at=_room(self.upper_at, self.count, count),
            upper=_room(self.upper, used, upper_count),
        )
        grown.levels[self.count : count] = levels
        grown.upper_at[self.count : count] = np.cumsum(levels, dtype=np.int64) - levels + used
        grown.base[self.count : count] = NONE
        grown.upper[used:upper_count] = NONE
        return grown


def levels_of(first: int, end: int, m: int, seed: int) -> Bytes:
    """Levels of the slots [first, end): floor(-ln(u) / ln(M)) with u uniform in (0, 1].

    u is SplitMix64 of the seed and the slot (Steele, Lea and Flood 2014).

    Examples
    --------
    >>> levels = levels_of(0, 100_000, m=16, seed=0)
    >>> [int((levels >= layer).sum()) for layer in range(4)]
    [100000, 6192, 398, 28]
    """
    mixed = np.arange(first, end, dtype=np.uint64) + np.uint64(1)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(seed % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 1.0) / 2.0**53
    levels = np.minimum(np.floor(-np.log(uniform) / np.log(m)), MOST_LAYERS - 1)
    whole: Bytes = levels.astype(np.uint8)
    return whole


def _room(array: npt.NDArray[_Number], used: int, needed: int) -> npt.NDArray[_Number]:
    """`array` if it is writable and long enough, else a longer copy; one that grows gets spare."""
    if len(array) >= needed and array.flags.writeable:
        return array
    longer = np.empty((needed + used // 4, *array.shape[1:]), dtype=array.dtype)
    longer[:used] = array[:used]
    return longer
