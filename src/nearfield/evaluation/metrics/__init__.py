"""Metrics: each one small function with its formula and its source."""

from nearfield.evaluation.metrics.judged import Judged, judge
from nearfield.evaluation.metrics.measure import Measure

__all__ = ["Judged", "Measure", "judge"]
