"""Reading the best passages again, together with the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nearfield.errors import InputError
from nearfield.selection.hosted import affordable, is_hosted
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.workshop import Workshop

__all__ = ["READ_AGAIN", "Rereading"]

READ_AGAIN = 20
"""Candidates that a reranker reads: it takes most of a question's time."""

_PAIRS = 4
_PASSAGE_TOKENS = 300
"""Of a question and a passage together, rather too many."""


@dataclass(frozen=True, slots=True)
class Rereading:
    """One reranker.

    Attributes
    ----------
    name : str
    workshop : Workshop
        Loads it.
    allowed : float
        US dollars that it may cost.
    """

    name: str
    workshop: Workshop
    allowed: float = 0.0

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

    def money(self, questions: Sequence[str]) -> float:
        if not is_hosted(self.name):
            return 0.0
        read = READ_AGAIN * _PASSAGE_TOKENS * len(questions)
        return affordable(self.name, self.allowed, read=read, requests=len(questions))
