"""What the steps that take long gained, each against the same candidate without it."""

from __future__ import annotations

from dataclasses import dataclass

from nearfield.evaluation.significance import Interval, bootstrap, randomisation_test
from nearfield.selection.decision.record import Decision
from nearfield.selection.trial import Trial

__all__ = ["LateStep", "late_steps"]


@dataclass(frozen=True, slots=True)
class LateStep:
    """A candidate with a late step beside the same one without.

    Attributes
    ----------
    trial : Trial
        With it.
    questions : int
        That both were asked, on whole rungs.
    gain : Interval
        Of the figure.
    p : float
        Of the paired test between the two.
    seconds, before : float
        Median of a question, with and without.
    """

    trial: Trial
    questions: int
    gain: Interval
    p: float
    seconds: float
    before: float


def late_steps(decision: Decision) -> list[LateStep]:
    """Every late step that was asked a rung; the one that was asked most first."""
    known = {trial.key: trial for trial in decision.trials}
    found = []
    for trial in decision.trials:
        plain = known.get(trial.pipeline.plain.key)
        if not trial.pipeline.is_late or plain is None or not trial.scores:
            continue
        queries = [query for query in trial.scores if query in plain.scores]
        with_it, without = trial.vector(queries), plain.vector(queries)
        found.append(
            LateStep(
                trial,
                len(queries),
                bootstrap(with_it - without),
                randomisation_test(with_it, without),
                trial.quantile(0.5),
                plain.quantile(0.5),
            )
        )
    return sorted(found, key=lambda step: -step.questions)
