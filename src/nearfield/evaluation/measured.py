"""What measuring a task gives, before it becomes a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.intervals import Interval, bootstrap
from nearfield.evaluation.options import EvaluationOptions

__all__ = ["Measured", "Predictions", "of_items"]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was predicted for each item, where a figure is no mean over the items.

    Attributes
    ----------
    truth, predicted : tuple of float
        One of each for every item.
    """

    truth: tuple[float, ...]
    predicted: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one system on one task.

    Attributes
    ----------
    scores : mapping of str to Interval
        By measure; the first is the main one.
    items : tuple of str
        What was measured one by one, such as query ids.
    each : mapping of str to tuple of float
        The value of each item, by measure, where the figure is their mean.
    predictions : Predictions or None
        Where the main figure is no such mean.
    notes : tuple of str
        What should be known about the figures.
    """

    scores: Mapping[str, Interval]
    items: tuple[str, ...]
    each: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    predictions: Predictions | None = None
    notes: tuple[str, ...] = ()


def of_items(
    items: tuple[str, ...],
    values: Mapping[str, npt.NDArray[np.float64]],
    options: EvaluationOptions,
    notes: tuple[str, ...] = (),
) -> Measured:
    """Figures that are means over items, with their intervals."""
    scores = {
        name: bootstrap(each, samples=options.samples, level=options.level, seed=options.seed)
        for name, each in values.items()
    }
    each = {name: tuple(found.tolist()) for name, found in values.items()}
    return Measured(scores, items, each, notes=notes)
