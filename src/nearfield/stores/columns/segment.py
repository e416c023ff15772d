"""Columns of consecutive slots in one file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nearfield.filters import Compare, In, Like, Operator, Value
from nearfield.masks import Mask, everything, mask_of, members, nothing
from nearfield.stores.columns.file import Array, ArrayFile, ArrayWriter
from nearfield.stores.columns.gather import Batch, Numbers, Rows, Texts, Values
from nearfield.stores.columns.keys import Kind, hash_key, real_range, whole_range
from nearfield.stores.columns.part import Encoded, Layout, Part, Span, encode

__all__ = ["Column", "Segment", "save"]


class Column:
    """One field of a segment.

    Attributes
    ----------
    count : int
        Rows of the segment.
    present : Mask or None
        Rows where the field is not null; None stands for all.
    odd : Mask or None
        Rows with a value that no part holds; None stands for none.
    parts : dict of Kind to Part
    """

    def __init__(
        self, count: int, present: Mask | None, odd: Mask | None, parts: dict[Kind, Part]
    ) -> None:
        self.count = count
        self.present = present
        self.odd = odd
        self.parts = parts

    def is_not_null(self) -> Mask:
        """Rows where the field is not null, as a mask not to be written to."""
        return everything(self.count) if self.present is None else self.present

    def any_of(self, leaf: Compare | In | Like) -> tuple[Mask, Mask | None]:
        """Rows with an element that passes a test, were it not negated.

        Returns
        -------
        certain : Mask
            Rows with such an element.
        unsure : Mask or None
            Rows that may have one; not empty. A row may be in both.
        """
        certain: Mask | None = None
        unsure = self.odd
        for kind, part in self.parts.items():
            if kind is Kind.HASH:
                unsure = _union(unsure, _candidates(part, leaf))
            elif spans := _spans(part, leaf):
                certain = _union(certain, part.select(spans))
        return (nothing(self.count) if certain is None else certain), unsure


class Segment:
    """Columns of the slots [start, start + count), mapped from a file.

    Raises
    ------
    StoreCorrupt, FormatVersionError
        As :class:`~nearfield.stores.columns.file.ArrayFile`.
    """

    def __init__(self, path: Path, owner: bytes) -> None:
        self._file = ArrayFile(path, owner)
        self._columns: dict[str, Column] = {}
        self.start: int = self._file.directory["start"]
        self.count: int = self._file.directory["count"]

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._file.directory["columns"])

    @cached_property
    def other(self) -> Mask | None:
        """Rows with fields that have no column."""
        return self._mask(self._file.directory["other"])

    def column(self, name: str) -> Column | None:
        """The column of a field, if any row has it."""
        return self._opened(name) if name in self._file.directory["columns"] else None

    def batch(self) -> Batch:
        """Everything in it, as it was gathered."""
        return Batch(
            self.count, {name: self._values(name) for name in self.names}, _rows(self.other)
        )

    def verify(self) -> None:
        """Raise StoreCorrupt unless every byte is as it was written."""
        self._file.verify()

    def _values(self, name: str) -> Values:
        column = self._opened(name)
        numbers: dict[Kind, Numbers] = {}
        texts: Texts | None = None
        for kind, part in column.parts.items():
            found = part.found()
            if isinstance(found, Texts):
                texts = found
            else:
                numbers[kind] = found
        return Values(_rows(column.is_not_null()), _rows(column.odd), texts, numbers)

    def _opened(self, name: str) -> Column:
        found = self._columns.get(name)
        if found is None:
            entry = self._file.directory["columns"][name]
            present, odd = self._mask(entry["present"]), self._mask(entry["odd"])
            parts = {Kind(part["kind"]): self._part(part) for part in entry["parts"]}
            found = self._columns[name] = Column(self.count, present, odd, parts)
        return found

    def _part(self, entry: dict[str, Any]) -> Part:
        def arrays(which: str) -> tuple[Array, ...]:
            return tuple(map(self._file.array, entry[which]))

        return Part(
            Kind(entry["kind"]),
            Layout(entry["layout"]),
            self.count,
            entry["size"],
            entry["base"],
            lambda: arrays("codes"),
            lambda: arrays("values"),
        )

    def _mask(self, number: int | None) -> Mask | None:
        return None if number is None else self._file.array(number)


def save(batch: Batch, path: Path, owner: bytes, start: int) -> None:
    """Write a batch as the segment that begins at slot `start`.

    Raises
    ------
    OSError
        The disk does not take it.
    """
    writer = ArrayWriter()

    def mask(rows: Rows) -> int | None:
        return writer.add(mask_of(rows, batch.count)) if len(rows) else None

    def part(encoded: Encoded) -> dict[str, Any]:
        return {
            "kind": encoded.kind,
            "layout": encoded.layout,
            "size": encoded.size,
            "base": encoded.base,
            "codes": [writer.add(array) for array in encoded.codes],
            "values": [writer.add(array) for array in encoded.values],
        }

    columns = {}
    for name, values in batch.fields.items():
        found: list[tuple[Kind, Texts | Numbers]] = [*values.numbers.items()]
        if values.texts is not None:
            found.append((Kind.TEXT, values.texts))
        columns[name] = {
            "present": None if len(values.present) == batch.count else mask(values.present),
            "odd": mask(values.odd),
            "parts": [part(encode(series, kind, batch.count)) for kind, series in found],
        }
    directory = {"start": start, "count": batch.count, "columns": columns}
    writer.save(path, owner, {**directory, "other": mask(batch.other)})


def _spans(part: Part, leaf: Compare | In | Like) -> list[Span]:
    """Codes of the values that pass the test."""
    match leaf:
        case Like(_, pattern, _):
            return part.dictionary.like(pattern) if part.kind is Kind.TEXT else []
        case In(_, values, _):
            return [_span(part, Operator.EQ, value) for value in values]
        case Compare(_, operator, value):
            return [_span(part, operator, value)]


def _span(part: Part, operator: Operator, value: Value) -> Span:
    """Codes of the values that compare so; for ``!=`` of those that are equal."""
    match part.kind, value:
        case Kind.TEXT, str():
            return part.dictionary.span(operator, value)
        case Kind.TRUTH, bool() if operator in (Operator.EQ, Operator.NE):
            return part.span((value, value))
        case (_, bool() | str()):
            return 0, 0
        case Kind.WHOLE, _:
            return part.span(whole_range(operator, value))
        case Kind.REAL, _:
            return part.span(real_range(operator, value))
    return 0, 0


def _candidates(part: Part, leaf: Compare | In | Like) -> Mask | None:
    """Rows whose hashed texts may pass the test; None where none can."""
    match leaf:
        case In(_, values, _):
            texts = [value for value in values if isinstance(value, str)]
        case Compare(_, Operator.EQ | Operator.NE, value):
            texts = [value] if isinstance(value, str) else []
        case Compare(_, _, value):
            return part.every() if isinstance(value, str) else None
        case Like():
            return part.every()
    keys = [hash_key(str.encode(text, "utf-8", "surrogatepass")) for text in texts]
    mask = part.select([part.span((key, key)) for key in keys])
    return mask if mask.any() else None


def _union(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return second if first is None else first
    return first | second


def _rows(mask: Mask | None) -> Rows:
    return np.empty(0, np.uint32) if mask is None else members(mask).astype(np.uint32)
