"""Summarisation: summaries that people like should be near to those that people wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["SummarisationTask"]


@dataclass(frozen=True, slots=True)
class SummarisationTask:
    """For each text summaries by people and by machines, the latter with scores.

    Attributes
    ----------
    name : str
    human : tuple of tuple of str
        Summaries by people, of each text.
    machine : tuple of tuple of str
        Summaries by machines, of each text.
    scores : tuple of tuple of float
        How good people found each machine's summary; higher is better.
    split : str
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.SUMMARISATION

    name: str
    human: tuple[tuple[str, ...], ...]
    machine: tuple[tuple[str, ...], ...]
    scores: tuple[tuple[float, ...], ...]
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        return {"texts": len(self.human), "summaries": sum(map(len, self.machine))}

    def digest(self) -> str:
        scores = ([repr(score) for score in each] for each in self.scores)
        return digest_of(self.kind, self.human, self.machine, scores)
