"""Whether two ways to judge systems put them in the same order.

References
----------
Kendall, "A new measure of rank correlation", 1938; "The treatment of ties in ranking problems",
1945 (the form b). Voorhees, "Variations in relevance judgments and the measurement of retrieval
effectiveness", 1998, for its use between rankings of systems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.intervals import percentiles, resamples

__all__ = ["Tau", "kendall"]


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's rank correlation between two orders of the same systems.

    Attributes
    ----------
    value : float
        1 for the same order, -1 for the opposite one, 0 for no connection.
    low, high : float
        Bootstrap interval.
    systems : int
        How many were ranked.
    """

    value: float
    low: float
    high: float
    systems: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def kendall(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Tau:
    """Kendall's τ-b: (concordant − discordant pairs) / √(pairs untied in a · pairs untied in b).

    Parameters
    ----------
    a, b : array-like of shape (systems,) or (systems, questions)
        Scores by two ways of judging, systems in the same order. Of scores by question the means
        are ranked, and the interval tells how the agreement moves with other questions: each side
        draws its own ones. Of two plain lists the systems themselves are drawn, which says little
        for few systems.
    samples, level, seed
        As :func:`~nearfield.evaluation.intervals.bootstrap` takes them.

    Returns
    -------
    Tau
        Where all systems of a resample tie, it counts as 0.

    Raises
    ------
    InputError
        The two do not have the same systems, or all systems of one side are equal.

    Examples
    --------
    Of six pairs five are in the same order and one is not.

    >>> round(kendall([1, 2, 3, 4], [1, 2, 4, 3]).value, 4)
    0.6667
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if len(left) != len(right) or left.ndim not in (1, 2) or left.ndim != right.ndim:
        raise InputError(
            f"a has shape {left.shape} and b {right.shape}: expected scores of the same systems, "
            "both (systems,) or both (systems, questions)"
        )
    if len(left) < 2:
        raise InputError("one system has no order: rank at least two")
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise InputError("a score is no number: every system needs one")
    means = [side if side.ndim == 1 else side.mean(1) for side in (left, right)]
    value = _tau(means[0], means[1])
    if np.isnan(value):
        raise InputError("all systems of one side have the same score: they have no order")
    if left.ndim == 1:
        drawn = np.concatenate(list(resamples(len(left), samples, seed)))
        pairs = [(left[row], right[row]) for row in drawn]
    else:
        pairs = list(
            zip(_means(left, samples, seed), _means(right, samples, seed + 1), strict=True)
        )
    found = np.nan_to_num(np.array([_tau(x, y) for x, y in pairs]))
    interval = percentiles(value, found, level)
    return Tau(interval.mean, interval.low, interval.high, len(left))


def _means(scores: npt.NDArray[np.float64], samples: int, seed: int) -> npt.NDArray[np.float64]:
    """Means of each system over the same drawn questions, shape (samples, systems)."""
    count = scores.shape[1]
    rows = []
    for drawn in resamples(count, samples, seed):
        # How often each question was drawn: one product instead of a copy for every system.
        offsets = np.arange(len(drawn))[:, None] * count
        times = np.bincount((drawn + offsets).ravel(), minlength=len(drawn) * count)
        rows.append(times.reshape(len(drawn), count) @ scores.T / count)
    return np.concatenate(rows)


def _tau(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    rows, columns = np.triu_indices(len(a), 1)
    left, right = np.sign(a[rows] - a[columns]), np.sign(b[rows] - b[columns])
    untied = float(np.abs(left).sum()) * float(np.abs(right).sum())
    return float((left * right).sum() / np.sqrt(untied)) if untied else float("nan")
