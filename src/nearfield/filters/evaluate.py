"""What a filter means, in plain Python: the oracle for every store's translation."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from nearfield.errors import InputError
from nearfield.filters.tree import (
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
    Value,
    depth,
)
from nearfield.types import MetadataValue

__all__ = ["Predicate", "like_pattern", "matches", "predicate"]

Predicate: TypeAlias = Callable[[Mapping[str, MetadataValue]], bool]

_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


def matches(tree: Filter, fields: Mapping[str, MetadataValue]) -> bool:
    """Whether `fields` satisfy the filter; for many of them, :func:`predicate` once is faster.

    Raises
    ------
    InputError
        The tree is nested deeper than ``MAX_DEPTH`` levels.

    Examples
    --------
    >>> from nearfield.filters import parse
    >>> matches(parse('tag = "b" and year > 2019.5'), {"tag": ["a", "b"], "year": 2020})
    True
    >>> matches(parse("year != 2020"), {})
    True
    """
    return predicate(tree)(fields)


def predicate(tree: Filter) -> Predicate:
    """Prepare a filter for many evaluations.

    Raises
    ------
    InputError
        The tree is nested deeper than ``MAX_DEPTH`` levels.
    """
    if depth(tree) > MAX_DEPTH:
        raise InputError(f"the filter is nested deeper than {MAX_DEPTH} levels")
    return _predicate(tree)


def _predicate(tree: Filter) -> Predicate:
    match tree:
        case And(parts):
            every = [_predicate(part) for part in parts]
            return lambda fields: all(test(fields) for test in every)
        case Or(parts):
            some = [_predicate(part) for part in parts]
            return lambda fields: any(test(fields) for test in some)
        case Not(part):
            inner = _predicate(part)
            return lambda fields: not inner(fields)
        case IsNull(name, negated):
            return lambda fields: (fields.get(name) is None) is not negated
        case _:
            test, negated = _value_test(tree)
            field = tree.field
            return lambda fields: _any(fields.get(field), test) is not negated


def _value_test(leaf: Compare | In | Like) -> tuple[Callable[[Value], bool], bool]:
    """The test of one value, and whether the whole field's answer is turned round."""
    match leaf:
        case Compare(_, Operator.EQ | Operator.NE, value):
            key = _key(value)
            return (lambda found: _key(found) == key), leaf.operator is Operator.NE
        case Compare(_, comparison, value):
            return (lambda found: _ordered(found, comparison, value)), False
        case In(_, values, negated):
            keys = frozenset(map(_key, values))
            return (lambda found: _key(found) in keys), negated
        case Like(_, pattern, negated):
            whole = like_pattern(pattern).fullmatch
            return (lambda found: isinstance(found, str) and whole(found) is not None), negated


@lru_cache(maxsize=256)
def like_pattern(pattern: str) -> re.Pattern[str]:
    r"""The regular expression of a ``like`` pattern, to be used with ``fullmatch``.

    Examples
    --------
    >>> bool(like_pattern(r"50\%_%").fullmatch("50%!"))
    True
    """
    segments = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            segments.append("")
        elif character == "_":
            segments[-1] += "."
        else:
            literal = next(characters, "\\") if character == "\\" else character
            segments[-1] += re.escape(literal)
    if len(segments) == 1:
        return re.compile(segments[0], re.DOTALL)
    first, *middle, last = segments
    # Atomic groups: the leftmost match of a segment is always good enough, so going back to
    # try a later one could only cost time (exponentially much of it).
    inner = "".join(f"(?>.*?{segment})" for segment in middle if segment)
    return re.compile(f"{first}{inner}.*{last}", re.DOTALL)


def _any(found: MetadataValue, test: Callable[[Value], bool]) -> bool:
    if found is None:
        return False
    if isinstance(found, str | int | float):
        return test(found)
    return any(element is not None and test(element) for element in found)


def _key(value: Value) -> tuple[type, Value]:
    """Equal keys, equal values: Python alone would take True for 1."""
    return _kind(value), value


def _ordered(found: Value, comparison: Operator, value: Value) -> bool:
    kind = _kind(found)
    return kind is not bool and kind is _kind(value) and _ORDER[comparison](found, value)


def _kind(value: Value) -> type:
    """Text, number or truth value: only values of one kind compare."""
    if isinstance(value, bool):
        return bool
    return str if isinstance(value, str) else float
