"""LlamaIndex's metadata filters as filters of Nearfield, every operator of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from nearfield.errors import InputError
from nearfield.filters import And, Compare, Filter, In, Like, Not, Operator, Or
from nearfield.integrations.common.metadata import equals

__all__ = ["Values", "to_filter"]

Values: TypeAlias = Callable[[str], set[str]]
"""Gives all texts that a field has in a collection."""

_ORDERED = {
    FilterOperator.LT: Operator.LT,
    FilterOperator.LTE: Operator.LE,
    FilterOperator.GT: Operator.GT,
    FilterOperator.GTE: Operator.GE,
}
_ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


def to_filter(filters: MetadataFilters | None, values: Values) -> Filter | None:
    """Translate filters, nested or not.

    A field that is a list matches where any of its elements does. ``text_match_insensitive`` looks
    through all values of its field first; every other operator is answered by the columns.

    Parameters
    ----------
    filters : MetadataFilters, optional
    values : callable
        For ``text_match_insensitive``.

    Raises
    ------
    InputError
        A value does not fit its operator.
    """
    if filters is None or not filters.filters:
        return None
    parts = tuple(
        _nested(each, values) if isinstance(each, MetadataFilters) else _single(each, values)
        for each in filters.filters
    )
    match filters.condition or FilterCondition.AND:
        case FilterCondition.OR:
            return Or(parts)
        case FilterCondition.NOT:
            return Not(Or(parts))  # none of them, as in LlamaIndex's own evaluation
        case _:
            return parts[0] if len(parts) == 1 else And(parts)


def _nested(filters: MetadataFilters, values: Values) -> Filter:
    return to_filter(filters, values) or And(())


def _single(asked: MetadataFilter, values: Values) -> Filter:  # noqa: PLR0911  one an operator
    name, value, operator = asked.key, asked.value, FilterOperator(asked.operator)
    if operator in _ORDERED:
        if value is None or isinstance(value, list):
            raise InputError(f"{name!r} {operator.value} {value!r}: an order needs one value")
        return Compare(name, _ORDERED[operator], value)
    match operator:
        case FilterOperator.IN | FilterOperator.ANY:
            return In(name, _listed(asked))
        case FilterOperator.NIN:
            return In(name, _listed(asked), negated=True)
        case FilterOperator.ALL:
            return And(tuple(_equal(name, each) for each in _listed(asked)))
        case FilterOperator.NE:
            return Not(_equal(name, value))
        case FilterOperator.TEXT_MATCH:
            return Like(name, f"%{_text(asked).translate(_ESCAPED)}%")
        case FilterOperator.TEXT_MATCH_INSENSITIVE:
            wanted = _text(asked).casefold()
            return In(name, tuple(sorted(v for v in values(name) if wanted in v.casefold())))
        case FilterOperator.IS_EMPTY:
            return _empty(name)
        case _:  # EQ, and CONTAINS: a list equals what it holds
            return _equal(name, value)


def _equal(name: str, value: Any) -> Filter:
    if isinstance(value, list):
        raise InputError(f"{name!r} is compared with the list {value!r}: use 'in', 'any' or 'all'")
    return equals(name, value)


def _listed(asked: MetadataFilter) -> tuple[Any, ...]:
    if not isinstance(asked.value, list):
        raise InputError(
            f"{asked.key!r} {asked.operator.value} {asked.value!r}: this operator takes a list"
        )
    return tuple(asked.value)


def _text(asked: MetadataFilter) -> str:
    if not isinstance(asked.value, str):
        raise InputError(
            f"{asked.key!r} {asked.operator.value} {asked.value!r}: this operator takes a text"
        )
    return asked.value


def _empty(name: str) -> Filter:
    """Missing, null, an empty text or an empty list: whatever holds no value of any kind."""
    number = In(name, (0,)), Compare(name, Operator.GT, 0), Compare(name, Operator.LT, 0)
    something = Or((Like(name, "_%"), In(name, (True, False)), *number))
    return Not(something)
