"""What stands behind a decision, computed once for every form of the record."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nearfield.collection.asking import Expansion
from nearfield.evaluation.significance import Comparison, Interval, bootstrap, compare
from nearfield.search.options import Mode
from nearfield.selection.data import Labels
from nearfield.selection.decision.record import Decision
from nearfield.selection.decision.units import time_text
from nearfield.selection.decision.words import why_none_held_out
from nearfield.selection.pareto import Point
from nearfield.selection.pipeline import Pipeline

__all__ = ["Effect", "commands", "effects", "explanations", "finalists", "interval_of", "pairs"]

_MATRIX = 8


@dataclass(frozen=True, slots=True)
class Effect:
    """The best candidate of those that share one choice.

    Attributes
    ----------
    factor, value : str
        Such as ``model`` and ``all-MiniLM-L6-v2``.
    best : Point
    loss : float
        Of that candidate against the best of all.
    worse : bool
        Whether that is significant.
    """

    factor: str
    value: str
    best: Point
    loss: float
    worse: bool


_FACTORS: dict[str, Callable[[Pipeline], str]] = {
    "model": lambda pipeline: (
        "none (words only)" if pipeline.search.mode is Mode.LEXICAL else pipeline.model.name
    ),
    "passages": lambda pipeline: str(pipeline.chunking),
    "search": lambda pipeline: pipeline.search.mode.value,
    "reranker": lambda pipeline: pipeline.search.rerank or "none",
    "question": lambda pipeline: (
        "as asked" if pipeline.ask.expansion is Expansion.NONE else pipeline.ask.expansion.value
    ),
    "dimensions": lambda pipeline: (
        str(pipeline.model.dimensions) if pipeline.model.dimensions else "all"
    ),
    "prompts": lambda pipeline: "the card's" if pipeline.model.prompts is None else "none",
    "storage": lambda pipeline: str(pipeline.storage),
}


def effects(decision: Decision) -> list[Effect]:
    """For each choice there was, the best candidate that made it."""
    choice = decision.choice
    found = []
    for factor, value_of in _FACTORS.items():
        values: dict[str, Point] = {}
        for point in choice.points:
            values.setdefault(value_of(point.pipeline), point)  # points come best first
        if len(values) > 1:
            found += [
                Effect(
                    factor, value, point, choice.best.quality - point.quality,
                    choice.verdicts[point.trial.key].is_worse,
                )
                for value, point in values.items()
            ]  # fmt: skip
    return found


def interval_of(decision: Decision, point: Point) -> Interval:
    """A point's figure with its 95% interval."""
    return bootstrap(point.trial.vector(decision.choice.questions))


def finalists(decision: Decision) -> list[Point]:
    """The recommendation and the leading candidates that differ from it and from each other."""
    choice = decision.choice
    found: dict[tuple[object, ...], Point] = {}
    for point in (choice.recommended, *choice.points):
        pipeline = point.pipeline
        found.setdefault((pipeline.model, pipeline.chunking, pipeline.search), point)
    return sorted(list(found.values())[:_MATRIX], key=lambda point: -point.quality)


def pairs(decision: Decision) -> tuple[list[Point], list[Comparison]]:
    """Every two of the finalists, tested on the same questions."""
    points = finalists(decision)
    scores = {
        point.trial.key: np.asarray(point.trial.vector(decision.choice.questions))
        for point in points
    }
    return points, compare(scores) if len(scores) > 1 else []


def commands(decision: Decision) -> str:
    """What to type next."""
    folder = shlex.quote(str(decision.request.folder))
    figure = decision.choice.recommended.quality
    lines = [
        f"nearfield index {folder} --pipeline pipeline.toml --to collection.nf",
        'nearfield search collection.nf "a question"',
    ]
    ask = decision.pipeline.ask
    if ask.expansion is not Expansion.NONE:
        lines[1] = (
            f'nearfield ask collection.nf "a question" --expansion {ask.expansion.value} '
            f"--generator {shlex.quote(ask.generator)}"
        )
    if decision.data.labels is not Labels.MADE:
        held = decision.held_out
        key = decision.choice.recommended.trial.key
        if held is not None and key in held.intervals:
            figure = held.intervals[key].low
        asked = (
            f" --questions {shlex.quote(str(decision.request.questions))}"
            if (decision.request.questions)
            else ""
        )
        lines.append(
            f"nearfield check pipeline.toml --folder {folder}{asked} "
            f"--min {decision.request.measure}={max(0.0, figure):.2f}"
        )
    return "\n".join(lines)


def explanations(decision: Decision) -> list[tuple[str, str]]:
    """What a reader needs to know to judge the rest, in pairs of a title and a paragraph."""
    choice = decision.choice
    few = len(choice.questions)
    told = [
        (
            "Two halves of the questions",
            f"The questions were put in a random order. One half chose among "
            f"{len(decision.trials)} "
            "candidates; the best of many looks better than it is, because luck helped to make it "
            "the "
            "best. So the figure to expect is that of the other half, which no choice ever saw."
            if decision.held_out is not None
            else f"No held-out figure: {why_none_held_out(decision)}. The best of many candidates "
            "looks better than it is, because luck helped to make it the best: expect a little "
            "less.",
        ),
        (
            "Intervals and ties",
            "An interval says where a figure would lie, 95 times in 100, with other questions of "
            "the same kind. "
            "Two candidates are compared on the same questions, one by one (Fisher's randomisation "
            "test, "
            "10,000 swaps, Holm's correction for the number of comparisons). A tie means that "
            "these "
            f"{few} questions cannot tell them apart, not that they are equal.",
        ),
        (
            "How the recommendation was found",
            "It is the cheapest candidate that is not significantly worse than the best and lost "
            "at most "
            f"{choice.tolerance:g} against it. Cost is the geometric mean of three ratios to the "
            "cheapest candidate: the median time of a question, the memory of model and index, and "
            "the time "
            "to embed and store 1,000 passages. Within a tenth of the cost the better one is "
            "taken, and of "
            "equals the plainer one.",
        ),
        (
            "Rungs",
            "All candidates were asked a few questions, those that stood were asked more. After "
            "each rung a "
            "candidate went only if the best one was significantly better, or if it broke a limit; "
            "nothing "
            "went for being unlucky.",
        ),
        (
            "Time and memory",
            "A question's time runs from its text to its passages, encoding included, on this "
            "machine as busy "
            "as it was; candidates that the decision lay between took turns. Memory is the model's "
            "weights "
            "and the parts of the index that a search goes through; for finalists the peak of a "
            "process of "
            "their own was measured as well, interpreter and libraries included.",
        ),
    ]
    if decision.data.spans:
        told.append(
            (
                "Questions without labels",
                "A question that was made of a document uses its words, which helps searches by "
                "words. The "
                "order of candidates follows that of people's questions well but not perfectly: "
                "some "
                "questions of your own (--questions) are worth more than hundreds of these.",
            )
        )
    return told


def told_process(decision: Decision, point: Point) -> str:
    """What a finalist took in a process of its own; empty where that was not measured."""
    found = decision.footings.get(point.trial.key)
    if found is None:
        return ""
    return f"{found.memory / 1e6:.0f} MB, first answer after {time_text(found.first)}"
