"""What an evaluation is free to choose; all of it stands in the report."""

from __future__ import annotations

from dataclasses import dataclass

from nearfield.errors import InputError

__all__ = ["EvaluationOptions"]


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How a task is measured.

    Attributes
    ----------
    measures : tuple of str
        The first is the main one; without any the usual ones of the task. Rankings have measures
        such as ``("ndcg@10", "recall@100")``, other kinds of tasks their own.
    depth : int
        Documents that are ranked for each query.
    seed : int
        Of everything that is drawn: training examples, clusters, resamples.
    samples : int
        Resamples of each interval.
    level : float
        Share of the resamples that an interval holds, in (0, 1).
    """

    measures: tuple[str, ...] = ()
    depth: int = 1000
    seed: int = 42
    samples: int = 1000
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise InputError(f"depth is {self.depth}: rank at least 1 document")
        if self.samples < 1:
            raise InputError(f"samples is {self.samples}: draw at least once")
        if not 0.0 < self.level < 1.0:
            raise InputError(f"level is {self.level}: expected a share such as 0.95")
