"""Metrics: each one small function with its formula and its source.

Rankings are measured by name (:class:`Measure`), from grades that are looked up once
(:func:`judge`); everything else is a function of two lists.
"""

from nearfield.evaluation.metrics.clusters import adjusted_rand, v_measure
from nearfield.evaluation.metrics.correlation import pearson, spearman
from nearfield.evaluation.metrics.detection import (
    auroc,
    average_precision,
    best_accuracy,
    best_f1,
)
from nearfield.evaluation.metrics.judged import Judged, judge
from nearfield.evaluation.metrics.labels import accuracy, macro_f1
from nearfield.evaluation.metrics.measure import Measure

__all__ = [
    "Judged",
    "Measure",
    "accuracy",
    "adjusted_rand",
    "auroc",
    "average_precision",
    "best_accuracy",
    "best_f1",
    "judge",
    "macro_f1",
    "pearson",
    "spearman",
    "v_measure",
]
