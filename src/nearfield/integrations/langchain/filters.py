"""LangChain's filters: our text, our tree, or the dictionaries that its stores have in common.

::

    {"lang": "en", "year": {"$gte": 2020}}               all of these
    {"$or": [{"lang": "en"}, {"tag": {"$in": ["a"]}}]}   any of these
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from nearfield.errors import InputError
from nearfield.filters import And, Compare, Filter, In, IsNull, Like, Not, Operator, Or, parse
from nearfield.integrations.common.metadata import equals

__all__ = ["HostFilter", "to_filter"]

HostFilter: TypeAlias = str | Filter | Mapping[str, Any] | None

_ORDERED = {"$lt": Operator.LT, "$lte": Operator.LE, "$gt": Operator.GT, "$gte": Operator.GE}


def to_filter(given: HostFilter) -> Filter | None:
    """Read a filter in any of its forms.

    Raises
    ------
    InputError
        It is of none of them; FilterSyntaxError where a text does not parse.

    Examples
    --------
    >>> from nearfield.filters import render
    >>> render(to_filter({"lang": "en", "year": {"$gte": 2020, "$ne": 2021}}))
    'lang = "en" and year >= 2020 and year != 2021'
    """
    if given is None:
        return None
    if isinstance(given, str):
        return parse(given)
    if isinstance(given, Mapping):
        return _all(given) if given else None
    if isinstance(given, Compare | In | IsNull | Like | And | Or | Not):
        return given
    raise InputError(
        f"a filter of type {type(given).__name__} is not understood: give a text such as "
        "'lang = \"en\"', a dictionary such as {'lang': 'en'}, or a tree of nearfield.filters"
    )


def _all(conditions: Mapping[str, Any]) -> Filter:
    parts = [part for name, asked in conditions.items() for part in _conditions(name, asked)]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _conditions(name: str, asked: Any) -> list[Filter]:
    match name:
        case "$and":
            return [And(_each(name, asked))]
        case "$or":
            return [Or(_each(name, asked))]
        case "$not":
            if not isinstance(asked, Mapping):
                raise InputError(f"'$not' takes a dictionary, not {asked!r}")
            return [Not(_all(asked))]
    if name.startswith("$"):
        raise InputError(f"{name!r} joins no conditions: expected '$and', '$or' or '$not'")
    if isinstance(asked, Mapping):
        return [_compared(name, operator, value) for operator, value in asked.items()]
    return [_equal(name, asked)]


def _each(name: str, asked: Any) -> tuple[Filter, ...]:
    if not isinstance(asked, Sequence) or isinstance(asked, str) or not asked:
        raise InputError(f"{name!r} takes a list of dictionaries, not {asked!r}")
    return tuple(_all(each) for each in asked)


def _compared(name: str, operator: str, value: Any) -> Filter:
    if operator in _ORDERED:
        return Compare(name, _ORDERED[operator], value)
    if operator not in _OTHERS:
        known = ", ".join(sorted([*_ORDERED, *_OTHERS]))
        raise InputError(f"{operator!r} on {name!r} is no comparison: expected one of {known}")
    return _OTHERS[operator](name, value)


def _equal(name: str, value: Any) -> Filter:
    if isinstance(value, list | tuple):
        raise InputError(f"{name!r} is compared with a list: write {{'$in': {list(value)!r}}}")
    return equals(name, value)


def _unequal(name: str, value: Any) -> Filter:
    match _equal(name, value):
        case Compare(_, _, given):
            return Compare(name, Operator.NE, given)
        case _:
            return IsNull(name, negated=True)


def _listed(name: str, values: Any, *, negated: bool = False) -> Filter:
    if not isinstance(values, list | tuple | set | frozenset):
        raise InputError(f"'$in' and '$nin' on {name!r} take a list, not {values!r}")
    return In(name, tuple(values), negated)


def _between(name: str, borders: Any) -> Filter:
    if not isinstance(borders, list | tuple) or len(borders) != 2:
        raise InputError(f"'$between' on {name!r} takes two borders, not {borders!r}")
    low, high = borders
    return And((Compare(name, Operator.GE, low), Compare(name, Operator.LE, high)))


_OTHERS: dict[str, Callable[[str, Any], Filter]] = {
    "$eq": _equal,
    "$ne": _unequal,
    "$in": _listed,
    "$nin": lambda name, values: _listed(name, values, negated=True),
    "$between": _between,
    "$like": lambda name, pattern: Like(name, str(pattern)),
    "$exists": lambda name, wanted: IsNull(name, negated=bool(wanted)),
}
