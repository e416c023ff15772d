"""nDCG of one ranking at a time, by the library's own measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nearfield.evaluation.metrics import Judged, Measure

__all__ = ["ndcg"]


def ndcg(ranking: Sequence[str], relevance: Mapping[str, int], k: int = 10) -> float:
    """nDCG@k of document ids, best first.

    Examples
    --------
    >>> round(ndcg(["x", "b"], {"b": 1}), 4)
    0.6309
    """
    return float(Measure("ndcg", k).of_judged(Judged.of(ranking, relevance))[0])
