"""How well groups found without labels agree with the true ones.

References
----------
Rosenberg and Hirschberg, "V-measure: A conditional entropy-based external cluster evaluation
measure", 2007. Hubert and Arabie, "Comparing partitions", 1985.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.metrics.labels import Labels, numbered

__all__ = ["adjusted_rand", "v_measure"]


def v_measure(truth: Labels, groups: Labels) -> float:
    """Harmonic mean of homogeneity and completeness.

    Homogeneity is 1 − H(truth | group) / H(truth), completeness 1 − H(group | truth) / H(group);
    their harmonic mean is 2·I(truth; group) / (H(truth) + H(group)).

    Parameters
    ----------
    truth, groups : sequence of labels, length n

    Returns
    -------
    float
        In [0, 1]; 1 where both sides are one single group.

    Examples
    --------
    Two groups that are pure, one of them split in two: homogeneity 1, completeness 2/3.

    >>> round(v_measure([0, 0, 1, 1], [0, 0, 1, 2]), 4)
    0.8
    """
    table = _table(truth, groups)
    rows, columns = _entropy(table.sum(1)), _entropy(table.sum(0))
    if rows + columns == 0.0:
        return 1.0
    shared = max(rows + columns - _entropy(table.ravel()), 0.0)
    return float(2.0 * shared / (rows + columns))


def adjusted_rand(truth: Labels, groups: Labels) -> float:
    """Rand index, corrected for chance: (pairs together in both − expected) / (most − expected).

    With a(i) and b(j) pairs inside the groups of either side, of P pairs in all, a·b / P are
    expected to be together in both, and (a + b) / 2 is the most that there can be.

    Parameters
    ----------
    truth, groups : sequence of labels, length n

    Returns
    -------
    float
        At most 1; 0 for groups drawn at random.

    Examples
    --------
    >>> round(adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]), 4)
    0.5714
    """
    table = _table(truth, groups)
    together = _pairs(table.ravel())
    rows, columns, every = _pairs(table.sum(1)), _pairs(table.sum(0)), _pairs(table.sum())
    expected = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _table(truth: Labels, groups: Labels) -> npt.NDArray[np.int64]:
    """How many items have each pair of labels, shape (true labels, groups)."""
    if len(truth) != len(groups) or not len(truth):
        raise InputError(
            f"there are {len(truth)} true labels and {len(groups)} groups of items: expected as "
            "many of both, at least one"
        )
    (left,), (right,) = numbered(truth), numbered(groups)
    shape = (int(left.max()) + 1, int(right.max()) + 1)
    cells = np.bincount(left * shape[1] + right, minlength=shape[0] * shape[1])
    return cells.reshape(shape)


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _pairs(counts: npt.ArrayLike) -> float:
    numbers = np.asarray(counts, dtype=np.float64)
    return float((numbers * (numbers - 1) / 2).sum())
