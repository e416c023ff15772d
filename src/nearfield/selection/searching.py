"""A question through a pipeline, as a collection would search, with the time that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nearfield.collection.asking import Expansion
from nearfield.rag.questions import between, search_all
from nearfield.search.options import Mode, SearchOptions
from nearfield.search.pipeline import Question, find
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.workshop import Workshop
from nearfield.types import Hit, Role

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
        expansion, text = pipeline.ask.expansion, self.queries[query]
        if expansion is Expansion.NONE:
            return self._by_text(pipeline, text, k)
        written = self.workshop.writer(pipeline.ask.generator).expand(expansion, text)
        deep = max(pipeline.search.k, pipeline.search.candidates)  # as deep as rankings are fused
        taken = [written.seconds]

        def noted(found: tuple[list[Hit], float]) -> list[Hit]:
            taken.append(found[1])
            return found[0]

        hits = search_all(
            written.texts,
            expansion,
            k,
            by_text=lambda each: noted(self._by_text(pipeline, each, deep)),
            by_passage=lambda asked, made_up: noted(self._between(pipeline, asked, made_up, k)),
        )
        return hits, sum(taken)

    def _by_text(self, pipeline: Pipeline, text: str, k: int) -> tuple[list[Hit], float]:
        encoding, vector = 0.0, None
        if pipeline.search.mode is not Mode.LEXICAL:
            asked = self.workshop.ask(pipeline.model, text)
            encoding, vector = asked.seconds, asked.vector
            if not vector.any():
                # The model knows none of its words: a search would refuse it. It finds nothing.
                return [], encoding
        hits, took = self._found(pipeline, Question(text, vector), replace(pipeline.options, k=k))
        return hits, encoding + took

    def _between(
        self, pipeline: Pipeline, asked: str, made_up: str, k: int
    ) -> tuple[list[Hit], float]:
        """Densely, by what lies between a question and a made-up passage."""
        question = self.workshop.ask(pipeline.model, asked)
        passage = self.workshop.ask(pipeline.model, made_up, Role.DOCUMENT)
        vector = between(question.vector, passage.vector)
        encoding = question.seconds + passage.seconds
        if not vector.any():
            return [], encoding
        options = replace(pipeline.options, k=k, mode=Mode.DENSE)
        hits, took = self._found(pipeline, Question("", vector), options)
        return hits, encoding + took

    def _found(
        self, pipeline: Pipeline, question: Question, options: SearchOptions
    ) -> tuple[list[Hit], float]:
        store = self.workshop.store(pipeline).store
        reranker = self.workshop.reranker(pipeline.search.rerank)
        begun = self.workshop.budget.clock()
        with store.view() as view:
            hits = find(view, question, options, reranker=reranker)
        return hits, self.workshop.budget.clock() - begun
