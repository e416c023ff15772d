"""How well scores tell items of one kind from the others, whatever the threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.metrics.correlation import ranks

__all__ = ["auroc", "average_precision", "best_accuracy", "best_f1"]


def auroc(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive item scores above a negative one.

    Equal scores count half. It is the Mann-Whitney statistic: with R the sum of the ranks of the
    P positives among all, (R − P(P + 1)/2) / (P · N).

    Parameters
    ----------
    truth : array-like of bool or {0, 1}, shape (n,)
    scores : array-like of shape (n,)
        Higher means more likely positive.

    Returns
    -------
    float
        In [0, 1]; 0.5 for scores that say nothing.

    Raises
    ------
    InputError
        There are no positives or no negatives, or the lengths differ.

    References
    ----------
    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
    (ROC) curve", 1982.

    Examples
    --------
    Of four pairs of a positive and a negative, three are in order.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    positive, values = _checked(truth, scores)
    count = int(positive.sum())
    if count == len(values):
        raise InputError("all items are positive: there is nothing to tell them from")
    above = float(ranks(values)[positive].sum()) - count * (count + 1) / 2
    return above / (count * (len(values) - count))


def average_precision(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the steps of precision against recall: Σ (Rₜ − Rₜ₋₁) · Pₜ over thresholds t.

    Equal scores stand at one threshold, so their order does not matter.

    Parameters
    ----------
    truth : array-like of bool or {0, 1}, shape (n,)
    scores : array-like of shape (n,)
        Higher means more likely positive.

    Returns
    -------
    float
        In [0, 1]; the share of positives for scores that say nothing.

    Raises
    ------
    InputError
        There are no positives, or the lengths differ.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    hits, taken = _steps(truth, scores)
    gained = np.diff(hits, prepend=0) / hits[-1]
    return float((gained * hits / taken).sum())


def best_accuracy(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Accuracy at the threshold that gives the best one, as MTEB reports it for pairs.

    Examples
    --------
    >>> best_accuracy([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    hits, taken = _steps(truth, scores)
    count, positives = int(taken[-1]), int(hits[-1])
    right = hits + (count - positives) - (taken - hits)
    return float(max(right.max(), count - positives) / count)


def best_f1(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """F₁ of the positives at the threshold that gives the best one.

    Examples
    --------
    >>> best_f1([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.8
    """
    hits, taken = _steps(truth, scores)
    return float((2 * hits / (taken + hits[-1])).max())


def _steps(
    truth: npt.ArrayLike, scores: npt.ArrayLike
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positives and items at or above each distinct score, from the highest down."""
    positive, values = _checked(truth, scores)
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.diff(values[order], append=-np.inf))
    hits = np.cumsum(positive[order])[ends]
    return hits.astype(np.int64), (ends + 1).astype(np.int64)


def _checked(
    truth: npt.ArrayLike, scores: npt.ArrayLike
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    positive, values = np.asarray(truth), np.asarray(scores, dtype=np.float64)
    if positive.shape != values.shape or values.ndim != 1:
        raise InputError(
            f"truth has shape {positive.shape} and scores {values.shape}: expected (n,) both"
        )
    if not np.isin(positive, (0, 1)).all():
        raise InputError("truth holds something that is neither 0 nor 1")
    if not np.isfinite(values).all():
        raise InputError("a score is no number")
    positive = positive.astype(np.bool_)
    if not positive.any():
        raise InputError("no item is positive: there is nothing to find")
    return positive, values
