"""A question through a pipeline, as a collection would search, with the time that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nearfield.search.options import Mode
from nearfield.search.pipeline import Question, find
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.workshop import Workshop
from nearfield.types import Hit

__all__ = ["Searching"]


@dataclass(frozen=True, slots=True)
class Searching:
    """Searches the stores of a workshop.

    Attributes
    ----------
    queries : mapping of str to str
        By id.
    workshop : Workshop
    """

    queries: Mapping[str, str]
    workshop: Workshop

    def search(self, pipeline: Pipeline, query: str, k: int) -> tuple[list[Hit], float]:
        """The hits of one question, and the seconds from the question to them."""
        text = self.queries[query]
        encoding, vector = 0.0, None
        if pipeline.search.mode is not Mode.LEXICAL:
            asked = self.workshop.ask(pipeline.model, text)
            encoding, vector = asked.seconds, asked.vector
            if not vector.any():
                # The model knows none of its words: a search would refuse it. It finds nothing.
                return [], encoding
        store = self.workshop.store(pipeline).store
        reranker = self.workshop.reranker(pipeline.search.rerank)
        begun = self.workshop.budget.clock()
        with store.view() as view:
            options = replace(pipeline.options, k=k)
            hits = find(view, Question(text, vector), options, reranker=reranker)
        return hits, encoding + self.workshop.budget.clock() - begun
