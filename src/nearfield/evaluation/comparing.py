"""Several systems on one task: who is better, and where nobody can tell.

Means over items are compared by randomisation (:mod:`nearfield.evaluation.significance`). What is
no mean, such as a correlation, is compared by the paired bootstrap: both systems are measured on
the same resamples, and the difference is set against how much it varies there.

References
----------
Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 16.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.intervals import resamples
from nearfield.evaluation.metrics import (
    auroc,
    average_precision,
    best_accuracy,
    best_f1,
    pearson,
    spearman,
)
from nearfield.evaluation.report import Report
from nearfield.evaluation.significance import Comparison, compare, holm

__all__ = ["compare_reports"]

Statistic = Callable[[npt.ArrayLike, npt.ArrayLike], float]

_STATISTICS: dict[str, Statistic] = {
    "spearman": spearman,
    "pearson": pearson,
    "average_precision": average_precision,
    "auroc": auroc,
    "best_accuracy": best_accuracy,
    "best_f1": best_f1,
}


def compare_reports(reports: Sequence[Report], measure: str | None = None) -> list[Comparison]:
    """Test every pair of systems that were measured on the same task.

    Parameters
    ----------
    reports : sequence of Report
        Of different systems, on the same data.
    measure : str, optional
        The main one of the first report by default.

    Returns
    -------
    list of Comparison
        With Holm's correction over all pairs; ``verdict`` says ``tie`` where nobody can tell.

    Raises
    ------
    InputError
        The data or the items differ, two systems have one name, or the measure cannot be compared.
    """
    if not reports:
        return []
    first = reports[0]
    for other in reports[1:]:
        if other.task.digest != first.task.digest:
            raise InputError(
                f"{first.system.name} was measured on {first.task.name} "
                f"({first.task.digest[:12]}) and {other.system.name} on {other.task.name} "
                f"({other.task.digest[:12]}): figures of different data cannot be compared"
            )
        if other.items != first.items:
            raise InputError(
                f"{first.system.name} and {other.system.name} were measured on different items: "
                f"{len(first.items):,} and {len(other.items):,}"
            )
    names = [report.system.name for report in reports]
    if len(set(names)) < len(names):
        raise InputError(f"two systems have the same name: {', '.join(names)}")
    chosen = measure or first.main
    if all(chosen in report.each for report in reports):
        return compare({r.system.name: np.array(r.each[chosen]) for r in reports})
    predicted = {r.system.name: r.predictions for r in reports}
    if chosen in _STATISTICS and all(predicted.values()):
        truth = np.array(first.predictions.truth)  # type: ignore[union-attr]
        values = {n: np.array(p.predicted) for n, p in predicted.items() if p is not None}
        return _paired_bootstrap(_STATISTICS[chosen], truth, values, first)
    known = ", ".join([*first.each, *(set(_STATISTICS) & set(first.scores))])
    raise InputError(f"{chosen!r} cannot be compared item by item; choose one of {known}")


def _paired_bootstrap(
    statistic: Statistic,
    truth: npt.NDArray[np.float64],
    values: Mapping[str, npt.NDArray[np.float64]],
    report: Report,
) -> list[Comparison]:
    options = report.options
    drawn = np.concatenate(list(resamples(len(truth), options.samples, options.seed)))
    if set(np.unique(truth)) == {0.0, 1.0}:  # resamples of one kind alone have no figure
        drawn = drawn[truth[drawn].any(1) & (truth[drawn] < 1).any(1)]
    found = {
        name: np.array([statistic(truth[row], each[row]) for row in drawn])
        for name, each in values.items()
    }
    whole = {name: statistic(truth, each) for name, each in values.items()}
    pairs = list(itertools.combinations(values, 2))
    alone = [_p(whole[a] - whole[b], found[a] - found[b]) for a, b in pairs]
    return [
        Comparison(a, b, whole[a] - whole[b], p, adjusted)
        for (a, b), p, adjusted in zip(pairs, alone, holm(alone), strict=True)
    ]


def _p(difference: float, resampled: npt.NDArray[np.float64]) -> float:
    """Two-sided p of a difference that varies as its resamples do, by the normal distribution."""
    spread = float(np.nanstd(resampled, ddof=1))
    if spread == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return math.erfc(abs(difference) / (spread * math.sqrt(2.0)))
