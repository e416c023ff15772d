"""What encoding cost and lost during an evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nearfield.protocols import Encoder
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["Ledger", "Told"]

Told = Callable[[int], None]
"""Takes the number of texts that were encoded so far."""


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
        That went through the model; 0 for vectors out of a cache.
    seconds : float
        Spent in ``encode``.
    told : callable, optional
        Told how many texts are done.
    """

    told: Told | None = None
    texts: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    truncated: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    empty: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    tokens: int = 0
    seconds: float = 0.0

    def encode(
        self, encoder: Encoder, texts: Sequence[str], role: Role = Role.DOCUMENT
    ) -> FloatArray:
        """Encode texts of a role; shape (n, dimension)."""

        def observe(report: BatchReport) -> None:
            self.texts[role] += len(report.indices)
            self.truncated[role] += len(report.truncated)
            self.empty[role] += len(report.empty)
            self.tokens += report.tokens
            if self.told is not None:
                self.told(sum(self.texts.values()))

        begun = time.perf_counter()
        vectors = encoder.encode(texts, role=role, observe=observe)
        self.seconds += time.perf_counter() - begun
        return vectors
