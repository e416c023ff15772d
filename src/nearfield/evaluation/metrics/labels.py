"""How well predicted labels agree with the true ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError

__all__ = ["Labels", "accuracy", "macro_f1", "numbered"]

Labels = Sequence[str] | Sequence[int] | npt.NDArray[np.generic]


def accuracy(truth: Labels, predicted: Labels) -> float:
    """Share of the labels that are right.

    Parameters
    ----------
    truth, predicted : sequence of labels, length n

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InputError
        The two have different lengths, or there are none.

    Examples
    --------
    >>> accuracy(["a", "b", "a"], ["a", "b", "b"])
    0.6666666666666666
    """
    left, right = _pairs(truth, predicted)
    return float((left == right).mean())


def macro_f1(truth: Labels, predicted: Labels) -> float:
    """Mean over all labels of F₁ = 2·TP / (2·TP + FP + FN); small labels weigh as much as large.

    Labels count that occur on either side.

    Parameters
    ----------
    truth, predicted : sequence of labels, length n

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Lewis, "Evaluating text categorization I", 1991, on the mean over categories.

    Examples
    --------
    a: TP 1, FP 0, FN 1, so 2/3; b: TP 1, FP 1, FN 0, so 2/3.

    >>> round(macro_f1(["a", "b", "a"], ["a", "b", "b"]), 4)
    0.6667
    """
    left, right = _pairs(truth, predicted)
    count = int(max(left.max(), right.max())) + 1
    hits = np.bincount(left[left == right], minlength=count)
    seen = np.bincount(left, minlength=count) + np.bincount(right, minlength=count)
    present = seen > 0
    return float((2 * hits[present] / seen[present]).mean())


def numbered(*lists: Labels) -> tuple[npt.NDArray[np.int64], ...]:
    """The same labels as numbers from 0, in the sorted order of all of them.

    Examples
    --------
    >>> [list(map(int, each)) for each in numbered(["b", "a"], ["c"])]
    [[1, 0], [2]]
    """
    arrays = [np.asarray(each) for each in lists]
    _, places = np.unique(np.concatenate(arrays), return_inverse=True)
    cuts = np.cumsum([len(each) for each in arrays])[:-1]
    return tuple(np.split(places.astype(np.int64), cuts))


def _pairs(truth: Labels, predicted: Labels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if len(truth) != len(predicted) or not len(truth):
        raise InputError(
            f"there are {len(truth)} true labels and {len(predicted)} predicted ones: expected "
            "as many of both, at least one"
        )
    left, right = np.asarray(truth), np.asarray(predicted)
    if left.dtype.kind == right.dtype.kind == "i" and left.min() >= 0 and right.min() >= 0:
        return left, right  # numbered before, by the caller
    first, second = numbered(left, right)
    return first, second
