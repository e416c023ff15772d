"""Sets of slots as packed bits: slot s is bit ``s % 8`` of byte ``s // 8``.

Masks are whole 8-byte words; the bits behind the last slot are zero.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.types import IntArray

__all__ = [
    "Mask",
    "count_ones",
    "empty",
    "mask_of",
    "ones",
    "pack",
    "place",
    "slots_of",
    "trim",
    "trimmed",
]

Mask: TypeAlias = npt.NDArray[np.uint8]

_BLOCK = 1 << 16
_ONES = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)


def empty(count: int) -> Mask:
    """No slot of `count`."""
    return np.zeros(-(-count // 64) * 8, dtype=np.uint8)


def ones(count: int) -> Mask:
    """Every slot below `count`.

    Examples
    --------
    >>> ones(10).tolist()
    [255, 3, 0, 0, 0, 0, 0, 0]
    """
    mask = empty(count)
    mask[:] = 0xFF
    trim(mask, count)
    return mask


def pack(flags: npt.NDArray[np.bool_]) -> Mask:
    """The mask of one truth value a slot."""
    mask = empty(len(flags))
    packed = np.packbits(flags, bitorder="little")
    mask[: len(packed)] = packed
    return mask


def mask_of(slots: npt.NDArray[np.integer], count: int) -> Mask:
    """The mask of slots given by number, each below `count`, in any order."""
    flags = np.zeros(count, dtype=np.bool_)
    for start in range(0, len(slots), _BLOCK):
        # NumPy indexes by its own integers fastest, and a block of them stays in the cache.
        flags[slots[start : start + _BLOCK].astype(np.intp)] = True
    return pack(flags)


def slots_of(mask: Mask) -> IntArray:
    """The slots of a mask, ascending.

    Examples
    --------
    >>> slots_of(mask_of(np.array([9, 2]), 10)).tolist()
    [2, 9]
    """
    # Whole words of zeros are skipped: masks are often sparse.
    words = np.flatnonzero(mask.view(np.uint64))
    if len(words) * 4 > len(mask) // 8:
        return np.flatnonzero(np.unpackbits(mask, bitorder="little"))
    bits = np.unpackbits(mask.reshape(-1, 8)[words], axis=1, bitorder="little")
    word, bit = np.nonzero(bits)
    slots: IntArray = words[word] * 64 + bit
    return slots


def count_ones(mask: Mask) -> int:
    """How many slots a mask holds."""
    return int(_ONES[mask].sum(dtype=np.int64))


def trim(mask: Mask, count: int) -> None:
    """Clear the bits of slot `count` and beyond, in place."""
    whole, rest = divmod(count, 8)
    if rest:
        mask[whole] &= (1 << rest) - 1
        whole += 1
    mask[whole:] = 0


def trimmed(mask: Mask, count: int) -> Mask:
    """The mask without bits of slot `count` and beyond; the same array if there are none."""
    if count % 64 and int(mask[-8:].view(np.uint64)[0]) >> count % 64:
        mask = mask.copy()
        trim(mask, count)
    return mask


def place(part: Mask, into: Mask, start: int) -> None:
    """Set the bits of `part` in `into`, slot 0 of `part` at slot `start`; the overhang is dropped.

    Examples
    --------
    >>> whole = empty(20)
    >>> place(mask_of(np.array([0, 7]), 8), whole, 10)
    >>> slots_of(whole).tolist()
    [10, 17]
    """
    first, shift = divmod(start, 8)
    low = into[first : first + len(part)]
    if not shift:
        low |= part[: len(low)]
        return
    low |= part[: len(low)] << np.uint8(shift)
    high = into[first + 1 : first + 1 + len(part)]
    high |= part[: len(high)] >> np.uint8(8 - shift)
