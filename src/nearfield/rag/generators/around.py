"""What generators that stand before another one have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from nearfield.protocols import Generator
from nearfield.types import Message, Piece

__all__ = ["GeneratorAround", "Identified"]


@runtime_checkable
class Identified(Protocol):
    """A generator whose name is not all that its text depends on."""

    @property
    def fingerprint(self) -> str:
        """Which weights write, or which server: equal words, equal text."""


class GeneratorAround:
    """A generator that hands everything on to another one; subclasses change what they are for.

    Parameters
    ----------
    inner : Generator
        What writes.
    """

    def __init__(self, inner: Generator) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def fingerprint(self) -> str:
        """That of what writes, or its name where it has none."""
        inner = self.inner
        return inner.fingerprint if isinstance(inner, Identified) else inner.name

    @property
    def context_tokens(self) -> int | None:
        return self.inner.context_tokens

    def count(self, text: str) -> int:
        return self.inner.count(text)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        return self.inner.stream(messages, max_tokens=max_tokens, stop=stop)
