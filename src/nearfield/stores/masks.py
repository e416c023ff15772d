"""Sets of slots as packed bit masks.

Bit ``s % 8`` of byte ``s // 8`` says whether slot s is in the set. A mask for n slots has at
least n bits and a multiple of 8 bytes; the bits beyond are zero.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.types import IntArray

__all__ = ["Mask", "count", "everything", "mask_bytes", "members", "packed", "resized"]

Mask: TypeAlias = npt.NDArray[np.uint8]

_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)


def mask_bytes(slots: int) -> int:
    """Bytes of a mask for so many slots.

    Examples
    --------
    >>> mask_bytes(0), mask_bytes(1), mask_bytes(64), mask_bytes(65)
    (0, 8, 8, 16)
    """
    return -(-slots // 64) * 8


def packed(members: IntArray, slots: int) -> Mask:
    """The mask of a set of slots, each in [0, slots).

    Examples
    --------
    >>> packed(np.array([0, 9]), 10).tolist()
    [1, 2, 0, 0, 0, 0, 0, 0]
    """
    bits = np.zeros(mask_bytes(slots) * 8, dtype=np.bool_)
    bits[members] = True
    return np.packbits(bits, bitorder="little")


def members(mask: Mask) -> IntArray:
    """The slots of a mask, ascending.

    Examples
    --------
    >>> members(packed(np.array([9, 0]), 10)).tolist()
    [0, 9]
    """
    return np.flatnonzero(np.unpackbits(mask, bitorder="little")).astype(np.int64)


def count(mask: Mask) -> int:
    """How many slots a mask holds.

    Examples
    --------
    >>> count(packed(np.array([9, 0]), 10))
    2
    """
    return int(_BITS[mask].sum(dtype=np.int64))


def everything(slots: int) -> Mask:
    """The mask of all slots.

    Examples
    --------
    >>> everything(10).tolist()
    [255, 3, 0, 0, 0, 0, 0, 0]
    """
    mask = np.zeros(mask_bytes(slots), dtype=np.uint8)
    mask[: slots // 8] = 255
    if slots % 8:
        mask[slots // 8] = (1 << slots % 8) - 1
    return mask


def resized(mask: Mask, slots: int) -> Mask:
    """A copy of a mask with room for so many slots."""
    wider = np.zeros(mask_bytes(slots), dtype=np.uint8)
    kept = min(len(mask), len(wider))
    wider[:kept] = mask[:kept]
    return wider
