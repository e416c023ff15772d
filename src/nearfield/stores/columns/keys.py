"""Numbers as unsigned keys of the same order, and comparisons as ranges of keys.

Whole numbers of 64 bits are shifted by 2⁶³. The bits of a double, read as an integer, rise with
its value where it is positive and fall where it is negative; turning round the negative ones
orders all of them (Herf 2001, "Radix Tricks"). A comparison with any number, however exact, then
asks for one closed range of keys.
"""

from __future__ import annotations

import math
import struct
import zlib
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.filters import Operator

__all__ = [
    "Keys",
    "Kind",
    "Range",
    "hash_key",
    "real_keys",
    "real_range",
    "whole_keys",
    "whole_range",
]

Keys: TypeAlias = npt.NDArray[np.uint64]
Range: TypeAlias = tuple[int, int]
"""Lowest and highest key, both included; empty when the first is greater."""

_NONE: Range = (1, 0)
_SIGN = 1 << 63
_LAST = (1 << 64) - 1


class Kind(IntEnum):
    """What the values of one part of a column are."""

    TEXT = 0
    HASH = 1  # texts of which only a hash is kept: candidates, to be judged
    WHOLE = 2
    REAL = 3
    TRUTH = 4


def whole_keys(values: npt.NDArray[np.int64]) -> Keys:
    """Keys of whole numbers.

    Examples
    --------
    >>> whole_keys(np.array([-1, 0])).tolist() == [2**63 - 1, 2**63]
    True
    """
    return values.view(np.uint64) ^ np.uint64(_SIGN)


def real_keys(values: npt.NDArray[np.float64]) -> Keys:
    """Keys of doubles, infinities included; -0.0 has the key of 0.0. NaN has no place here.

    Examples
    --------
    >>> keys = real_keys(np.array([-np.inf, -2.0, -0.0, 0.0, 1e-310, np.inf]))
    >>> bool((keys[1:] >= keys[:-1]).all()), bool(keys[2] == keys[3])
    (True, True)
    """
    bits = (values + 0.0).view(np.uint64)
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(_SIGN))


def hash_key(text: bytes) -> int:
    """A hash of 31 bits; equal texts, equal keys."""
    return zlib.crc32(text) >> 1


def whole_range(operator: Operator, value: int | float) -> Range:
    """Keys of the whole numbers of 64 bits that compare so with `value`.

    Examples
    --------
    >>> low, high = whole_range(Operator.LT, 2.5)
    >>> low, high - 2**63
    (0, 2)
    >>> low, high = whole_range(Operator.EQ, 2.5)
    >>> low > high
    True
    """
    below, above = math.floor(value), math.ceil(value)
    match operator:
        case Operator.EQ | Operator.NE:
            low, high = above, below  # an empty range unless the value is whole
        case Operator.LT:
            low, high = -_SIGN, above - 1
        case Operator.LE:
            low, high = -_SIGN, below
        case Operator.GT:
            low, high = below + 1, _SIGN
        case Operator.GE:
            low, high = above, _SIGN
    return max(low + _SIGN, 0), min(high + _SIGN, _LAST)


def real_range(operator: Operator, value: int | float) -> Range:
    """Keys of the doubles that compare so with `value`, which need not be a double itself."""
    try:
        nearest = float(value)
    except OverflowError:
        nearest = math.inf if value > 0 else -math.inf
    # No double lies between the value and the nearest one.
    (bits,) = struct.unpack("<Q", struct.pack("<d", nearest + 0.0))
    key = _LAST - bits if bits & _SIGN else bits | _SIGN
    match operator:
        case Operator.EQ | Operator.NE:
            return (key, key) if nearest == value else _NONE
        case Operator.LT:
            return 0, key - (nearest >= value)
        case Operator.LE:
            return 0, key - (nearest > value)
        case Operator.GT:
            return key + (nearest <= value), _LAST
        case Operator.GE:
            return key + (nearest < value), _LAST
