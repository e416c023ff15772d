"""Bitext mining: find the translation of each sentence among all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["BitextTask"]


@dataclass(frozen=True, slots=True)
class BitextTask:
    """Sentences and their translations, in the same order.

    Attributes
    ----------
    name : str
    sources, targets : tuple of str
    split : str
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.BITEXT

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        return {"pairs": len(self.sources)}

    def digest(self) -> str:
        return digest_of(self.kind, zip(self.sources, self.targets, strict=True))
