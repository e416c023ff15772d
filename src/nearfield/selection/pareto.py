"""From measurements to one recommendation: the front, and the cheapest that is as good as the best.

**Cost** of a candidate is the geometric mean of three ratios to the least of all candidates: the
median time of a question, the memory of model and index, and the time to embed a thousand passages
(for hosted models the price of that). A ratio of 2 in one of them weighs as much as a ratio of 2 in
another, and units do not matter. What differs by less than a tenth costs the same: machines are not
steadier than that.

**As good as the best** is a candidate that is not significantly worse *and* lost at most a
tolerance on the same questions: with few questions hardly anything is significant, and that must
not recommend whatever is cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.errors import InputError
from nearfield.search.options import Mode
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.trial import Trial
from nearfield.selection.verdicts import Verdict, against_best
from nearfield.stores.local import SearchPath

__all__ = ["TOLERANCE", "Choice", "Point", "choose_one", "front_of"]

TOLERANCE = 0.02
_AS_CHEAP = 1.1


@dataclass(frozen=True, slots=True)
class Point:
    """Where a candidate stands.

    Attributes
    ----------
    trial : Trial
    quality : float
        Mean over the questions that all were asked.
    latency : float
        Median seconds of a question.
    memory : int
        Bytes.
    indexing : float
        Seconds to embed and store a thousand passages.
    money : float
        US dollars for the same.
    cost : float
        1 would be the least of all candidates in every respect.
    """

    trial: Trial
    quality: float
    latency: float
    memory: int
    indexing: float
    money: float
    cost: float

    @property
    def pipeline(self) -> Pipeline:
        """What it is."""
        return self.trial.pipeline

    @property
    def figures(self) -> tuple[float, float, float, float]:
        """What the front compares; smaller is better in all."""
        return (-self.quality, self.latency, float(self.memory), self.indexing + self.money)


@dataclass(frozen=True, slots=True)
class Choice:
    """The recommendation and what it was chosen from.

    Attributes
    ----------
    questions : tuple of str
        That all of the points were asked.
    points : tuple of Point
        Best first.
    verdicts : mapping of str to Verdict
        Beside the best one.
    best, recommended : Point
    front : tuple of Point
        None of the others is at least as good in every respect.
    equals : tuple of Point
        As good as the best.
    tolerance : float
    """

    questions: tuple[str, ...]
    points: tuple[Point, ...]
    verdicts: Mapping[str, Verdict]
    best: Point
    recommended: Point
    front: tuple[Point, ...]
    equals: tuple[Point, ...]
    tolerance: float


def choose_one(
    trials: Sequence[Trial],
    questions: Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    indexing: Mapping[str, float] | None = None,
    money: Mapping[str, float] | None = None,
) -> Choice:
    """Recommend the cheapest candidate that is as good as the best one.

    Parameters
    ----------
    trials : sequence of Trial
        Those that failed, broke a limit or were not asked all questions do not count.
    questions : sequence of str
    tolerance : float
        Most that the recommendation may have lost on these questions.
    indexing : mapping of str to float, optional
        Seconds to embed a thousand passages, by key of the pipeline.
    money : mapping of str to float, optional
        US dollars for the same.

    Raises
    ------
    InputError
        No candidate was asked all questions within the limits.
    """
    counted = [
        trial
        for trial in trials
        if not trial.failed
        and not trial.dropped.startswith("takes ")
        and all(query in trial.scores for query in questions)
    ]
    if not counted:
        raise InputError("no candidate was asked all questions within the limits")
    points = _points(counted, questions, indexing or {}, money or {})
    verdicts = against_best({point.trial.key: point.trial.vector(questions) for point in points})
    best = max(points, key=lambda point: (point.quality, -point.cost))
    equals = [
        point
        for point in points
        if not verdicts[point.trial.key].is_worse
        and verdicts[point.trial.key].loss <= tolerance + 1e-12
    ]
    least = min(point.cost for point in equals)
    cheap = [point for point in equals if point.cost <= least * _AS_CHEAP]
    recommended = min(cheap, key=lambda point: (-round(point.quality, 3), *_plainness(point)))
    if recommended.quality >= best.quality:  # storages often answer alike: then it is the best
        best = recommended
    ordered = tuple(sorted(points, key=lambda point: (-point.quality, point.cost)))
    return Choice(
        tuple(questions), ordered, verdicts, best, recommended, front_of(ordered), tuple(equals),
        tolerance,
    )  # fmt: skip


def front_of(points: Sequence[Point]) -> tuple[Point, ...]:
    """Points that no other one equals or beats in every respect and beats in one."""
    figures = np.array([point.figures for point in points])
    kept = []
    for place, own in enumerate(figures):
        as_good = (figures <= own).all(axis=1)
        better = (figures < own).any(axis=1)
        if not (as_good & better).any():
            kept.append(points[place])
    return tuple(kept)


def _points(
    trials: Sequence[Trial],
    questions: Sequence[str],
    indexing: Mapping[str, float],
    money: Mapping[str, float],
) -> list[Point]:
    rows = []
    # Storing costs about the same for all; one store's time says more about the disk's mood.
    built = sum(trial.build_seconds for trial in trials)
    storing = 1000 * built / max(1, sum(trial.passages for trial in trials))
    for trial in trials:
        rows.append(
            [
                max(trial.quantile(0.5), 1e-6),
                max(1.0, float(trial.memory)),
                max(indexing.get(trial.key, 0.0) + storing, 1e-6),
            ]
        )
    figures = np.array(rows)
    costs = np.exp(np.log(figures / figures.min(axis=0)).mean(axis=1))
    return [
        Point(
            trial,
            float(trial.vector(questions).mean()),
            row[0],
            int(row[1]),
            row[2],
            money.get(trial.key, 0.0),
            # A hosted model's price has no ratio to nothing: a cent for a thousand passages counts
            # double.
            float(cost) * (1.0 + 100.0 * money.get(trial.key, 0.0)),
        )
        for trial, row, cost in zip(trials, rows, costs, strict=True)
    ]


def _plainness(point: Point) -> tuple[int, int, int, float]:
    """Of equals the plainer one: no reranker, one ranking, the exact scan."""
    pipeline = point.pipeline
    return (
        bool(pipeline.search.rerank),
        pipeline.search.mode is Mode.HYBRID,
        (SearchPath.EXACT, SearchPath.AUTO, SearchPath.QUANTISED, SearchPath.GRAPH).index(
            pipeline.storage.path
        ),
        point.cost,
    )
