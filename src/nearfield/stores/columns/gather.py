"""Python values to arrays: what each field of a batch of rows holds, kind by kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.stores.columns.fields import Fields
from nearfield.stores.columns.keys import Keys, Kind, hash_key, real_keys, whole_keys

__all__ = ["MOST_COLUMNS", "Batch", "Numbers", "Rows", "Texts", "Values", "gather", "merge"]

Rows: TypeAlias = npt.NDArray[np.uint32]

MOST_COLUMNS = 1000
"""Fields of a segment that have a column; rows with further fields are judged one by one."""

_SMALLEST, _GREATEST = -(2**63), 2**63 - 1
# A dictionary of texts may cost this much a value, and this much in any case; beyond, only
# hashes are kept. Ids and long texts go that way, names of files and authors do not.
_DICTIONARY_BYTES_EACH = 8
_DICTIONARY_BYTES_FREE = 1 << 16


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values of one kind as ordered keys: row ``rows[i]`` holds ``keys[i]``, in any order."""

    rows: Rows
    keys: Keys


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts: row ``rows[i]`` holds ``dictionary[codes[i]]``; UTF-8, sorted, each once."""

    rows: Rows
    codes: npt.NDArray[np.int64]
    dictionary: list[bytes]

    def hashed(self) -> Numbers:
        """Only the hashes of the texts."""
        keys = np.fromiter(map(hash_key, self.dictionary), np.uint64, len(self.dictionary))
        return Numbers(self.rows, keys[self.codes])

    def is_too_large(self) -> bool:
        """Whether hashes alone are the better bargain."""
        return _is_too_large(sum(map(len, self.dictionary)), len(self.rows))


@dataclass(frozen=True, slots=True)
class Values:
    """Everything that one field holds.

    Attributes
    ----------
    present : ndarray of uint32
        Rows where it is not null.
    odd : ndarray of uint32
        Rows with a value that no part can hold, such as a whole number beyond 64 bits.
    texts : Texts or None
    numbers : dict of Kind to Numbers
        The other parts; HASH stands in for texts.
    """

    present: Rows
    odd: Rows
    texts: Texts | None
    numbers: dict[Kind, Numbers]


@dataclass(frozen=True, slots=True)
class Batch:
    """The fields of `count` consecutive rows.

    Attributes
    ----------
    count : int
    fields : dict of str to Values
    other : ndarray of uint32
        Rows that are unknown, or have fields beyond the first MOST_COLUMNS.
    """

    count: int
    fields: dict[str, Values]
    other: Rows


def gather(fields: Fields) -> Batch:
    """Take in the fields of consecutive rows.

    A row that nothing is known of will be judged by itself.

    Examples
    --------
    >>> rows = [{"n": 1, "tag": ["b", "a"]}, {"n": None}, {"n": 2.5, "tag": "a"}]
    >>> batch = gather(Fields.of_rows(rows))
    >>> batch.fields["n"].present.tolist(), batch.fields["tag"].texts.dictionary
    ([0, 2], [b'a', b'b'])
    """
    found: dict[int, Values | None] = {}  # columns may share one list
    names = list(fields.columns)
    for name in names[:MOST_COLUMNS]:
        values = fields.columns[name]
        if id(values) not in found:
            rows, kept = _without_nulls(range(fields.count), values)
            found[id(values)] = _sorted(rows, kept) if kept else None
    chosen = {name: found[id(fields.columns[name])] for name in names[:MOST_COLUMNS]}
    others = {
        row
        for name in names[MOST_COLUMNS:]
        for row, value in enumerate(fields.columns[name])
        if value is not None
    }
    unknown = np.unique(_rows([*others, *fields.unknown]))
    kept_fields = {name: values for name, values in chosen.items() if values is not None}
    return Batch(fields.count, kept_fields, unknown)


def merge(batches: Sequence[Batch]) -> Batch:
    """One batch of several, the rows of each behind those of the one before."""
    starts = np.cumsum([0] + [batch.count for batch in batches]).tolist()
    names = list(dict.fromkeys(name for batch in batches for name in batch.fields))
    other = [batch.other + np.uint32(start) for start, batch in zip(starts, batches, strict=False)]
    fields = {}
    for place, name in enumerate(names):
        found = [
            (start, batch.fields[name])
            for start, batch in zip(starts, batches, strict=False)
            if name in batch.fields
        ]
        if place < MOST_COLUMNS:
            fields[name] = _merged(found)
        else:
            other += [values.present + np.uint32(start) for start, values in found]
    return Batch(starts[-1], fields, np.unique(_joined(other)))


def _merged(found: list[tuple[int, Values]]) -> Values:
    def shifted(choose: Callable[[Values], Rows]) -> Rows:
        return _joined([choose(values) + np.uint32(start) for start, values in found])

    texts = _merged_texts([(start, v.texts) for start, v in found if v.texts is not None])
    numbers: dict[Kind, list[tuple[int, Numbers]]] = {}
    for start, values in found:
        for kind, part in values.numbers.items():
            numbers.setdefault(kind, []).append((start, part))
    if texts is not None and (Kind.HASH in numbers or texts.is_too_large()):
        numbers.setdefault(Kind.HASH, []).append((0, texts.hashed()))
        texts = None
    return Values(
        shifted(lambda values: values.present),
        shifted(lambda values: values.odd),
        texts,
        {
            kind: Numbers(
                _joined([part.rows + np.uint32(start) for start, part in parts]),
                np.concatenate([part.keys for _, part in parts]),
            )
            for kind, parts in numbers.items()
        },
    )


def _merged_texts(parts: list[tuple[int, Texts]]) -> Texts | None:
    if not parts:
        return None
    if len(parts) == 1:
        start, texts = parts[0]
        return Texts(texts.rows + np.uint32(start), texts.codes, texts.dictionary)
    dictionary = sorted(set().union(*(texts.dictionary for _, texts in parts)))
    code_of = {text: code for code, text in enumerate(dictionary)}
    codes = [
        np.fromiter(map(code_of.__getitem__, texts.dictionary), np.int64)[texts.codes]
        for _, texts in parts
    ]
    rows = _joined([texts.rows + np.uint32(start) for start, texts in parts])
    return Texts(rows, np.concatenate(codes), dictionary)


def _sorted(rows: Sequence[int], values: list[Any]) -> Values:
    """The values of one field, none of them null, by kind."""
    present = _rows(rows)
    if not set(map(type, values)).isdisjoint((list, tuple)):
        rows, values = _flat(rows, values)
    found, odd = _by_kind(rows, values)
    numbers: dict[Kind, Numbers] = {
        kind: Numbers(_rows(part[0]), _keys(kind, part[1]))
        for kind, part in found.items()
        if kind is not Kind.TEXT
    }
    texts = None
    if Kind.TEXT in found:
        series = _texts(*found[Kind.TEXT])
        if isinstance(series, Texts):
            texts = series
        else:
            numbers[Kind.HASH] = series
    return Values(present, np.unique(_rows(odd)), texts, numbers)


def _without_nulls(rows: Sequence[int], values: list[Any]) -> tuple[Sequence[int], list[Any]]:
    if None not in values:
        return rows, values
    if values.count(None) == len(values):
        return [], []
    kept = [place for place, value in enumerate(values) if value is not None]
    return [rows[place] for place in kept], [values[place] for place in kept]


def _flat(rows: Sequence[int], values: list[Any]) -> tuple[Sequence[int], list[Any]]:
    """Lists as their elements, each with the row of its list."""
    if not any(values) and set(map(type, values)) <= {list, tuple}:
        return [], []
    lists = [value if isinstance(value, list | tuple) else (value,) for value in values]
    repeated = [row for row, elements in zip(rows, lists, strict=True) for _ in elements]
    return _without_nulls(repeated, list(chain.from_iterable(lists)))


def _by_kind(
    rows: Sequence[int], values: list[Any]
) -> tuple[dict[Kind, tuple[Sequence[int], list[Any]]], list[int]]:
    """Rows and values of each kind that occurs, and the rows whose value is of none."""
    alike = _common_kind(values)
    if alike is not None:
        return {alike: (rows, values)}, []
    found: dict[Kind, tuple[list[int], list[Any]]] = {}
    odd: list[int] = []
    for row, value in zip(rows, values, strict=True):
        kind = _kind(value)
        if kind is not None:
            places, parts = found.setdefault(kind, ([], []))
            places.append(row)
            parts.append(value)
        elif not isinstance(value, float):  # NaN is no value at all: equal to none, in no order
            odd.append(row)
    return dict(found), odd


def _common_kind(values: list[Any]) -> Kind | None:
    """The kind of all values, where that is quickly seen."""
    types = set(map(type, values))
    if types == {str}:
        return Kind.TEXT
    if types == {bool}:
        return Kind.TRUTH
    if types == {int} and min(values) >= _SMALLEST and max(values) <= _GREATEST:
        return Kind.WHOLE
    if types == {float} and not any(map(math.isnan, values)):
        return Kind.REAL
    return None


def _kind(value: object) -> Kind | None:
    """The part a value belongs to, if there is one."""
    match value:
        case str():
            return Kind.TEXT
        case bool():
            return Kind.TRUTH
        case int() if _SMALLEST <= value <= _GREATEST:
            return Kind.WHOLE
        case float() if not math.isnan(value):
            return Kind.REAL
    return None


def _keys(kind: Kind, values: list[Any]) -> Keys:
    match kind:
        case Kind.WHOLE:
            return whole_keys(np.array(values, dtype=np.int64))
        case Kind.REAL:
            return real_keys(np.array(values, dtype=np.float64))
    return np.array(values, dtype=np.uint64)


def _texts(rows: Sequence[int], texts: list[str]) -> Texts | Numbers:
    """Texts, or hashes of them where they are many and long."""
    distinct = set(texts)
    if _is_too_large(sum(map(len, distinct)), len(rows)):  # bytes are as many as characters or more
        found = map(hash_key, [str.encode(text, "utf-8", "surrogatepass") for text in texts])
        return Numbers(_rows(rows), np.fromiter(found, np.uint64, len(texts)))
    # Sorted by code point, which is the order of their UTF-8 as well.
    ordered = sorted(distinct)
    code_of = {text: code for code, text in enumerate(ordered)}
    codes = np.fromiter(map(code_of.__getitem__, texts), np.int64, len(texts))
    encoded = [str.encode(text, "utf-8", "surrogatepass") for text in ordered]
    series = Texts(_rows(rows), codes, encoded)
    return series.hashed() if series.is_too_large() else series


def _is_too_large(size: int, rows: int) -> bool:
    """Whether a dictionary of so many bytes costs more than it is good for."""
    return size > _DICTIONARY_BYTES_FREE + _DICTIONARY_BYTES_EACH * rows


def _rows(rows: Sequence[int]) -> Rows:
    if isinstance(rows, range):
        return np.arange(len(rows), dtype=np.uint32)
    return np.array(rows, dtype=np.uint32)


def _joined(parts: Sequence[Rows]) -> Rows:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)
