"""Filters over the stored fields: SQL where SQL means the same, Python where it does not.

SQLite reads JSON with three differences from Python, and each has its way round:

- Integers beyond 64 bits, NaN, NULs and lone surrogates do not survive. Rows that hold one
  are marked when they are written (``plain = 0``) and judged by Python.
- Its decimal-to-double conversion may miss the nearest double by a unit in the last place.
  Where a stored number is that close to the filter's, Python judges the field.
- Comparisons with NULL are NULL; here every leaf says 0 or 1.

A filter that SQL cannot hold at all (odd field names, huge lists) is judged by Python
entirely: slower, never different.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from nearfield.errors import InputError
from nearfield.filters import (
    MAX_DEPTH,
    And,
    Compare,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Operator,
    Or,
    Predicate,
    Value,
    depth,
    like_pattern,
    parse,
    predicate,
    render,
)
from nearfield.types import FILE_FIELD, IntArray

__all__ = ["register", "slots_where"]

_COLUMNS = {
    "id": "chunk.id",
    "document": "coalesce(document.id, chunk.id)",
    "source": "coalesce(document.source, '')",
    "page": "chunk.page",
    FILE_FIELD: "coalesce(document.source, '')",
}
_FROM = "FROM chunk LEFT JOIN document ON document.row = chunk.document"
# SQLite limits a statement to 999 parameters and an expression to 1,000 levels.
_MOST_PARAMETERS = 500
_MOST_LEAVES = 100
# Far more than SQLite's conversion is ever off, far less than numbers that people compare.
_SLACK = 1e-14


class _BeyondSqlError(Exception):
    """SQL has no words for this filter; Python judges it."""


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the two functions that translated filters call."""
    connection.create_function("nearfield_like", 2, _like, deterministic=True)
    connection.create_function("nearfield_matches", 2, _matches, deterministic=True)


def slots_where(connection: sqlite3.Connection, where: Filter) -> IntArray:
    """Slots of the chunks that match, ascending.

    Raises
    ------
    InputError
        The filter is nested too deeply.
    """
    if depth(where) > MAX_DEPTH:
        raise InputError(f"the filter is nested deeper than {MAX_DEPTH} levels")
    judge = predicate(where)
    translation = _Translation()
    try:
        condition = translation.condition(where)
    except _BeyondSqlError:
        return np.sort(np.fromiter(_judged(connection, judge, ""), dtype=np.int64))
    found = connection.execute(
        # CASE, unlike AND, promises the order of evaluation.
        f"SELECT chunk.slot {_FROM} WHERE CASE WHEN chunk.plain THEN {condition} ELSE 0 END",
        translation.parameters,
    )
    slots = [slot for (slot,) in found]
    slots.extend(_judged(connection, judge, "WHERE chunk.plain = 0"))
    return np.sort(np.array(slots, dtype=np.int64))


def _judged(connection: sqlite3.Connection, judge: Predicate, which: str) -> Iterator[int]:
    columns = connection.execute(
        "SELECT chunk.slot, chunk.id, coalesce(document.id, chunk.id), "
        "coalesce(document.source, ''), chunk.headings, chunk.page, "
        f"chunk.metadata {_FROM} {which}"
    )
    for slot, id_, document, source, headings, page, metadata in columns:
        fields = {
            "id": id_,
            "document": document,
            "source": source,
            "heading": json.loads(headings),
            "page": page,
            **json.loads(metadata),
            FILE_FIELD: source,
        }
        if judge(fields):
            yield slot


def _like(pattern: str, text: str) -> bool:
    return like_pattern(pattern).fullmatch(text) is not None


def _matches(text: str, metadata: str) -> bool:
    return _parsed(text)(json.loads(metadata))


@lru_cache(maxsize=64)
def _parsed(text: str) -> Predicate:
    return predicate(parse(text))


class _Translation:
    """An SQL condition, built part by part together with its parameters."""

    def __init__(self) -> None:
        self.parameters: list[Any] = []
        self._leaves = 0

    def condition(self, tree: Filter) -> str:
        match tree:
            case And(parts):
                return f"({' AND '.join(map(self.condition, parts)) or '1'})"
            case Or(parts):
                return f"({' OR '.join(map(self.condition, parts)) or '0'})"
            case Not(part):
                return f"NOT {self.condition(part)}"
            case _:
                self._leaves += 1
                if self._leaves > _MOST_LEAVES:
                    raise _BeyondSqlError
                return self._leaf(tree)

    def _leaf(self, leaf: Compare | In | IsNull | Like) -> str:
        path = _path(leaf.field)
        if leaf.field != "heading" and leaf.field not in _COLUMNS:
            return self._metadata_leaf(leaf, path)
        if leaf.field == FILE_FIELD:
            return self._built_in_leaf(leaf)
        # Metadata overlays the other built-in fields, also with null.
        shadowed = f"json_type(chunk.metadata, {self._parameter(path)}) IS NOT NULL"
        metadata = self._metadata_leaf(leaf, path)
        return f"(CASE WHEN {shadowed} THEN {metadata} ELSE {self._built_in_leaf(leaf)} END)"

    def _metadata_leaf(self, leaf: Compare | In | IsNull | Like, path: str) -> str:
        if isinstance(leaf, IsNull):
            kind = f"coalesce(json_type(chunk.metadata, {self._parameter(path)}), 'null')"
            return f"({kind} {'!=' if leaf.negated else '='} 'null')"
        # json_each walks a list and takes anything else for a list of one.
        start = f"EXISTS (SELECT 1 FROM json_each(chunk.metadata, {self._parameter(path)}) AS each"
        test = self._any_of(leaf, "each.type", "each.value")
        return f"({_not(leaf)}{start} WHERE {test}))"

    def _built_in_leaf(self, leaf: Compare | In | IsNull | Like) -> str:
        if isinstance(leaf, IsNull):
            null = "chunk.page IS NULL" if leaf.field == "page" else "0"
            return f"({_not(leaf)}({null}))"
        if leaf.field == "heading":
            test = self._any_of(leaf, "each.type", "each.value")
            return (
                f"({_not(leaf)}EXISTS (SELECT 1 FROM json_each(chunk.headings) AS each "
                f"WHERE {test}))"
            )
        kind = "'integer'" if leaf.field == "page" else "'text'"
        test = self._any_of(leaf, kind, _COLUMNS[leaf.field])
        return f"({_not(leaf)}coalesce({test}, 0))"

    def _any_of(self, leaf: Compare | In | Like, kind: str, value: str) -> str:
        match leaf:
            case Compare(field, Operator.NE, wanted):
                return self._compare(field, Operator.EQ, wanted, kind, value)
            case Compare(field, operator, wanted):
                return self._compare(field, operator, wanted, kind, value)
            case In(field, values, _):
                tests = [
                    self._compare(field, Operator.EQ, wanted, kind, value) for wanted in values
                ]
                return f"({' OR '.join(tests) or '0'})"
            case Like(_, pattern, _):
                called = f"nearfield_like({self._text(pattern)}, {value})"
                return f"(CASE WHEN {kind} = 'text' THEN {called} ELSE 0 END)"

    def _compare(self, field: str, operator: Operator, wanted: Value, kind: str, value: str) -> str:
        if isinstance(wanted, bool):
            if operator is not Operator.EQ:
                return "0"
            return f"({kind} = '{'true' if wanted else 'false'}')"
        if isinstance(wanted, str):
            return f"({kind} = 'text' AND {value} {operator} {self._text(wanted)})"
        if not -(2**63) <= wanted < 2**63:
            raise _BeyondSqlError
        number = wanted if isinstance(wanted, int) else float(wanted)
        slack = abs(number) * _SLACK + 1e-300
        whole = f"{value} {operator} {self._parameter(number)}"
        near = (
            f"{value} BETWEEN {self._parameter(number - slack)} "
            f"AND {self._parameter(number + slack)}"
        )
        judged = f"nearfield_matches({self._text(_only(field, operator, wanted))}, chunk.metadata)"
        real = f"CASE WHEN {near} THEN {judged} ELSE {value} {operator} {self._parameter(number)}"
        return f"(CASE {kind} WHEN 'integer' THEN {whole} WHEN 'real' THEN {real} END ELSE 0 END)"

    def _text(self, text: str) -> str:
        return f"CAST({self._parameter(text.encode('utf-8', 'surrogatepass'))} AS TEXT)"

    def _parameter(self, value: object) -> str:
        self.parameters.append(value)
        if len(self.parameters) > _MOST_PARAMETERS:
            raise _BeyondSqlError
        return f"?{len(self.parameters)}"


def _only(field: str, operator: Operator, wanted: Value) -> str:
    return render(Compare(field, operator, wanted))


def _not(leaf: Compare | In | IsNull | Like) -> str:
    negated = leaf.operator is Operator.NE if isinstance(leaf, Compare) else leaf.negated
    return "NOT " if negated else ""


def _path(field: str) -> str:
    """JSON path of a metadata key; SQLite compares keys as they are spelt in the JSON."""
    odd = not field or any(character in '"\\' or character < " " for character in field)
    if odd or any("\ud800" <= character <= "\udfff" for character in field):
        raise _BeyondSqlError
    return f'$."{field}"'
