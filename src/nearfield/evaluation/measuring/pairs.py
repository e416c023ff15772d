"""Pair classification: cosines should tell pairs that belong together from the others.

Measured by average precision, which needs no threshold; the best accuracy and F₁ are those of the
threshold that suits the test data best, as MTEB reports them, and so are upper bounds.
"""

from __future__ import annotations

import numpy as np

from nearfield.evaluation.intervals import bootstrap_statistic
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, Predictions
from nearfield.evaluation.measuring.sts import encode_pairs
from nearfield.evaluation.metrics import auroc, average_precision, best_accuracy, best_f1
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.pairs import PairTask
from nearfield.protocols import Encoder

__all__ = ["measure"]


def measure(
    encoder: Encoder, task: PairTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Rank the pairs by their cosine."""
    near = encode_pairs(encoder, task.left, task.right, ledger)
    truth = np.array(task.labels, dtype=np.int64)
    # Drawn within each kind: a resample without a single positive pair would have no figure.
    kinds = [np.flatnonzero(truth == kind) for kind in (0, 1)]
    scores = {
        name: bootstrap_statistic(
            lambda at, statistic=statistic: statistic(truth[at], near[at]),  # type: ignore[misc]
            kinds,
            samples=options.samples,
            level=options.level,
            seed=options.seed,
        )
        for name, statistic in (
            ("average_precision", average_precision),
            ("auroc", auroc),
            ("best_accuracy", best_accuracy),
            ("best_f1", best_f1),
        )
    }
    items = tuple(str(number) for number in range(1, len(truth) + 1))
    predictions = Predictions(tuple(map(float, task.labels)), tuple(near.tolist()))
    return Measured(scores, items, predictions=predictions)
