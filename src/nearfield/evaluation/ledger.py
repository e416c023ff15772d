"""What encoding cost and lost during an evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nearfield.protocols import Encoder
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["Ledger", "Told"]

Told = Callable[[int, int], None]
"""Takes the number of texts that were encoded so far, and of all that will be."""


@dataclass(slots=True)
class Ledger:
    """Encodes, and keeps count of what was cut, empty, and how long it took.

    Long documents are cut at the model's limit, as in every published figure; that is counted here
    and is no reason to warn.

    Attributes
    ----------
    texts, truncated, empty : dict of Role to int
        By role; empty texts have no token that the model knows.
    tokens : int
        That went through the model.
    cached : int
        Texts whose vectors came out of a cache.
    seconds : float
        Spent in ``encode``.
    told : callable, optional
        Told how many texts are done.
    expected : int
        How many there will be.
    """

    told: Told | None = None
    texts: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    truncated: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    empty: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    tokens: int = 0
    cached: int = 0
    expected: int = 0
    seconds: float = 0.0

    def expect(self, count: int) -> None:
        """Say how many texts will be encoded in all."""
        self.expected = count

    def encode(
        self, encoder: Encoder, texts: Sequence[str], role: Role = Role.DOCUMENT
    ) -> FloatArray:
        """Encode texts of a role; shape (n, dimension)."""

        def observe(report: BatchReport) -> None:
            self.texts[role] += len(report.indices)
            self.truncated[role] += len(report.truncated)
            self.empty[role] += len(report.empty)
            self.tokens += report.tokens
            self.cached += len(report.indices) - len(report.empty) if not report.tokens else 0
            if self.told is not None:
                done = sum(self.texts.values())
                self.told(done, max(done, self.expected))

        begun = time.perf_counter()
        vectors = encoder.encode(texts, role=role, observe=observe)
        self.seconds += time.perf_counter() - begun
        return vectors
