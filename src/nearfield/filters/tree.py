"""The filter tree: what a filter text means, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from nearfield.errors import InputError

__all__ = [
    "MAX_DEPTH",
    "And",
    "Compare",
    "Filter",
    "In",
    "IsNull",
    "Like",
    "Not",
    "Operator",
    "Or",
    "Value",
    "depth",
]

Value: TypeAlias = str | int | float | bool

# Evaluation and translation recurse; Python's own limit (1,000 frames) stays far away.
MAX_DEPTH = 100


class Operator(StrEnum):
    """How a field is compared with a value."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Compare:
    """``field <operator> value``."""

    field: str
    operator: Operator
    value: Value

    def __post_init__(self) -> None:
        _check_value(self.field, self.value)


@dataclass(frozen=True, slots=True)
class In:
    """``field in (values)``, or ``field not in (values)`` when negated."""

    field: str
    values: tuple[Value, ...]
    negated: bool = False

    def __post_init__(self) -> None:
        for value in self.values:
            _check_value(self.field, value)


@dataclass(frozen=True, slots=True)
class IsNull:
    """``field is null`` (missing or null), or ``field is not null`` when negated."""

    field: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """``field like pattern``, or ``field not like pattern`` when negated."""

    field: str
    pattern: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All parts match; an empty tuple matches everything."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any part matches; an empty tuple matches nothing."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match."""

    part: Filter


Filter: TypeAlias = Compare | In | IsNull | Like | And | Or | Not


def depth(tree: Filter) -> int:
    """Levels of ``and``, ``or`` and ``not`` above the deepest comparison.

    Examples
    --------
    >>> depth(Not(And((IsNull("a"), Not(IsNull("b"))))))
    3
    """
    deepest, pending = 0, [(tree, 0)]
    while pending:
        node, level = pending.pop()
        deepest = max(deepest, level)
        match node:
            case And(parts) | Or(parts):
                pending.extend((part, level + 1) for part in parts)
            case Not(part):
                pending.append((part, level + 1))
            case _:
                pass
    return deepest


def _check_value(field: str, value: object) -> None:
    if isinstance(value, date):
        raise InputError(
            f"the filter compares {field!r} with {value!r}: dates are texts here, write "
            f'"{value.isoformat()}"'
        )
    if not isinstance(value, str | int | float):
        raise InputError(
            f"the filter compares {field!r} with {value!r} ({type(value).__name__}): "
            "expected a text, a number or true/false"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"the filter compares {field!r} with {value!r}: expected a finite number")
