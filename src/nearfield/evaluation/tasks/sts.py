"""Semantic textual similarity: pairs of sentences and how near people found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["StsTask"]


@dataclass(frozen=True, slots=True)
class StsTask:
    """Pairs with a score of any scale; only their order counts.

    Attributes
    ----------
    name : str
    left, right : tuple of str
        The two sides, pair by pair.
    scores : tuple of float
        Higher is nearer.
    split : str
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.STS

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    scores: tuple[float, ...]
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        return {"pairs": len(self.scores)}

    def digest(self) -> str:
        scores = map(repr, self.scores)
        return digest_of(self.kind, zip(self.left, self.right, scores, strict=True))
