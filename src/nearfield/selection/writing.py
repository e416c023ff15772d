"""What a generator makes of questions: written once, kept on this machine, and timed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearfield.collection.asking import Expansion
from nearfield.protocols import Generator
from nearfield.rag import prompts
from nearfield.rag.generators.around import GeneratorAround
from nearfield.rag.questions import expand
from nearfield.rag.remembering import RememberingGenerator
from nearfield.selection.budget import Clock
from nearfield.types import Message, Piece

__all__ = ["Writer", "Written"]

_TIMED = 3
"""Texts that are written again where none was new, because a question's time is asked for."""


class Written(NamedTuple):
    """What to search for, and the seconds that writing it takes."""

    texts: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Writer:
    """Expands questions by one generator.

    Parameters
    ----------
    generator : Generator
    clock : callable
        Seconds.
    path : Path, optional
        Where texts are kept; a file of this machine's cache by default.
    """

    generator: Generator
    clock: Clock
    path: Path | None = None
    _known: dict[tuple[Expansion, str], Written] = field(default_factory=dict)
    _seconds: dict[Expansion, list[float]] = field(default_factory=dict)

    def expand(self, expansion: Expansion, question: str) -> Written:
        """What to search for, from the cache where it is there.

        A text of the cache takes no time, a user's question does: it counts as long as others took,
        and a few are written again where none was new.
        """
        key = (expansion, question)
        if key not in self._known:
            counting = _Counting(self.generator)
            texts, seconds = self._timed(
                expansion, question, RememberingGenerator(counting, self.path)
            )
            taken = self._seconds.setdefault(expansion, [])
            if counting.asked:
                taken.append(seconds)
            elif len(taken) < _TIMED:
                taken.append(self.measure(expansion, question))
            if not counting.asked:
                seconds = float(np.median(taken))
            self._known[key] = Written(texts, seconds)
        return self._known[key]

    def measure(self, expansion: Expansion, question: str) -> float:
        """Seconds that writing takes now; what is written is not kept."""
        return self._timed(expansion, question, self.generator)[1]

    def _timed(
        self, expansion: Expansion, question: str, generator: Generator
    ) -> tuple[tuple[str, ...], float]:
        chosen = prompts.load(prompts.name_for(self.generator.name))
        begun = self.clock()
        texts = expand(question, expansion, generator, chosen)
        return texts, self.clock() - begun


class _Counting(GeneratorAround):
    """A generator that knows whether it was asked."""

    def __init__(self, inner: Generator) -> None:
        super().__init__(inner)
        self.asked = 0

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        self.asked += 1
        return super().stream(messages, max_tokens=max_tokens, stop=stop)
