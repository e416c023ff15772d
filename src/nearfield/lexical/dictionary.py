"""A sorted list of keys in a mapped file: find one, find those with a prefix or with a part."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nearfield.lexical.library import chosen, finder, kernel

__all__ = ["Dictionary"]


class Dictionary:
    """Keys by their rank.

    Parameters
    ----------
    keys : ndarray of uint8
        All keys one behind the other, ascending.
    ends : ndarray of uint32, shape (keys + 1,)
    check : callable
        Called once, before anything is believed.
    """

    def __init__(
        self,
        keys: npt.NDArray[np.uint8],
        ends: npt.NDArray[np.uint32],
        check: Callable[[], None],
    ) -> None:
        self._keys = keys
        self._ends = ends
        self._check: Callable[[], None] | None = check
        self._pointers = keys.ctypes.data, ends.ctypes.data

    def __len__(self) -> int:
        return len(self._ends) - 1

    def key(self, rank: int) -> bytes:
        """Return a key."""
        self._believe()
        return self._keys[self._ends[rank] : self._ends[rank + 1]].tobytes()

    def all(self, first: int = 0, last: int | None = None) -> list[bytes]:
        """Return the keys from `first` to before `last`."""
        self._believe()
        ends = self._ends[first : (len(self) if last is None else last) + 1].tolist()
        raw = self._keys[ends[0] : ends[-1]].tobytes()
        start = ends[0]
        return [raw[a - start : b - start] for a, b in pairwise(ends)]

    def place(self, key: bytes) -> int:
        """Rank of a key, or -1 - (the rank it would have)."""
        self._believe()
        find = finder()
        if find is not None:
            return int(find(*self._pointers, len(self), key, len(key)))
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.key(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self.key(low) == key else -1 - low

    def with_prefix(self, prefix: bytes) -> range:
        """Ranks of the keys that begin with `prefix`."""
        first = self.place(prefix)
        # 0xff stands in no UTF-8: it sorts behind everything that begins with the prefix.
        last = self.place(prefix + b"\xff")
        return range(first if first >= 0 else -1 - first, last if last >= 0 else -1 - last)

    def with_part(self, part: bytes) -> list[int]:
        """Ranks of the keys in which `part` stands somewhere."""
        self._believe()
        places = self._places(part)
        if not len(places):
            return []
        rank = np.searchsorted(self._ends, places.astype(np.uint32), side="right") - 1
        inside = places + len(part) <= self._ends[rank + 1]  # not across the border of two keys
        ranks: list[int] = np.unique(rank[inside]).tolist()
        return ranks

    def _places(self, part: bytes) -> npt.NDArray[np.int64]:
        native = chosen()
        if native is None:
            raw, found, at = self._keys.tobytes(), [], -1
            while (at := raw.find(part, at + 1)) >= 0:
                found.append(at)
            return np.array(found, dtype=np.int64)
        limit = 1 << 12
        while True:
            places = np.empty(limit, dtype=np.int64)
            text = self._pointers[0], len(self._keys)
            count = native.nfl_places(kernel(), *text, part, len(part), places.ctypes.data, limit)
            if count < limit:
                return places[:count]
            limit *= 4

    def _believe(self) -> None:
        if self._check is not None:
            self._check()
            self._check = None
