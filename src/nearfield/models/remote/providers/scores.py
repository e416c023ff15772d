"""The list of scores that all rerank APIs give: ``[{"index": 3, "relevance_score": 0.9}, ...]``."""

from __future__ import annotations

import math

import numpy as np

from nearfield.errors import RemoteAnswerInvalid
from nearfield.types import FloatArray

__all__ = ["scores_of"]


def scores_of(found: object, count: int) -> FloatArray:
    """Scores in the order of the texts, shape (count,).

    Raises
    ------
    RemoteAnswerInvalid
        A text has no score or two, or a score is no finite number.
    """
    if not isinstance(found, list) or len(found) != count:
        got = f"{len(found)} scores" if isinstance(found, list) else "no list of scores"
        raise RemoteAnswerInvalid(f"{count} passages were sent and {got} came back")
    values = np.full(count, np.nan, dtype=np.float32)
    for item in found:
        at = item.get("index") if isinstance(item, dict) else None
        score = item.get("relevance_score") if isinstance(item, dict) else None
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < count:
            raise RemoteAnswerInvalid(f"a score has the index {at!r}, expected 0 to {count - 1}")
        if type(score) not in (float, int) or not math.isfinite(score):  # type: ignore[arg-type]
            raise RemoteAnswerInvalid(f"the score of passage {at} is {score!r}")
        if not np.isnan(values[at]):
            raise RemoteAnswerInvalid(f"passage {at} has two scores")
        values[at] = score
    return values
