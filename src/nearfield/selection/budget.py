"""The time of an experiment: what has passed, what each phase may take, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import inf

__all__ = ["NOT_MEASURED", "Budget", "Clock", "OutOfTime", "Phase"]

NOT_MEASURED = "not measured: budget"
"""How a record calls what time did not reach."""

Clock = Callable[[], float]


class Phase(Enum):
    """What is being done; the value is the share of the budget after which it stops.

    In ``ASKING`` candidates are embedded and asked, in ``REPORTING`` finalists are timed in turns
    and asked held-out questions, in ``PROBING`` they are measured in processes of their own;
    ``ENDING`` is what a record cannot do without.
    """

    ASKING = 0.75
    REPORTING = 0.85
    PROBING = 0.92
    ENDING = 1.0


class OutOfTime(Exception):
    """The phase's time was up in the middle of something; says how far that came."""


@dataclass(slots=True)
class Budget:
    """The time that an experiment has.

    Whatever takes long works in slices and calls :meth:`look` between them, so that a budget is
    overrun by a slice at most.

    Parameters
    ----------
    seconds : float
        For everything; no limit by default.
    clock : callable
        Seconds from any moment on.
    spent : float
        By earlier runs that this one goes on from.

    Attributes
    ----------
    phase : Phase
        Decides how much of the budget may be used up now.

    Examples
    --------
    >>> now = iter([0.0, 70.0, 80.0])
    >>> budget = Budget(100.0, clock=lambda: next(now))
    >>> budget.look("0 of 10 texts")
    >>> budget.look("7 of 10 texts")
    Traceback (most recent call last):
    nearfield.selection.budget.OutOfTime: 7 of 10 texts
    """

    seconds: float = inf
    clock: Clock = time.monotonic
    spent: float = 0.0
    phase: Phase = Phase.ASKING
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds that have passed, earlier runs included."""
        return self.spent + self.clock() - self._begun

    @property
    def left(self) -> float:
        """Seconds until the phase has to stop; not above 0 where its time is up."""
        return self.seconds * self.phase.value - self.elapsed

    def look(self, how_far: str) -> None:
        """Go on, or raise :class:`OutOfTime` with how far something came."""
        if self.left <= 0:
            raise OutOfTime(how_far)
