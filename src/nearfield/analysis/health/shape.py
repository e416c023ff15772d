"""What the cloud of vectors looks like: which way it points and how many directions it uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.types import FloatArray

__all__ = ["Shape", "effective_rank", "mean_cosine", "shape"]

_DEAD = 1e-4
"""Variance of a dimension, as a share of the mean variance, below which it says nothing."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths and directions.

    Attributes
    ----------
    shortest, mean_length, longest : float
        Euclidean lengths.
    anisotropy : float
        Mean cosine of all pairs of different rows, in [-1, 1]: 0 for vectors that point
        everywhere alike.
    dominant_share : float
        Largest share that one dimension has of the mean cosine's size, in [0, 1].
    dead : tuple of int
        Dimensions whose variance is next to none.
    effective_rank : float
        exp of the entropy of the shares of the singular values, in [1, dimension].
    first_component : float
        Share of the variance along its largest direction, in (0, 1].
    """

    shortest: float
    mean_length: float
    longest: float
    anisotropy: float
    dominant_share: float
    dead: tuple[int, ...]
    effective_rank: float
    first_component: float


def shape(vectors: FloatArray) -> Shape:
    """Measure lengths and directions.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, dimension)
        At least 2 rows, finite, none zero.

    References
    ----------
    Anisotropy: Ethayarajh, "How contextual are contextualized word representations?", 2019.
    Dominant dimensions: Timkey and van Schijndel, "All bark and no bite", 2021. Effective rank:
    Roy and Vetterli, "The effective rank: a measure of effective dimensionality", 2007.
    """
    rows = vectors.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    unit = rows / lengths[:, None]
    anisotropy, parts = mean_cosine(unit)
    total = float(np.abs(parts).sum())
    variances = rows.var(axis=0)
    mean = float(variances.mean())
    spectrum = np.linalg.eigvalsh(np.cov(rows, rowvar=False).reshape(rows.shape[1], -1))
    spectrum = np.maximum(spectrum, 0.0)
    variance = float(spectrum.sum())
    return Shape(
        shortest=float(lengths.min()),
        mean_length=float(lengths.mean()),
        longest=float(lengths.max()),
        anisotropy=anisotropy,
        dominant_share=float(np.abs(parts).max()) / total if total else 0.0,
        dead=tuple(np.flatnonzero(variances <= _DEAD * mean).tolist()),
        effective_rank=effective_rank(np.sqrt(spectrum)),
        first_component=float(spectrum[-1]) / variance if variance else 1.0,
    )


def mean_cosine(
    unit: npt.NDArray[np.float64],
) -> tuple[float, npt.NDArray[np.float64]]:
    """Mean cosine of all pairs of different unit rows, and what each dimension adds to it.

    No pairs are drawn: the sum over all of them is (‖Σu‖² − n) / (n (n − 1)).

    Examples
    --------
    >>> value, parts = mean_cosine(np.array([[1.0, 0.0], [0.6, 0.8]]))
    >>> round(value, 6), parts.round(6).tolist()
    (0.6, [0.6, 0.0])
    """
    count = len(unit)
    parts = (unit.sum(axis=0) ** 2 - (unit**2).sum(axis=0)) / (count * (count - 1))
    return float(parts.sum()), parts


def effective_rank(singular: npt.NDArray[np.float64]) -> float:
    """exp(−Σ p ln p) of the shares p of the singular values.

    Examples
    --------
    >>> round(effective_rank(np.array([2.0, 2.0, 2.0, 0.0])), 6)
    3.0
    """
    total = float(singular.sum())
    if not total:
        return 1.0
    shares = singular[singular > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))
