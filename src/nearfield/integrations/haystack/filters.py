"""Haystack's filter dictionaries as filters of Nearfield."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from haystack.errors import FilterError

from nearfield.errors import InputError
from nearfield.filters import And, Compare, Filter, In, IsNull, Not, Operator, Or
from nearfield.integrations.common.metadata import by_id, equals

__all__ = ["field_of", "to_filter"]

_ORDERED = {"<": Operator.LT, "<=": Operator.LE, ">": Operator.GT, ">=": Operator.GE}
_JOINED: dict[str, Callable[[tuple[Filter, ...]], Filter]] = {
    "AND": And,
    "OR": Or,
    "NOT": lambda parts: Not(And(parts)),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ].*)?")
_NO_FIELDS = frozenset({"content", "blob", "score", "embedding", "sparse_embedding"})


def to_filter(filters: Mapping[str, Any] | None) -> Filter | None:
    """Translate a filter; an empty one lets everything pass.

    Dates are compared as texts, so they have an order where all are written in one ISO form. A
    list in the metadata matches where any of its elements does.

    Raises
    ------
    FilterError
        Haystack's own, for whatever its dialect does not have.

    Examples
    --------
    >>> from nearfield.filters import render
    >>> render(to_filter({"field": "meta.year", "operator": ">=", "value": 2020}))
    'year >= 2020'
    """
    if not filters:
        return None
    try:
        return _condition(filters)
    except InputError as error:
        raise FilterError(str(error)) from error


def field_of(name: str) -> str:
    """The field that a name of the dialect means, with or without ``meta.``."""
    if name in _NO_FIELDS:
        raise FilterError(
            f"{name!r} is no field that filters see: filter by 'id' and 'meta.…', and search words "
            "of the content with the BM25 retriever"
        )
    return name.removeprefix("meta.")


def _condition(asked: Mapping[str, Any]) -> Filter:
    if not isinstance(asked, Mapping):
        raise FilterError(f"a filter is a dictionary, not {asked!r}")
    wanted = ("field", "operator", "value") if "field" in asked else ("operator", "conditions")
    for key in wanted:
        if key not in asked:
            raise FilterError(f"{key!r} is missing in {dict(asked)}")
    operator = asked["operator"]
    if "field" in asked:
        return _comparison(asked["field"], operator, asked["value"])
    if operator not in _JOINED:
        raise FilterError(f"{operator!r} joins no conditions: expected one of {sorted(_JOINED)}")
    return _JOINED[operator](tuple(_condition(each) for each in asked["conditions"]))


def _comparison(field: str, operator: str, value: Any) -> Filter:
    name = field_of(field)
    if operator in _ORDERED:
        return _ordered(name, operator, _plain(value))
    match operator:
        case "==":
            return _equal(field, name, value)
        case "!=":
            return Not(_equal(field, name, value))
        case "in":
            return _one_of(field, name, value)
        case "not in":
            return Not(_one_of(field, name, value))
    known = ", ".join([*_ORDERED, "==", "!=", "in", "not in"])
    raise FilterError(f"{operator!r} on {field!r} is no comparison: expected one of {known}")


def _one_of(field: str, name: str, values: Any) -> Filter:
    if not isinstance(values, list):
        raise FilterError(f"'in' and 'not in' on {field!r} take a list, not {values!r}")
    given = tuple(_plain(value) for value in values if value is not None)
    found = by_id([str(value) for value in given]) if field == "id" else In(name, given)
    return found if None not in values else Or((found, IsNull(name)))


def _equal(field: str, name: str, value: Any) -> Filter:
    if isinstance(value, list | dict):
        raise FilterError(f"{field!r} is compared with {value!r}: compare with one value, or 'in'")
    if field == "id" and isinstance(value, str):
        return by_id([value])
    return equals(name, _plain(value))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _ordered(name: str, operator: str, value: Any) -> Filter:
    if value is None:
        return Or(())  # nothing is more or less than nothing
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise FilterError(f"{value!r} has no order: only numbers and ISO dates do")
    if isinstance(value, bool | list | dict):
        raise FilterError(f"{value!r} has no order: only numbers and ISO dates do")
    return Compare(name, _ORDERED[operator], value)
