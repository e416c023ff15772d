"""One candidate with what was measured of it, and one rung with what it decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import numpy.typing as npt

from nearfield.selection.pipeline import Pipeline
from nearfield.selection.verdicts import Verdict

__all__ = ["Begun", "Rung", "Trial", "halves", "rungs"]

_FEWEST_TO_SPLIT = 40
_SHARES = (1 / 9, 1 / 3, 1.0)
_FEWEST_ASKED = 12


@dataclass(slots=True)
class Begun:
    """Questions of a rung that was not finished: kept to go on from, and no figure is made of them.

    Attributes
    ----------
    scores : dict of str to float
        By question.
    seconds : list of float
        Of those that were timed.
    """

    scores: dict[str, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Trial:
    """One candidate and everything that was measured of it.

    Attributes
    ----------
    pipeline : Pipeline
    scores : dict of str to float
        By question, of those set aside for choosing.
    held_out : dict of str to float
        By question, of those that choosing never saw.
    seconds : list of float
        From a question to its hits, encoding included, of up to 50 questions a rung.
    turns : list of float
        The same, measured taking turns with other candidates, so that a busy moment hits all alike;
        for those that the decision is between.
    rung : int
        How many rungs it finished.
    dropped : str
        Why it was not asked further; empty while it stands.
    failed : str
        What went wrong; empty where nothing did.
    skipped : str
        Why it has no figure at all, though nothing is wrong with it; empty where it has one.
    begun : Begun
        What it was asked of the rung that it is on.
    interrupted : str
        How far it came on the rung in which time ran out; empty where it finished.
    passages, tokens : int
    memory, disk : int
        Bytes; see :mod:`nearfield.selection.footprint`.
    build_seconds : float
        To write its store, vectors being there.
    """

    pipeline: Pipeline
    scores: dict[str, float] = field(default_factory=dict)
    held_out: dict[str, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    rung: int = 0
    dropped: str = ""
    failed: str = ""
    skipped: str = ""
    begun: Begun = field(default_factory=Begun)
    interrupted: str = ""
    passages: int = 0
    tokens: int = 0
    memory: int = 0
    disk: int = 0
    build_seconds: float = 0.0

    @property
    def key(self) -> str:
        """Names the pipeline."""
        return self.pipeline.key

    @property
    def stands(self) -> bool:
        """Whether it is still asked."""
        return not (self.dropped or self.failed or self.skipped)

    @property
    def mean(self) -> float:
        """Over the questions of the rungs that it finished; only of use among the same ones."""
        return float(np.mean(list(self.scores.values()))) if self.scores else float("-inf")

    def quantile(self, share: float) -> float:
        """Latency in seconds below which that share of its questions was answered."""
        if self.turns and share == 0.5:
            return float(np.median(self.turns))
        taken = self.seconds + self.turns
        return float(np.quantile(taken, share)) if taken else float("nan")

    def vector(self, queries: Sequence[str]) -> npt.NDArray[np.float64]:
        """Its figures for some questions."""
        return np.array([self.scores[query] for query in queries], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Rung:
    """What happened on one rung.

    Attributes
    ----------
    questions : int
    asked : int
        Candidates that were asked all of them.
    dropped : int
        Candidates that went after it.
    best : str
        Key of the best one.
    verdicts : mapping of str to Verdict
        Of every candidate that was asked.
    complete : bool
        False where time ran out before every standing candidate was asked.
    """

    questions: int
    asked: int
    dropped: int
    best: str
    verdicts: Mapping[str, Verdict]
    complete: bool


def halves(queries: Sequence[str]) -> tuple[list[str], list[str]]:
    """Questions to choose by, and questions to report by; too few of them are not split.

    Examples
    --------
    >>> choosing, held_out = halves([str(number) for number in range(100)])
    >>> len(choosing), len(held_out)
    (50, 50)
    """
    if len(queries) < _FEWEST_TO_SPLIT:
        return list(queries), []
    middle = ceil(len(queries) / 2)
    return list(queries[:middle]), list(queries[middle:])


def rungs(questions: int) -> list[int]:
    """How many of so many questions each rung asks.

    Examples
    --------
    >>> rungs(150), rungs(10)
    ([17, 50, 150], [10])
    """
    sizes = {min(questions, max(_FEWEST_ASKED, ceil(questions * share))) for share in _SHARES}
    return sorted(sizes)
