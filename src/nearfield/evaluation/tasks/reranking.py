"""Reranking: questions that bring their own candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.retrieval import Qrels
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["RerankingTask"]


@dataclass(frozen=True, slots=True)
class RerankingTask:
    """Each query brings its own candidates, to be put in order.

    Attributes
    ----------
    name : str
    queries : mapping of str to str
        By id.
    candidates : mapping of str to mapping of str to str
        Query id → candidate id → text.
    qrels : mapping of str to mapping of str to int
        Query id → candidate id → grade; above 0 is relevant.
    split : str
    problems : tuple of Problem
    """

    kind: ClassVar[TaskKind] = TaskKind.RERANKING

    name: str
    queries: Mapping[str, str]
    candidates: Mapping[str, Mapping[str, str]]
    qrels: Qrels
    split: str = "test"
    problems: tuple[Problem, ...] = ()

    def sizes(self) -> dict[str, int]:
        found = sum(len(each) for each in self.candidates.values())
        return {"queries": len(self.queries), "candidates": found}

    def digest(self) -> str:
        rows = (
            (query, id_, text, str(self.qrels[query].get(id_, 0)))
            for query, each in self.candidates.items()
            for id_, text in each.items()
        )
        return digest_of(self.kind, self.queries.items(), rows)
