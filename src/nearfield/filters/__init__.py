"""Which chunks count: a small language over their fields, evaluated in plain Python.

::

    lang = "en" and year >= 2020 and tag in ("a", "b")
    not (heading like "Install%" or page is null)
    `odd name` != 'it''s' or size.kb <= 1.5e3

The text form is parsed to a tree of frozen dataclasses (:func:`parse`), printed back
(:func:`render`), and evaluated by :func:`matches`. Stores translate the tree into their own
language and must return what :func:`matches` returns.

Meaning
-------
- Logic has two values. A comparison with a missing or null field is false; ``!=``,
  ``not in`` and ``not like`` are the exact negations of ``=``, ``in`` and ``like``, hence
  true for a missing field.
- Numbers compare with numbers, exactly, whether they are whole or not; a boolean is no number.
- Texts compare with texts by code point, case-sensitively. Dates are texts: written the ISO
  way (``2024-03-01``) their order is the order of time.
- Booleans know only ``=`` and ``!=``; ``<`` between them is false.
- Values of different kinds are unequal and have no order. NaN equals nothing.
- A list matches when any of its elements does. An empty list matches no comparison but is
  not null.
- ``like`` matches the whole text: ``%`` stands for any run of characters, ``_`` for exactly
  one, a backslash takes the next character literally (inside quotes it is written twice).
"""

from __future__ import annotations

from nearfield.filters.evaluate import Predicate, like_pattern, matches, predicate
from nearfield.filters.parser import parse
from nearfield.filters.render import render
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
    "Predicate",
    "Value",
    "depth",
    "like_pattern",
    "matches",
    "parse",
    "predicate",
    "render",
]
