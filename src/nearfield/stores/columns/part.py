"""The values of one kind in one column, as codes that a comparison turns into ranges.

Whatever the kind, a value is a code below ``size``, and codes have the order of the values.
Codes come from a sorted list of the distinct values (a dictionary of texts, a list of keys), or,
for numbers that lie close together, from the distance to the smallest.

Three layouts hold the codes:

- *bits*: a mask of slots for each code, where there are few; an answer is a union of masks;
- *dense*: code + 1 of each slot, as narrow as can be, 0 where there is none;
- *posted*: the slots of each code, one code after the other, for lists and rare values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.masks import Mask, count_members, mask_bytes, mask_of, nothing, pack_mask
from nearfield.stores.columns.dictionary import Dictionary
from nearfield.stores.columns.gather import Numbers, Rows, Texts
from nearfield.stores.columns.keys import Keys, Kind, Range

__all__ = ["Encoded", "Layout", "Part", "Span", "encode"]

Array: TypeAlias = npt.NDArray[Any]
Span: TypeAlias = tuple[int, int]
"""Codes from the first up to, not including, the second."""

_FEW_CODES = 16
_BLOCK = 1 << 16  # slots compared at a time: the intermediate truth values stay in the cache
_COMPARED_SPANS = 12  # more spans than this are looked up, not compared one by one
_TABLE_OF_CODES = 4  # a table of truth values for all codes has at most this many a slot


class Layout(IntEnum):
    """How the codes of a part are laid out."""

    BITS = 0
    DENSE = 1
    POSTED = 2


@dataclass(frozen=True, slots=True)
class Encoded:
    """A part ready to be written.

    Attributes
    ----------
    kind : Kind
    layout : Layout
    size : int
        Codes lie in [0, size).
    base : int or None
        Key of code 0 where codes are distances.
    codes, values : tuple of ndarray
        What holds the codes; the dictionary or the distinct keys, if any.
    """

    kind: Kind
    layout: Layout
    size: int
    base: int | None
    codes: tuple[Array, ...]
    values: tuple[Array, ...]


def encode(found: Texts | Numbers, kind: Kind, count: int) -> Encoded:
    """Choose the layout of the values of one kind in `count` rows, by bytes and then by speed."""
    values: tuple[Array, ...]
    if isinstance(found, Texts):
        codes, values = found.codes, Dictionary.arrays(found.dictionary)
        size = span = len(found.dictionary)
    else:
        distinct, codes = np.unique(found.keys, return_inverse=True)
        values, size = (distinct,), len(distinct)
        span = int(distinct[-1]) - int(distinct[0]) + 1
    listed = 8 * size if kind is not Kind.TEXT else 0
    single = count_members(mask_of(found.rows, count)) == len(found.rows)
    posted = 4 * len(found.rows) + 4 * size + listed
    coded = count * _code_type(size).itemsize + listed if single else posted + 1
    if size <= _FEW_CODES and size * count // 8 + listed <= 2 * min(coded, posted) + 64:
        return Encoded(kind, Layout.BITS, size, None, (_bits(found.rows, codes, count),), values)
    if isinstance(found, Numbers) and single and span < 2**64 - 1:
        distances = count * _code_type(span).itemsize
        if distances <= min(coded, posted):
            base = int(distinct[0])
            dense = _dense(found.rows, found.keys - distinct[0], count, span)
            return Encoded(kind, Layout.DENSE, span, base, (dense,), ())
    if single and coded <= posted:
        dense = _dense(found.rows, codes, count, size)
        return Encoded(kind, Layout.DENSE, size, None, (dense,), values)
    return Encoded(kind, Layout.POSTED, size, None, _posted(found.rows, codes, size), values)


class Part:
    """The values of one kind in one column of a segment.

    Parameters
    ----------
    kind : Kind
    layout : Layout
    count : int
        Rows of the segment.
    size, base
        As in :class:`Encoded`.
    codes, values : callables returning the arrays of :class:`Encoded`
        Called when they are needed: the first call checks the bytes.
    """

    def __init__(
        self,
        kind: Kind,
        layout: Layout,
        count: int,
        size: int,
        base: int | None,
        codes: Callable[[], tuple[Array, ...]],
        values: Callable[[], tuple[Array, ...]],
    ) -> None:
        self.kind = kind
        self._layout = layout
        self._count = count
        self._size = size
        self._base = base
        self._codes = codes
        self._values = values

    @property
    def dictionary(self) -> Dictionary:
        """The texts of a part of kind TEXT."""
        return Dictionary(*self._values())

    def span(self, keys: Range) -> Span:
        """The codes whose keys lie in a range; for parts of numbers and hashes."""
        low, high = keys
        if low > high:
            return 0, 0
        if self._base is not None:
            return max(low - self._base, 0), max(min(high - self._base + 1, self._size), 0)
        (distinct,) = self._values()
        first = np.searchsorted(distinct, np.uint64(low), "left")
        behind = np.searchsorted(distinct, np.uint64(high), "right")
        return int(first), int(behind)

    def every(self) -> Mask:
        """Rows with any value of this kind."""
        return self.select([(0, self._size)])

    def select(self, spans: Sequence[Span]) -> Mask:
        """Rows with a value whose code lies in one of the spans.

        Returns
        -------
        ndarray of uint8
            A packed mask that must not be written to.
        """
        wanted = _tidy(spans)
        if not wanted:
            return nothing(self._count)
        match self._layout:
            case Layout.BITS:
                return self._union(wanted)
            case Layout.POSTED:
                starts, rows = self._codes()
                slices = [rows[starts[low] : starts[high]] for low, high in wanted]
                found = slices[0] if len(slices) == 1 else np.concatenate(slices)
                return mask_of(found, self._count)
            case Layout.DENSE:
                return self._compared(wanted)

    def entries(self) -> tuple[Rows, npt.NDArray[np.int64]]:
        """Rows and codes of all values, in any order; codes beyond 63 bits are wrapped."""
        match self._layout:
            case Layout.BITS:
                flags = np.unpackbits(self._bitmaps(), axis=1, bitorder="little")
                codes, rows = np.nonzero(flags)
                return rows.astype(np.uint32), codes
            case Layout.POSTED:
                starts, posted = self._codes()
                return posted.copy(), np.repeat(np.arange(self._size), np.diff(starts))
            case Layout.DENSE:
                (dense,) = self._codes()
                rows = np.flatnonzero(dense)
                return rows.astype(np.uint32), (dense[rows] - dense.dtype.type(1)).astype(np.int64)

    def found(self) -> Texts | Numbers:
        """The values themselves, as they were gathered."""
        rows, codes = self.entries()
        if self.kind is Kind.TEXT:
            return Texts(rows, codes, self.dictionary.entries())
        if self._base is not None:
            return Numbers(rows, codes.view(np.uint64) + np.uint64(self._base))
        keys: Keys = self._values()[0][codes]
        return Numbers(rows, keys)

    def _bitmaps(self) -> Array:
        (bits,) = self._codes()
        return bits.reshape(self._size, -1)

    def _union(self, spans: list[Span]) -> Mask:
        bitmaps = self._bitmaps()
        masks: list[Mask] = []
        for low, high in spans:
            alone = high - low == 1
            masks.append(bitmaps[low] if alone else np.bitwise_or.reduce(bitmaps[low:high], axis=0))
        return masks[0] if len(masks) == 1 else np.bitwise_or.reduce(masks, axis=0)

    def _compared(self, spans: list[Span]) -> Mask:
        (dense,) = self._codes()
        tabulated = self._size <= _TABLE_OF_CODES * self._count
        test = _test(spans, self._size, dense.dtype.type, tabulated=tabulated)
        if self._count <= _BLOCK:
            return pack_mask(test(dense))
        mask = nothing(self._count)
        for start in range(0, self._count, _BLOCK):
            packed = np.packbits(test(dense[start : start + _BLOCK]), bitorder="little")
            mask[start // 8 : start // 8 + len(packed)] = packed
        return mask


def _test(
    spans: list[Span],
    size: int,
    cast: Any,  # noqa: ANN401
    *,
    tabulated: bool,
) -> Callable[[Array], npt.NDArray[np.bool_]]:
    """A test of stored codes, which are one higher than the codes of the spans."""
    if len(spans) > _COMPARED_SPANS:
        if tabulated:
            table = np.zeros(size + 1, dtype=np.bool_)
            for low, high in spans:
                table[low + 1 : high + 1] = True
            return table.take
        # Inside a span as many borders lie at or below a code as make an odd number.
        borders = np.array([border + 1 for span in spans for border in span], dtype=np.uint64)
        return lambda stored: np.searchsorted(borders, stored, "right") % 2 == 1
    tests = [_single_test(span, size, cast) for span in spans]
    if len(tests) == 1:
        return tests[0]

    def either(stored: Array) -> npt.NDArray[np.bool_]:
        flags = tests[0](stored)
        for test in tests[1:]:
            flags |= test(stored)
        return flags

    return either


def _single_test(
    span: Span,
    size: int,
    cast: Any,  # noqa: ANN401
) -> Callable[[Array], npt.NDArray[np.bool_]]:
    low, high = span
    if high - low == 1:
        only = cast(high)
        return lambda stored: stored == only
    first, width = cast(low + 1), cast(high - low)
    if high == size:
        return lambda stored: stored >= first
    # Unsigned differences wrap: what lies below the first is far beyond the width.
    return lambda stored: (stored - first) < width


def _tidy(spans: Sequence[Span]) -> list[Span]:
    """The same codes in ascending spans that do not touch."""
    tidy: list[Span] = []
    for low, high in sorted(spans):
        if low >= high:
            continue
        if tidy and low <= tidy[-1][1]:
            tidy[-1] = (tidy[-1][0], max(high, tidy[-1][1]))
        else:
            tidy.append((low, high))
    return tidy


def _code_type(size: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The narrowest type for codes 1 … size and 0."""
    return np.dtype(np.min_scalar_type(size))


def _bits(rows: Rows, codes: Array, count: int) -> Array:
    size = int(codes.max()) + 1
    flags = np.zeros((size, mask_bytes(count) * 8), dtype=np.bool_)
    flags[codes, rows] = True
    return np.packbits(flags, axis=1, bitorder="little").reshape(-1)


def _dense(rows: Rows, codes: Array, count: int, size: int) -> Array:
    dense = np.zeros(count, dtype=_code_type(size))
    # The sum first: a distance of 64 bits has no room to spare in a signed type.
    dense[rows] = codes + codes.dtype.type(1)
    return dense


def _posted(rows: Rows, codes: Array, size: int) -> tuple[Array, Array]:
    order = np.lexsort((rows, codes))
    starts = np.zeros(size + 1, dtype=np.uint32)
    starts[1:] = np.cumsum(np.bincount(codes, minlength=size))
    return starts, rows[order]
