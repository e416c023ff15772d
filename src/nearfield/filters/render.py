"""Prints a filter tree in the text form."""

from __future__ import annotations

from nearfield.errors import InputError
from nearfield.filters.tokens import KEYWORDS, NAME
from nearfield.filters.tree import (
    MAX_DEPTH,
    And,
    Compare,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Or,
    Value,
    depth,
)

__all__ = ["render"]

_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def render(tree: Filter) -> str:
    r"""Text that :func:`~nearfield.filters.parse` turns into `tree` again.

    Raises
    ------
    InputError
        An ``and`` or ``or`` has fewer than two parts, or the tree is too deep: the text form
        has no words for it.

    Examples
    --------
    >>> print(render(Not(In("tag", ("a", 'say "b"')))))
    not tag in ("a", "say \"b\"")
    """
    if depth(tree) > MAX_DEPTH:
        raise InputError(f"the filter is nested deeper than {MAX_DEPTH} levels")
    return _render(tree)


def _render(tree: Filter) -> str:  # noqa: PLR0911
    match tree:
        case Compare(field, operator, value):
            return f"{_name(field)} {operator} {_value(value)}"
        case In(field, values, negated):
            listed = ", ".join(_value(value) for value in values)
            return f"{_name(field)} {'not ' if negated else ''}in ({listed})"
        case IsNull(field, negated):
            return f"{_name(field)} is {'not ' if negated else ''}null"
        case Like(field, pattern, negated):
            return f"{_name(field)} {'not ' if negated else ''}like {_value(pattern)}"
        case And(parts):
            return _joined("and", parts)
        case Or(parts):
            return _joined("or", parts)
        case Not(part):
            return f"not {_group(part)}"


def _joined(word: str, parts: tuple[Filter, ...]) -> str:
    if len(parts) < 2:
        raise InputError(f"'{word}' joins {len(parts)} part(s): the text form needs two or more")
    return f" {word} ".join(_group(part) for part in parts)


def _group(part: Filter) -> str:
    return f"({_render(part)})" if isinstance(part, And | Or) else _render(part)


def _name(field: str) -> str:
    if NAME.fullmatch(field) and field.lower() not in KEYWORDS:
        return field
    return "`" + field.replace("`", "``") + "`"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPED)}"'
    # float(): NumPy's scalars are floats too, but print as np.float64(1.5).
    return repr(float(value)) if isinstance(value, float) else repr(int(value))
