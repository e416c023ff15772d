"""A collection's model, which does not read a question again that was just searched for."""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.collection.reader import CollectionReader
from nearfield.protocols import Observer, Tokenizer
from nearfield.types import FloatArray, ModelCard, Role

__all__ = ["AskedEncoder"]


class AskedEncoder:
    """The model of a collection in the role of an encoder.

    Parameters
    ----------
    collection : CollectionReader
        Whose last question is known.
    """

    def __init__(self, collection: CollectionReader) -> None:
        self._collection = collection
        self._encoder = collection.encoder

    @property
    def card(self) -> ModelCard:
        return self._encoder.card

    @property
    def tokenizer(self) -> Tokenizer:
        return self._encoder.tokenizer

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        if len(inputs) == 1 and Role.of(role) is Role.QUERY:
            known = self._collection.asked(inputs[0])
            if known is not None:
                return known[None, :]
        return self._encoder.encode(inputs, role=role, observe=observe)
