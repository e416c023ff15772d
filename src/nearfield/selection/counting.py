"""An encoder that counts what goes through it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nearfield.models.around import EncoderAround
from nearfield.models.vector_cache import key as cache_key
from nearfield.protocols import Encoder, Observer
from nearfield.selection.budget import Clock
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["Counted"]


class Counted(EncoderAround):
    """An encoder that counts what it computes, and what it computed before.

    Attributes
    ----------
    texts, tokens, truncated : int
        That went through the model.
    repeated : int
        Texts that had gone through it before, with the same prompt: always 0 if all is well.
    seconds : float
    """

    def __init__(self, inner: Encoder, clock: Clock = time.perf_counter) -> None:
        super().__init__(inner)
        self.texts = self.tokens = self.truncated = self.repeated = 0
        self.seconds = 0.0
        self._clock = clock
        self._seen: set[bytes] = set()

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        def watch(report: BatchReport) -> None:
            self.tokens += report.tokens
            self.truncated += len(report.truncated)
            if observe is not None:
                observe(report)

        prompt = self.card.prompts.get(Role.of(role), "")
        for text in inputs:
            known = cache_key("", "", prompt + text)
            self.repeated += known in self._seen
            self._seen.add(known)
        begun = self._clock()
        vectors = super().encode(inputs, role=role, observe=watch)
        self.seconds += self._clock() - begun
        self.texts += len(inputs)
        return vectors
