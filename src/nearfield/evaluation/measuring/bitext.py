"""Bitext mining: is the nearest of all targets the translation? Measured by F₁ as MTEB does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.intervals import bootstrap_statistic
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, of_items
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.bitext import BitextTask
from nearfield.metric import normalise, top_k
from nearfield.protocols import Encoder

__all__ = ["measure", "weighted_f1"]

_ROWS_AT_ONCE = 1024


def measure(
    encoder: Encoder, task: BitextTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Find the nearest target of each source. A target that stands twice may be either."""
    ledger.expect(len(task.sources) + len(task.targets))
    sources = normalise(ledger.encode(encoder, task.sources))
    targets = normalise(ledger.encode(encoder, task.targets))
    nearest = np.concatenate(
        [
            top_k(sources[start : start + _ROWS_AT_ONCE] @ targets.T, 1)[:, 0]
            for start in range(0, len(sources), _ROWS_AT_ONCE)
        ]
    )
    first = {text: place for place, text in reversed(list(enumerate(task.targets)))}
    same = np.array([first[text] for text in task.targets])
    truth, found = same, same[nearest]
    items = tuple(str(number) for number in range(1, len(truth) + 1))
    hits = of_items(items, {"accuracy": (truth == found).astype(np.float64)}, options)
    f1 = bootstrap_statistic(
        lambda at: weighted_f1(truth[at], found[at]),
        len(truth),
        samples=options.samples,
        level=options.level,
        seed=options.seed,
    )
    return Measured({**hits.scores, "f1": f1}, items, hits.each)


def weighted_f1(truth: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> float:
    """Mean of the F₁ of each target, weighted by how often it is the true one.

    Examples
    --------
    Target 0 is found twice and right once: F₁ 2/3; target 1 is never found; target 2 always.

    >>> round(weighted_f1(np.array([0, 1, 2]), np.array([0, 0, 2])), 4)
    0.5556
    """
    count = int(max(truth.max(), found.max())) + 1
    wanted = np.bincount(truth, minlength=count)
    hits = np.bincount(truth[truth == found], minlength=count)
    seen = wanted + np.bincount(found, minlength=count)
    present = wanted > 0
    each = 2 * hits[present] / seen[present]
    return float((each * wanted[present]).sum() / wanted.sum())
