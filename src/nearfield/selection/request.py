"""What was asked of ``choose``, as one value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from nearfield.errors import InputError
from nearfield.selection.candidates import Grid
from nearfield.selection.limits import Limits
from nearfield.selection.pareto import TOLERANCE

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One experiment.

    Attributes
    ----------
    folder : Path
        Files, or a judged collection.
    grid : Grid
    questions : Path or None
        A file of questions, or a judged collection.
    split : str or None
        Of a judged collection.
    budget : float
        Seconds for everything.
    limits : Limits
    sample : int or None
        Documents to keep; None leaves it to the budget.
    count : int
        Most questions to make where there are none.
    measure : str
        Of rankings of documents.
    tolerance : float
        Most that the recommendation may lose against the best, in [0, 1].
    seed : int
    command : str
        As it was typed, for the record.
    """

    folder: Path
    grid: Grid
    questions: Path | None = None
    split: str | None = None
    budget: float = 600.0
    limits: Limits = field(default_factory=Limits)
    sample: int | None = None
    count: int = 300
    measure: str = "ndcg@10"
    tolerance: float = TOLERANCE
    seed: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.tolerance <= 1.0:
            raise InputError(f"tolerance is {self.tolerance}: expected a share from 0 to 1")
        if self.sample is not None and self.sample < 1:
            raise InputError(f"sample is {self.sample}: keep at least 1 document")

    def identity(self, digest: str, version: str) -> str:
        """Hash of everything that decides figures: a run with more time goes on from one with less.

        The command's spelling does not count either.
        """
        parts = (
            digest, version, self.grid, self.limits, self.sample, self.count,
            self.measure, self.tolerance, self.seed,
        )  # fmt: skip
        return hashlib.sha256(repr(parts).encode()).hexdigest()
