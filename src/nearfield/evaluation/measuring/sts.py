"""STS: do cosines put pairs in the order that people do? Measured by Spearman's correlation.

References
----------
Reimers, Beyer and Gurevych, "Task-oriented intrinsic evaluation of semantic textual similarity",
2016, on why ranks and not values are compared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.intervals import bootstrap_statistic
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, Predictions
from nearfield.evaluation.metrics import pearson, spearman
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.sts import StsTask
from nearfield.protocols import Encoder
from nearfield.types import FloatArray

__all__ = ["cosines", "encode_pairs", "measure"]


def measure(
    encoder: Encoder, task: StsTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Correlate the cosine of each pair with its score."""
    near = encode_pairs(encoder, task.left, task.right, ledger)
    truth = np.array(task.scores)
    scores = {
        name: bootstrap_statistic(
            lambda at, statistic=statistic: statistic(truth[at], near[at]),  # type: ignore[misc]
            len(truth),
            samples=options.samples,
            level=options.level,
            seed=options.seed,
        )
        for name, statistic in (("spearman", spearman), ("pearson", pearson))
    }
    items = tuple(str(number) for number in range(1, len(truth) + 1))
    return Measured(scores, items, predictions=Predictions(task.scores, tuple(near.tolist())))


def encode_pairs(
    encoder: Encoder, left: tuple[str, ...], right: tuple[str, ...], ledger: Ledger
) -> npt.NDArray[np.float64]:
    """Cosine of each pair; texts that stand several times are encoded once."""
    texts = list(dict.fromkeys([*left, *right]))
    ledger.expect(len(texts))
    place = {text: row for row, text in enumerate(texts)}
    vectors = ledger.encode(encoder, texts)
    return cosines(
        vectors[[place[text] for text in left]], vectors[[place[text] for text in right]]
    )


def cosines(a: FloatArray, b: FloatArray) -> npt.NDArray[np.float64]:
    """Cosine of each pair of rows, in float64: float32 lengths alone are off by 1e-7.

    Parameters
    ----------
    a, b : ndarray of float32, shape (n, d)

    Returns
    -------
    ndarray of float64, shape (n,)
        0 where a row is all zeros, as static models give for texts without a known word.

    Examples
    --------
    >>> cosines(np.eye(2, dtype=np.float32), np.array([[2, 0], [0, 0]], dtype=np.float32)).tolist()
    [1.0, 0.0]
    """
    left, right = a.astype(np.float64), b.astype(np.float64)
    products: npt.NDArray[np.float64] = np.einsum("nd,nd->n", left, right)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    found = np.zeros_like(products)
    np.divide(products, lengths, out=found, where=np.asarray(lengths > 0))
    return found
