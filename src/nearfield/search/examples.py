"""More like this, less like that: a query made of examples instead of words."""

from __future__ import annotations

import numpy as np

from nearfield.errors import InputError
from nearfield.metric import normalise
from nearfield.types import FloatArray

__all__ = ["query_from_examples"]


def query_from_examples(
    positive: FloatArray, negative: FloatArray | None = None, *, away: float = 0.5
) -> FloatArray:
    """One query vector near the positive examples and away from the negative ones.

    The mean direction of the positive examples, less `away` times the part of the negative ones'
    mean (Rocchio 1971). Lengths of examples do not count, so no long vector outweighs the others.

    Parameters
    ----------
    positive : ndarray of float32, shape (n, dimension)
        At least one.
    negative : ndarray of float32, shape (m, dimension), optional
    away : float
        How strongly to keep away, at least 0.

    Returns
    -------
    ndarray of float32, shape (dimension,)
        Of unit length.

    Raises
    ------
    InputError
        There is no positive example, or the examples cancel each other out.

    Examples
    --------
    >>> liked = np.array([[1, 0], [0, 1]], dtype=np.float32)
    >>> print(query_from_examples(liked).round(3))
    [0.707 0.707]
    >>> print(query_from_examples(liked, np.array([[0, 2]], dtype=np.float32)).round(3))
    [1. 0.]
    """
    if len(positive) == 0:
        raise InputError("there is no positive example: name at least one")
    if away < 0:
        raise InputError(f"away is {away}: it must be 0 or more")
    wanted = normalise(positive).mean(axis=0)
    if negative is not None and len(negative):
        wanted = wanted - np.float32(away) * normalise(negative).mean(axis=0)
    length = float(np.linalg.norm(wanted))
    if length < 1e-6:
        raise InputError("the examples cancel each other out: leave some of them away")
    query: FloatArray = np.ascontiguousarray(wanted / length, dtype=np.float32)
    return query
