"""A collection's model, which does not read a question again that was just searched for."""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.collection.reader import CollectionReader
from nearfield.models.around import EncoderAround
from nearfield.protocols import Observer
from nearfield.types import FloatArray, Role

__all__ = ["AskedEncoder"]


class AskedEncoder(EncoderAround):
    """The model of a collection in the role of an encoder.

    Parameters
    ----------
    collection : CollectionReader
        Whose last question is known.
    """

    def __init__(self, collection: CollectionReader) -> None:
        super().__init__(collection.encoder)
        self._collection = collection

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
        return super().encode(inputs, role=role, observe=observe)
