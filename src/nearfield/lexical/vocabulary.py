"""Strings by number in the compiled library, and the sections that it makes of them."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_int64
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.compiled import check_status

__all__ = ["NO_MEMORY", "SECTIONS", "Vocabulary", "held_sections", "refuse_memory"]

SECTIONS = (
    ("keys", np.uint8), ("key_ends", np.uint32), ("terms", np.uint32), ("blocks", np.uint32),
    ("words", np.uint32), ("tails", np.uint8), ("positions", np.uint8), ("surfaces", np.uint8),
    ("surface_ends", np.uint32), ("surface_terms", np.uint32),
)  # fmt: skip
"""``nfl_section`` in order: names and types of what a segment holds besides lengths."""

NO_MEMORY = "there is no memory for the index of words: index fewer texts at once"


class Vocabulary:
    """Strings without line feeds, numbered from 0 in the order in which they first come.

    Parameters
    ----------
    native : ctypes.CDLL
        The library.

    Attributes
    ----------
    handle : int
        ``nfl_vocabulary *``, as long as this lives.
    """

    def __init__(self, native: ctypes.CDLL) -> None:
        self._native = native
        self.handle: int = native.nfl_vocabulary_new() or refuse_memory()
        weakref.finalize(self, native.nfl_vocabulary_free, self.handle)

    def __len__(self) -> int:
        return int(self._native.nfl_vocabulary_size(self.handle))

    def bytes_since(self, first: int) -> int:
        """Bytes of the strings from number `first` on, and of a line feed behind each."""
        size = c_int64()
        self._native.nfl_vocabulary_lines(self.handle, first, byref(size))
        return size.value

    def since(self, first: int) -> list[str]:
        """The strings from number `first` on."""
        size = c_int64()
        place = self._native.nfl_vocabulary_lines(self.handle, first, byref(size))
        if not size.value:
            return []
        lines = ctypes.string_at(place, size.value).decode("utf-8", "surrogatepass")
        return lines[:-1].split("\n")

    def numbers(self, strings: Iterable[str]) -> npt.NDArray[np.uint32]:
        """The number of each string; new ones are added."""
        listed = [*strings, ""]
        lines = "\n".join(listed).encode("utf-8", "surrogatepass")
        found = np.empty(len(listed) - 1, dtype=np.uint32)
        status = self._native.nfl_vocabulary_number(
            self.handle, lines, len(lines), len(found), found.ctypes.data
        )
        check_status(status, refused="a string has a line feed in it", no_memory=NO_MEMORY)
        return found


@contextmanager
def held_sections(native: ctypes.CDLL, handle: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """View sections that the library made; they are gone afterwards."""
    try:
        yield {
            name: _viewed(native, handle, which, kind)
            for which, (name, kind) in enumerate(SECTIONS)
        }
    finally:
        native.nfl_sections_free(handle)


def refuse_memory() -> int:
    """Raise MemoryError, in place of a pointer."""
    raise MemoryError(NO_MEMORY)


def _viewed(native: ctypes.CDLL, handle: int, which: int, kind: Any) -> npt.NDArray[Any]:  # noqa: ANN401
    items = c_int64()
    place = native.nfl_sections_data(handle, which, byref(items))
    size = items.value * np.dtype(kind).itemsize
    if not size:
        return np.zeros(0, kind)
    return np.frombuffer((ctypes.c_uint8 * size).from_address(place), kind)
