"""Searching for what a generator makes of the question: other wordings, parts, a made-up answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nearfield.collection.asking import Expansion
from nearfield.errors import InputError
from nearfield.models.remote.tokens import TOKENIZER
from nearfield.rag import prompts
from nearfield.rag.generators.registry import is_local
from nearfield.search.options import Mode
from nearfield.selection.hosted import affordable
from nearfield.selection.pipeline import AskChoice, Pipeline
from nearfield.selection.workshop import Workshop

__all__ = ["Expanding"]

_WRITTEN = 160
"""Most tokens that are written for a question."""

_WORDS = 12


@dataclass(frozen=True, slots=True)
class Expanding:
    """One form of question by one generator.

    Attributes
    ----------
    expansion : Expansion
    generator : str
        Name of what writes.
    workshop : Workshop
        Loads it.
    allowed : float
        US dollars that it may cost.
    """

    expansion: Expansion
    generator: str
    workshop: Workshop
    allowed: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.expansion.value} by {self.generator}"

    def behind(self, pipeline: Pipeline) -> Pipeline | None:
        # A made-up answer is compared by its vector; searches by words alone have none.
        by_words = pipeline.search.mode is Mode.LEXICAL
        if pipeline.is_late or (by_words and self.expansion is Expansion.HYDE):
            return None
        return replace(pipeline, ask=AskChoice(self.expansion, self.generator))

    def seconds(self, texts: Sequence[str]) -> float:
        if not texts:
            raise InputError("there is nothing to ask about")
        question = " ".join(texts[0].split()[:_WORDS])
        return self.workshop.writer(self.generator).measure(self.expansion, question)

    def money(self, questions: Sequence[str]) -> float:
        if is_local(self.generator):
            return 0.0
        chosen = prompts.load(prompts.name_for(self.generator))
        prompt = {
            Expansion.HYDE: chosen.hyde,
            Expansion.MULTI_QUERY: chosen.multi_query,
            Expansion.DECOMPOSE: chosen.decompose,
        }[self.expansion]
        frame = sum(TOKENIZER.count([prompt.system, prompt.user]))
        read = sum(TOKENIZER.count(list(questions))) + frame * len(questions)
        return affordable(
            self.generator,
            self.allowed,
            read=read,
            written=_WRITTEN * len(questions),
            requests=len(questions),
        )
