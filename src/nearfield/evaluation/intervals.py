"""How far a figure would move with other questions of the same kind: bootstrap intervals.

References
----------
Efron and Tibshirani, "An Introduction to the Bootstrap", 1993; percentile intervals, chapter 13.
Sakai, "Evaluating evaluation metrics based on the bootstrap", 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError

__all__ = ["Interval", "bootstrap", "bootstrap_statistic", "percentiles", "resamples"]

_SLICE_NUMBERS = 4_000_000
"""Numbers that are drawn at once: 32 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it would lie with other questions.

    Attributes
    ----------
    mean : float
        The figure itself.
    low, high : float
        Percentiles of the resampled figures.

    Examples
    --------
    >>> str(Interval(0.6451, 0.6012, 0.6903))
    '0.6451 [0.6012, 0.6903]'
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"

    @property
    def half(self) -> float:
        """Half its width."""
        return (self.high - self.low) / 2


def bootstrap(
    scores: npt.ArrayLike, *, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Interval of a mean: questions are drawn again with replacement, `samples` times.

    Parameters
    ----------
    scores : array-like of shape (questions,)
        One value a question.
    samples : int
        At least 1.
    level : float
        Share of the resampled means between the two ends, in (0, 1).
    seed : int
        The same questions are drawn again for the same seed and number of questions.

    Raises
    ------
    InputError
        There are no scores, or something that is no number.

    Examples
    --------
    >>> interval = bootstrap([0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    >>> interval.mean, interval.low, interval.high
    (0.625, 0.25, 0.875)
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise InputError(f"scores have shape {values.shape}: expected (questions,), at least one")
    if not np.isfinite(values).all():
        raise InputError("a score is no number: every question needs one")
    means = np.concatenate(
        [values[drawn].mean(1) for drawn in resamples(len(values), samples, seed)]
    )
    return percentiles(float(values.mean()), means, level)


def bootstrap_statistic(
    statistic: Callable[[npt.NDArray[np.int64]], float],
    items: int | Sequence[npt.NDArray[np.int64]],
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of what is no mean, such as a correlation.

    Resamples for which the statistic is not defined (nan) are left out.

    Parameters
    ----------
    statistic : callable
        Gives the value of the items at some places, which may occur several times.
    items : int or sequence of ndarray
        How many items there are; or their places by group, which are drawn group by group so that
        each keeps its size.
    samples, level, seed
        As :func:`bootstrap` takes them.

    Raises
    ------
    InputError
        There is nothing to draw from, or the statistic of all items is not defined.

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 3.0, 10.0])
    >>> bootstrap_statistic(lambda places: float(np.median(values[places])), 4).mean
    2.5
    """
    groups = [np.arange(items)] if isinstance(items, int) else list(items)
    if not groups or not all(len(group) for group in groups):
        raise InputError("there is nothing to draw from: give at least one item")
    figure = statistic(np.concatenate(groups))
    if not np.isfinite(figure):
        raise InputError("the figure is not defined: all values of one side are equal")
    drawn = [
        np.concatenate([group[rows] for rows in resamples(len(group), samples, seed + number)])
        for number, group in enumerate(groups)
    ]
    found = np.array([statistic(row) for row in np.concatenate(drawn, axis=1)])
    return percentiles(figure, found[np.isfinite(found)], level)


def resamples(count: int, samples: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Places drawn with replacement, in slices of shape (some samples, count)."""
    if samples < 1:
        raise InputError(f"samples is {samples}: draw at least once")
    chance = np.random.default_rng(seed)
    step = max(1, _SLICE_NUMBERS // count)
    for start in range(0, samples, step):
        yield chance.integers(0, count, (min(step, samples - start), count))


def percentiles(figure: float, resampled: npt.NDArray[np.float64], level: float) -> Interval:
    """The figure, with the middle `level` of what was resampled."""
    if not 0.0 < level < 1.0:
        raise InputError(f"level is {level}: expected a share between 0 and 1, such as 0.95")
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Interval(figure, float(low), float(high))
