"""Fewer dimensions: the first components, or the principal ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearfield.errors import InputError
from nearfield.metric import normalise
from nearfield.types import FloatArray, Word

__all__ = ["Projection", "Reduction", "fit"]


class Reduction(Word):
    """How dimensions are left out.

    ``none`` keeps all; ``first`` keeps the first ones, which models trained for it (Matryoshka,
    Kusupati et al. 2022) bear well; ``pca`` turns to the directions of most variance of the corpus
    (Pearson 1901), about its mean.
    """

    NONE = "none"
    FIRST = "first"
    PCA = "pca"


@dataclass(frozen=True, slots=True)
class Projection:
    """A reduction that is ready for documents and questions.

    Attributes
    ----------
    mean : ndarray of float32, shape (dimension,)
    axes : ndarray of float32, shape (dimension, kept)
    """

    mean: FloatArray
    axes: FloatArray

    def apply(self, vectors: FloatArray) -> FloatArray:
        """Reduced unit vectors, shape (n, kept)."""
        return normalise((vectors - self.mean) @ self.axes)


def fit(reduction: Reduction, documents: FloatArray, kept: int) -> Projection:
    """Learn a reduction from a corpus's unit vectors, shape (n, dimension).

    Raises
    ------
    InputError
        `kept` is no number of dimensions of these vectors; or PCA has too few rows.

    Examples
    --------
    >>> rows = normalise(np.array([[3.0, 0.1, 1.0], [1.0, 0.1, 3.0], [2.0, 0.1, 2.0]]))
    >>> fit(Reduction.FIRST, rows, 2).apply(rows).shape
    (3, 2)
    """
    dimension = documents.shape[1]
    if not 1 <= kept <= dimension:
        raise InputError(f"{kept} dimensions of {dimension} cannot be kept: name fewer")
    nothing = np.zeros(dimension, dtype=np.float32)
    if reduction is not Reduction.PCA:
        return Projection(nothing, np.eye(dimension, kept, dtype=np.float32))
    if len(documents) < 2:
        raise InputError("principal components need at least 2 documents")
    mean = documents.mean(axis=0, dtype=np.float64)
    covariance = np.cov(documents.astype(np.float64), rowvar=False).reshape(dimension, dimension)
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :kept]
    # The sign of an axis is free: the largest component is positive, on every machine.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
    return Projection(mean.astype(np.float32), np.ascontiguousarray(axes, dtype=np.float32))
