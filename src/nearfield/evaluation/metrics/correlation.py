"""How alike two lists of numbers rise and fall."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError

__all__ = ["pearson", "ranks", "spearman"]


def pearson(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Pearson's correlation: Σ (a − ā)(b − b̄) / √(Σ (a − ā)² · Σ (b − b̄)²).

    Parameters
    ----------
    a, b : array-like of shape (n,)
        Pairs of numbers, at least two.

    Returns
    -------
    float
        In [-1, 1]; nan where all values of one side are equal, as it is not defined then.

    Raises
    ------
    InputError
        The two have different lengths, or fewer than two pairs.

    References
    ----------
    Pearson, "Notes on regression and inheritance in the case of two parents", 1895.

    Examples
    --------
    >>> round(pearson([1, 2, 3], [1, 2, 4]), 4)
    0.982
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1 or len(left) < 2:
        raise InputError(
            f"the lists have shapes {left.shape} and {right.shape}: expected pairs, at least two"
        )
    left, right = left - left.mean(), right - right.mean()
    spread = np.sqrt((left @ left) * (right @ right))
    return float(np.clip(left @ right / spread, -1.0, 1.0)) if spread > 0 else float("nan")


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's, of ranks; ties share their mean rank.

    Parameters
    ----------
    a, b : array-like of shape (n,)

    Returns
    -------
    float
        In [-1, 1]; nan where all values of one side are equal.

    References
    ----------
    Spearman, "The proof and measurement of association between two things", 1904.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [10, 20, 40, 30]), 4)
    0.8
    """
    return pearson(ranks(a), ranks(b))


def ranks(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Rank of each value from 1, the smallest; equal values share their mean rank.

    Examples
    --------
    >>> ranks([0.5, 0.1, 0.5, 0.9]).tolist()
    [2.5, 1.0, 2.5, 4.0]
    """
    _, group, sizes = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    found: npt.NDArray[np.float64] = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return found
