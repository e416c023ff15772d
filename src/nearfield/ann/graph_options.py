"""How a graph is built."""

from __future__ import annotations

from dataclasses import dataclass

from nearfield.ann.graph_rows import RowFormat
from nearfield.errors import InputError
from nearfield.metric import Metric

__all__ = ["MOST_EF", "GraphOptions"]

MOST_EF = 65536
"""Highest ef, for building and for searching."""


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """How a graph is built.

    Attributes
    ----------
    metric : Metric
        For ``dot`` one more coordinate, which questions lack, brings all but the longest tenth of
        the vectors to equal length; so links are not drawn to long vectors alone, and a search
        follows the product itself.
    m : int, 2 to 128
        Links of a vector on upper layers; twice as many on the lowest.
    ef_construction : int, 1 to 65536
        Candidates looked at when a vector is inserted. More build a better graph more slowly.
    seed : int
        Of the levels.
    format : RowFormat
        What distances are computed with.
    keep_pruned : bool
        Whether lists are filled up with candidates that lie in directions already covered. A
        little better at equal ef, no better at equal time, and twice as slow to build.
    """

    metric: Metric = Metric.COSINE
    m: int = 16
    ef_construction: int = 128
    seed: int = 0
    format: RowFormat = RowFormat.INT8
    keep_pruned: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.m <= 128:
            raise InputError(f"m is {self.m}: it must be 2 to 128")
        if not 1 <= self.ef_construction <= MOST_EF:
            raise InputError(
                f"ef_construction is {self.ef_construction}: it must be 1 to {MOST_EF}"
            )
