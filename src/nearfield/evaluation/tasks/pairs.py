"""Pair classification: pairs of texts that mean the same, and pairs that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["PairTask"]


@dataclass(frozen=True, slots=True)
class PairTask:
    """Pairs that belong together and pairs that do not.

    Attributes
    ----------
    name : str
    left, right : tuple of str
        The two sides, pair by pair.
    labels : tuple of bool
        Whether the pair belongs together.
    split : str
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.PAIRS

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    labels: tuple[bool, ...]
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        return {"pairs": len(self.labels), "positive": sum(self.labels)}

    def digest(self) -> str:
        labels = map(str, self.labels)
        return digest_of(self.kind, zip(self.left, self.right, labels, strict=True))
