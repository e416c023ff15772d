"""Sets of slots as packed bits: slot s is bit ``s % 8`` of byte ``s // 8``.

Masks are whole 8-byte words; the bits behind the last slot are zero.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "Mask",
    "count_members",
    "everything",
    "flags_of",
    "mask_bytes",
    "mask_of",
    "members",
    "nothing",
    "pack_mask",
    "place",
    "resized",
    "trimmed",
]

Mask: TypeAlias = npt.NDArray[np.uint8]

_BLOCK = 1 << 16
_ONES = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)
_COUNT_BITS = getattr(np, "bitwise_count", None)  # ten times as fast; NumPy 2 has it


def mask_bytes(count: int) -> int:
    """Bytes of a mask for `count` slots.

    Examples
    --------
    >>> mask_bytes(0), mask_bytes(1), mask_bytes(64), mask_bytes(65)
    (0, 8, 8, 16)
    """
    return -(-count // 64) * 8


def nothing(count: int) -> Mask:
    """No slot of `count`."""
    return np.zeros(mask_bytes(count), dtype=np.uint8)


def everything(count: int) -> Mask:
    """Every slot below `count`.

    Examples
    --------
    >>> everything(10).tolist()
    [255, 3, 0, 0, 0, 0, 0, 0]
    """
    mask = nothing(count)
    mask[:] = 0xFF
    _trim(mask, count)
    return mask


def pack_mask(flags: npt.NDArray[np.bool_]) -> Mask:
    """The mask of one truth value a slot.

    Examples
    --------
    >>> pack_mask(np.array([True, False, True])).tolist()
    [5, 0, 0, 0, 0, 0, 0, 0]
    """
    mask = nothing(len(flags))
    packed = np.packbits(flags, bitorder="little")
    mask[: len(packed)] = packed
    return mask


def flags_of(mask: Mask, count: int) -> npt.NDArray[np.bool_]:
    """One truth value for each of `count` slots; those beyond the mask's end are not in it.

    Examples
    --------
    >>> flags_of(np.array([5], dtype=np.uint8), 3).tolist()
    [True, False, True]
    """
    if not len(mask):  # which NumPy pads with whatever was in memory
        return np.zeros(count, dtype=np.bool_)
    return np.unpackbits(mask, count=count, bitorder="little").view(np.bool_)


def mask_of(slots: npt.NDArray[np.integer], count: int) -> Mask:
    """The mask of slots given by number, each below `count`, in any order.

    Examples
    --------
    >>> mask_of(np.array([9, 0]), 10).tolist()
    [1, 2, 0, 0, 0, 0, 0, 0]
    """
    flags = np.zeros(count, dtype=np.bool_)
    for start in range(0, len(slots), _BLOCK):
        # NumPy indexes by its own integers fastest, and a block of them stays in the cache.
        flags[slots[start : start + _BLOCK].astype(np.intp)] = True
    return pack_mask(flags)


def members(mask: Mask) -> npt.NDArray[np.int64]:
    """The slots of a mask, ascending.

    Examples
    --------
    >>> members(mask_of(np.array([9, 2]), 10)).tolist()
    [2, 9]
    """
    # Whole words of zeros are skipped: masks are often sparse.
    words = np.flatnonzero(mask.view(np.uint64))
    if len(words) * 4 > len(mask) // 8:
        return np.flatnonzero(np.unpackbits(mask, bitorder="little")).astype(np.int64, copy=False)
    bits = np.unpackbits(mask.reshape(-1, 8)[words], axis=1, bitorder="little")
    word, bit = np.nonzero(bits)
    return (words[word] * 64 + bit).astype(np.int64, copy=False)


def count_members(mask: Mask) -> int:
    """How many slots a mask holds.

    Examples
    --------
    >>> count_members(mask_of(np.array([9, 0]), 10))
    2
    """
    if _COUNT_BITS is not None:
        return int(_COUNT_BITS(mask.view(np.uint64)).sum(dtype=np.int64))
    return int(_ONES[mask].sum(dtype=np.int64))


def resized(mask: Mask, count: int) -> Mask:
    """A copy of a mask with room for `count` slots."""
    sized = nothing(count)
    kept = min(len(mask), len(sized))
    sized[:kept] = mask[:kept]
    return sized


def trimmed(mask: Mask, count: int) -> Mask:
    """The mask without bits of slot `count` and beyond; the same array if it has none."""
    if count % 64 and int(mask[-8:].view(np.uint64)[0]) >> count % 64:
        mask = mask.copy()
        _trim(mask, count)
    return mask


def place(part: Mask, into: Mask, start: int) -> None:
    """Set the bits of `part` in `into`, slot 0 of `part` at slot `start`; the overhang is dropped.

    Examples
    --------
    >>> whole = nothing(20)
    >>> place(mask_of(np.array([0, 7]), 8), whole, 10)
    >>> members(whole).tolist()
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


def _trim(mask: Mask, count: int) -> None:
    """Clear the bits of slot `count` and beyond, in place."""
    whole, rest = divmod(count, 8)
    if rest:
        mask[whole] &= (1 << rest) - 1
        whole += 1
    mask[whole:] = 0
