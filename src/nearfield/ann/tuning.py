"""How many candidates a search in codes needs for a recall, found on the user's own vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearfield.ann.codes import Codes
from nearfield.errors import InputError
from nearfield.masks import Mask
from nearfield.types import FloatArray, IntArray

__all__ = ["Tuning", "tune"]

_FINEST = 1024
_MOST_COARSE = 1 << 15
# What rescoring one record costs, in estimates from 4-bit rows.
_RESCORING = 5


@dataclass(frozen=True, slots=True)
class Tuning:
    """Parameters of a search in codes, and what they reached.

    Attributes
    ----------
    coarse : int
        Slots kept by 1-bit estimate.
    candidates : int
        Slots proposed by 4-bit estimate, to be scored exactly.
    recall : float
        Share of the true neighbours that were proposed, 0 to 1.
    target : float
        What was asked for; above `recall` where even the most candidates fell short.
    """

    coarse: int
    candidates: int
    recall: float
    target: float


def tune(
    codes: Codes,
    queries: FloatArray,
    truth: IntArray,
    target: float = 0.99,
    *,
    allowed: Mask | None = None,
) -> Tuning:
    """Find the cheapest search that proposes enough of the true neighbours.

    Parameters
    ----------
    codes : Codes
    queries : ndarray of float32, shape (q, dimension)
        Some hundreds, like those to come.
    truth : ndarray of int64, shape (q, k)
        Their true neighbours, as :func:`nearfield.ann.exact.exact_search` finds them; -1 where
        there are fewer.
    target : float
        Mean share of them to propose, in (0, 1].
    allowed : Mask, optional
        The one that `truth` was found with.

    Raises
    ------
    InputError
        The target is out of range, or queries and truth do not fit together.
    """
    if not 0.0 < target <= 1.0:
        raise InputError(f"the target recall is {target}: it must be above 0 and at most 1")
    if truth.ndim != 2 or not len(truth) or len(truth) != len(queries):
        raise InputError(
            f"truth has shape {truth.shape} for {len(queries)} queries: expected (q, k), q ≥ 1"
        )
    best: Tuning | None = None
    fallback = Tuning(1, 1, 0.0, target)
    k = truth.shape[1]
    for coarse in _steps(k, max(k, min(len(codes), _MOST_COARSE))):
        if best is not None and coarse >= _cost(best):
            break
        width = min(coarse, max(k, _FINEST))
        found = codes.search(queries, width, coarse=coarse, allowed=allowed).slots
        recalls = _recalls(found, truth)
        enough = np.flatnonzero(recalls[k - 1 :] >= target)
        fallback = Tuning(coarse, width, float(recalls[-1]), target)
        if len(enough):
            candidates = k + int(enough[0])
            reached = Tuning(coarse, candidates, float(recalls[candidates - 1]), target)
            if best is None or _cost(reached) < _cost(best):
                best = reached
    return best or fallback


def _cost(tuning: Tuning) -> int:
    return tuning.coarse + _RESCORING * tuning.candidates


def _steps(least: int, most: int) -> list[int]:
    """Whole numbers from `least` to `most`, each about a quarter above the one before."""
    steps = [least]
    while steps[-1] < most:
        steps.append(min(most, max(steps[-1] + 1, steps[-1] * 5 // 4)))
    return steps


def _recalls(found: IntArray, truth: IntArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Share of the true neighbours among the first 1, 2, … proposals."""
    hits = np.zeros(found.shape[1], dtype=np.int64)
    for proposed, true in zip(found, truth, strict=True):
        hits += np.isin(proposed, true[true >= 0])
    total = int((truth >= 0).sum())
    return np.cumsum(hits) / max(total, 1) if total else np.ones(len(hits))
