"""Clustering: groups found without labels, beside the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["ClusteringTask"]


@dataclass(frozen=True, slots=True)
class ClusteringTask:
    """Texts and the group that each belongs to.

    Attributes
    ----------
    name : str
    texts : tuple of str
    labels : tuple of str
        One for each text.
    split : str
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.CLUSTERING

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        return {"texts": len(self.texts), "groups": len(set(self.labels))}

    def digest(self) -> str:
        return digest_of(self.kind, zip(self.texts, self.labels, strict=True))
