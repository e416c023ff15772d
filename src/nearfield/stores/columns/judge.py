"""A filter over the columns of a segment, in the logic of "certainly" and "possibly".

Every part of a filter has two masks: the rows that certainly match and the rows that possibly do,
the first within the second. *and* and *or* work on both; *not* exchanges and complements them
(Kleene's three-valued logic). Where both are one and the same array nothing is left open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nearfield.filters import And, Compare, Filter, In, IsNull, Like, Not, Operator, Or
from nearfield.masks import Mask, everything, nothing
from nearfield.stores.columns.segment import Segment

__all__ = ["Verdict", "judge"]

Verdict: TypeAlias = tuple[Mask, Mask]
"""Rows that certainly match, and rows that possibly match."""


def judge(segment: Segment, where: Filter) -> Verdict:
    """What a segment's columns know about a filter; bits behind the last row may be set.

    The masks must not be written to.
    """
    match where:
        case And(parts):
            return _joined(segment, parts, np.bitwise_and, everything(segment.count), _is_empty)
        case Or(parts):
            return _joined(segment, parts, np.bitwise_or, nothing(segment.count), _never)
        case Not(part):
            return _not(judge(segment, part))
        case _:
            return _leaf(segment, where)


def _joined(
    segment: Segment,
    parts: tuple[Filter, ...],
    combine: Callable[[Mask, Mask], Mask],
    start: Mask,
    decided: Callable[[Verdict], bool],
) -> Verdict:
    if not parts:
        return start, start
    verdict = judge(segment, parts[0])
    for part in parts[1:]:
        if decided(verdict):
            break
        certain, possible = judge(segment, part)
        exact = verdict[0] is verdict[1] and certain is possible
        certain = combine(verdict[0], certain)
        verdict = certain, certain if exact else combine(verdict[1], possible)
    return verdict


def _is_empty(verdict: Verdict) -> bool:
    return not verdict[1].view(np.uint64).any()


def _never(_: Verdict) -> bool:
    return False


def _not(verdict: Verdict) -> Verdict:
    certain, possible = verdict
    turned = ~possible
    return turned, turned if certain is possible else ~certain


def _leaf(segment: Segment, leaf: Compare | In | IsNull | Like) -> Verdict:
    column, unsure = segment.column(leaf.field), segment.other
    if isinstance(leaf, IsNull):
        found = nothing(segment.count) if column is None else column.is_not_null()
        negated = not leaf.negated
    else:
        negated = leaf.operator is Operator.NE if isinstance(leaf, Compare) else leaf.negated
        if column is None:
            found = nothing(segment.count)
        else:
            found, open_ = column.any_of(leaf)
            if open_ is not None:
                unsure = open_ if unsure is None else unsure | open_
    verdict = found, found if unsure is None else found | unsure
    return _not(verdict) if negated else verdict
