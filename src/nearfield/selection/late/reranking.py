"""Reading the best passages again, together with the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nearfield.errors import InputError
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.workshop import Workshop

__all__ = ["READ_AGAIN", "Rereading"]

READ_AGAIN = 20
"""Candidates that a reranker reads: it takes most of a question's time."""

_PAIRS = 4


@dataclass(frozen=True, slots=True)
class Rereading:
    """One reranker.

    Attributes
    ----------
    name : str
    workshop : Workshop
        Loads it.
    """

    name: str
    workshop: Workshop

    def behind(self, pipeline: Pipeline) -> Pipeline | None:
        search = replace(pipeline.search, rerank=self.name, candidates=READ_AGAIN)
        return None if pipeline.is_late else replace(pipeline, search=search)

    def seconds(self, texts: Sequence[str]) -> float:
        reranker = self.workshop.reranker(self.name)
        if reranker is None or not texts:
            raise InputError("there is nothing to read")
        some = list(texts[:_PAIRS])
        reranker.score("warm up", some[:1])
        begun = self.workshop.budget.clock()
        reranker.score("how long does this take", some)
        return (self.workshop.budget.clock() - begun) / len(some) * READ_AGAIN
