"""Everything that a decision rests on, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.evaluation.significance import Interval
from nearfield.selection.candidates import NotTried
from nearfield.selection.data import Data
from nearfield.selection.pareto import Choice
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.plan import Plan
from nearfield.selection.probe import Footing
from nearfield.selection.request import Request
from nearfield.selection.trial import Rung, Trial
from nearfield.selection.verdicts import Verdict
from nearfield.selection.worst import Failing

__all__ = ["Actual", "Decision", "HeldOut"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Figures on questions that choosing never saw.

    Attributes
    ----------
    questions : int
    intervals : mapping of str to Interval
        By key of the pipeline, for the finalists.
    verdicts : mapping of str to Verdict
        The recommendation and the best one, compared on these questions.
    """

    questions: int
    intervals: Mapping[str, Interval]
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True)
class Actual:
    """What the experiment took.

    Attributes
    ----------
    seconds : float
        Of everything, earlier runs that this one went on from included.
    embedding : float
        Of these, in models; of this run alone.
    texts, tokens : int
        That went through models in this run; what the cache had did not.
    repeated : int
        Texts that went through a model twice.
    truncated : int
        Texts that were longer than their model reads.
    resumed : bool
    """

    seconds: float
    embedding: float
    texts: int
    tokens: int
    repeated: int
    truncated: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A recommendation with all of its grounds.

    Attributes
    ----------
    request : Request
    data : Data
    yardstick : str
        What figures are called.
    pipeline : Pipeline
        The recommendation, with fingerprint and precision as measured.
    choice : Choice
    trials : tuple of Trial
        Every candidate.
    rungs : tuple of Rung
    held_out : HeldOut or None
        None where there were too few questions to hold any out.
    footings : mapping of str to Footing
        Finalists in processes of their own.
    worst : tuple of Failing
    not_tried : tuple of NotTried
    plan : Plan
    actual : Actual
    stopped : str
        Why the experiment ended early; empty where it did not.
    environment : mapping of str to str
    """

    request: Request
    data: Data
    yardstick: str
    pipeline: Pipeline
    choice: Choice
    trials: tuple[Trial, ...]
    rungs: tuple[Rung, ...]
    held_out: HeldOut | None
    footings: Mapping[str, Footing]
    worst: tuple[Failing, ...]
    not_tried: tuple[NotTried, ...]
    plan: Plan
    actual: Actual
    stopped: str
    environment: Mapping[str, str] = field(default_factory=dict)
