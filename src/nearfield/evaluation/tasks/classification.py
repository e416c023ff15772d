"""Classification: learn labels from a few vectors, predict those of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["ClassificationTask"]


@dataclass(frozen=True, slots=True)
class ClassificationTask:
    """Texts with labels, to learn from and to be tested on.

    Attributes
    ----------
    name : str
    train_texts, test_texts : tuple of str
    train_labels, test_labels : tuple of str
        One for each text.
    split : str
        What is tested on.
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.CLASSIFICATION

    name: str
    train_texts: tuple[str, ...]
    train_labels: tuple[str, ...]
    test_texts: tuple[str, ...]
    test_labels: tuple[str, ...]
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        return {
            "train": len(self.train_texts),
            "test": len(self.test_texts),
            "labels": len(set(self.train_labels)),
        }

    def digest(self) -> str:
        train = zip(self.train_texts, self.train_labels, strict=True)
        return digest_of(self.kind, train, zip(self.test_texts, self.test_labels, strict=True))
