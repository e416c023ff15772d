"""The fields of consecutive rows, column by column: what columns are gathered from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

from nearfield.types import FILE_FIELD, Chunk, Metadata, MetadataValue

__all__ = ["Fields"]

# What Chunk.fields() calls the attributes of a chunk; metadata overlays them.
_BUILT_IN = {
    "id": attrgetter("id"),
    "document": attrgetter("document_id"),
    "source": attrgetter("source"),
    "heading": attrgetter("headings"),
    "page": attrgetter("page"),
}


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of `count` rows.

    Attributes
    ----------
    count : int
    columns : dict of str to list
        A value for each row; None where a row has none. Not to be changed: columns may share one
        list.
    unknown : list of int
        Rows that nothing is known of, whose values are None.
    """

    count: int
    columns: dict[str, list[MetadataValue]]
    unknown: list[int] = field(default_factory=list)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, MetadataValue] | None]) -> Fields:
        """Of mappings of names to values; None is a row that nothing is known of.

        Examples
        --------
        >>> Fields.of_rows([{"n": 1}, None, {"m": 2}]).columns
        {'n': [1, None, None], 'm': [None, None, 2]}
        """
        known = [{} if row is None else row for row in rows]
        unknown = [place for place, row in enumerate(rows) if row is None]
        return cls(len(rows), _columns(known), unknown)

    @classmethod
    def of_chunks(cls, chunks: Sequence[Chunk]) -> Fields:
        """What :meth:`nearfield.types.Chunk.fields` says of each, as it is now.

        Examples
        --------
        >>> Fields.of_chunks([Chunk("a", "d", "", 0, 0, metadata={"n": 1})]).columns["n"]
        [1]
        """
        columns: dict[str, list[Any]] = {
            name: list(map(get, chunks)) for name, get in _BUILT_IN.items()
        }
        sources = columns["source"]
        if columns["document"] == columns["id"]:  # texts that were added by hand
            columns["document"] = columns["id"]
        metadata = [chunk.metadata for chunk in chunks]
        for name, values in _columns(metadata).items():
            own = values
            if name in _BUILT_IN:
                own = [
                    value if name in row else old
                    for value, row, old in zip(values, metadata, columns[name], strict=True)
                ]
            if list in set(map(type, own)):  # the caller may go on with it
                own = [tuple(value) if isinstance(value, list) else value for value in own]
            columns[name] = own
        return cls(len(chunks), columns | {FILE_FIELD: sources})

    @classmethod
    def joined(cls, parts: Sequence[Fields]) -> Fields:
        """One behind the other.

        Examples
        --------
        >>> Fields.joined([Fields(1, {"a": [1]}), Fields(1, {"b": [2]}, [0])])
        Fields(count=2, columns={'a': [1, None], 'b': [None, 2]}, unknown=[1])
        """
        if len(parts) == 1:
            return parts[0]
        columns: dict[str, list[MetadataValue]] = {}
        shared: dict[tuple[int, ...], list[MetadataValue]] = {}
        for name in dict.fromkeys(chain.from_iterable(part.columns for part in parts)):
            lists = [part.columns.get(name) for part in parts]
            key = tuple(map(id, lists))
            if None in lists or key not in shared:
                shared[key] = list(
                    chain.from_iterable(
                        [None] * part.count if found is None else found
                        for part, found in zip(parts, lists, strict=True)
                    )
                )
            columns[name] = shared[key]
        unknown, start = [], 0
        for part in parts:
            unknown += [start + row for row in part.unknown]
            start += part.count
        return cls(start, columns, unknown)

    def slice(self, start: int, stop: int) -> Fields:
        """Rows [start, stop)."""
        if (start, stop) == (0, self.count):
            return self
        cut = {id(values): values[start:stop] for values in self.columns.values()}
        columns = {name: cut[id(values)] for name, values in self.columns.items()}
        return Fields(
            stop - start, columns, [row - start for row in self.unknown if start <= row < stop]
        )

    def without(self, rows: Sequence[int]) -> Fields:
        """The same, with nothing known of some rows."""
        if not len(rows):
            return self
        columns = {}
        for name, values in self.columns.items():
            columns[name] = own = list(values)
            for row in rows:
                own[row] = None
        return Fields(self.count, columns, sorted({*self.unknown, *rows}))


def _columns(rows: Sequence[Metadata]) -> dict[str, list[Any]]:
    """Values by name; None where a row has none."""
    if not any(rows):
        return {}
    names = list(rows[0])
    if sum(map(len, rows)) == len(names) * len(rows):
        try:
            return {name: [row[name] for row in rows] for name in names}
        except KeyError:  # as many names, but others
            pass
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    return {name: [row.get(name) for row in rows] for name in names}
