"""Put the hits of several queries into one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nearfield.search.fusion import RANK_CONSTANT
from nearfield.types import Hit

__all__ = ["merged"]


def merged(rankings: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """Fuse by reciprocal ranks; each hit keeps the score of the ranking that has it first.

    Scores of different queries mean different things, so only places count
    (:func:`nearfield.search.fusion.reciprocal_rank`). Of equal sums the one found first leads.

    Examples
    --------
    >>> from nearfield.types import Chunk
    >>> a, b, c = (Hit(Chunk(n, n, n, 0, 1), 0.5, 1, "exact") for n in "abc")
    >>> [hit.chunk.id for hit in merged([[a, b], [b, c]], 2)]
    ['b', 'a']
    """
    if len(rankings) == 1:
        return list(rankings[0][:k])
    sums: dict[str, float] = {}
    first: dict[str, Hit] = {}
    for ranking in rankings:
        for rank, hit in enumerate(ranking, start=1):
            sums[hit.chunk.id] = sums.get(hit.chunk.id, 0.0) + 1.0 / (RANK_CONSTANT + rank)
            first.setdefault(hit.chunk.id, hit)
    order = sorted(sums, key=lambda each: -sums[each])
    return [replace(first[each], rank=rank) for rank, each in enumerate(order[:k], start=1)]
