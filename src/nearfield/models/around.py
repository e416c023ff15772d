"""What encoders that stand before another one have in common."""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.protocols import Encoder, Observer, Tokenizer
from nearfield.types import FloatArray, ModelCard, Role

__all__ = ["EncoderAround"]


class EncoderAround:
    """An encoder that hands everything on to another one; subclasses change what they are for.

    Parameters
    ----------
    inner : Encoder
        What computes.
    card : ModelCard, optional
        Where its vectors become others; the inner one's by default.
    """

    def __init__(self, inner: Encoder, card: ModelCard | None = None) -> None:
        self.inner = inner
        self._card = card

    @property
    def card(self) -> ModelCard:
        return self._card or self.inner.card

    @property
    def tokenizer(self) -> Tokenizer:
        return self.inner.tokenizer

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        return self.inner.encode(inputs, role=role, observe=observe)
