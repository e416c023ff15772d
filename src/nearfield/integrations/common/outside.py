"""Vectors that a host makes, and how the model behind them is known again.

A host's embedding is any object that turns texts into lists of numbers; it has no fingerprint. So
one fixed sentence is embedded when a collection is made and kept with it. Whoever opens the
collection with an embedding that puts this sentence elsewhere is refused: same dimension is not
the same space.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from nearfield.errors import DimensionMismatch, InputError, UnsupportedOperation
from nearfield.metric import normalise
from nearfield.models.card import fingerprint
from nearfield.protocols import Observer, Tokenizer
from nearfield.types import BatchReport, FloatArray, ModelCard, Role

__all__ = ["OUTSIDE", "Embed", "OutsideEncoder"]

OUTSIDE = "outside"
"""Property of a collection whose vectors come from outside."""

_PROBE = "probe"
_DIMENSION = "dimension"
_PROBED = "The quick brown fox jumps over the lazy dog."
_SAME = 0.999
"""Least cosine of one sentence embedded twice: hosted models differ a little from call to call."""

Embed: TypeAlias = Callable[[list[str]], Sequence[Sequence[float]]]


class OutsideEncoder:
    """An encoder whose vectors are made by a host, or only handed over by it.

    Parameters
    ----------
    card : ModelCard
    documents, queries : callable, optional
        Embed texts of either role; None where vectors are only handed over.
    probe : sequence of float
        Vector of the fixed sentence; empty where nothing can be embedded.
    """

    def __init__(
        self,
        card: ModelCard,
        documents: Embed | None = None,
        queries: Embed | None = None,
        probe: Sequence[float] = (),
    ) -> None:
        self._card = card
        self._documents = documents
        self._queries = queries
        self._probe = tuple(probe)

    @classmethod
    def probed(cls, name: str, documents: Embed, queries: Embed) -> OutsideEncoder:
        """An encoder of functions that embed; embeds one sentence to know them again.

        Parameters
        ----------
        name : str
            As stats and errors call the model.
        documents, queries : callable
        """
        (row,) = _rows(documents([_PROBED]), 1, name)
        probe = [round(float(value), 5) for value in row]
        identity = fingerprint({OUTSIDE: name, _DIMENSION: len(row), _PROBE: json.dumps(probe)})
        card = ModelCard(name, len(row), None, identity, False)
        return cls(card, documents, queries, probe)

    @classmethod
    def handed(cls, name: str, dimension: int) -> OutsideEncoder:
        """An encoder that cannot embed: the host hands vectors over and says whose they are."""
        if dimension < 1:
            raise InputError(f"dimension is {dimension}: expected at least 1")
        identity = fingerprint({OUTSIDE: name, _DIMENSION: dimension})
        return cls(ModelCard(name, dimension, None, identity, False))

    @classmethod
    def stored(cls, properties: Mapping[str, str], dimension: int, identity: str) -> OutsideEncoder:
        """The encoder that a collection remembers; it can be searched by vectors only."""
        card = ModelCard(properties["encoder"], dimension, None, identity, False)
        return cls(card, probe=json.loads(properties.get(_PROBE, "[]")))

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def properties(self) -> dict[str, str]:
        """What a collection keeps, to know this encoder again."""
        return {OUTSIDE: "true", _PROBE: json.dumps(self._probe)}

    @property
    def tokenizer(self) -> Tokenizer:
        raise UnsupportedOperation(
            f"{self._card.name} belongs to a host, so its vocabulary is not known here: cut texts "
            "in the host, or use a model of Nearfield"
        )

    def recognised(self, properties: Mapping[str, str], identity: str) -> OutsideEncoder:
        """Itself under a collection's fingerprint, where both put the probe at one place.

        Elsewhere it stays as it is, and the collection refuses it.
        """
        known = np.array([json.loads(properties.get(_PROBE, "[]"))], dtype=np.float32)
        mine = np.array([self._probe], dtype=np.float32)
        if not mine.size or known.shape != mine.shape:
            return self
        cosine = float((normalise(known) @ normalise(mine).T)[0, 0])
        if cosine < _SAME:
            return self
        card = replace(self._card, fingerprint=identity)
        return OutsideEncoder(card, self._documents, self._queries, known[0].tolist())

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        embed = self._queries if Role.of(role) is Role.QUERY else self._documents
        if embed is None:
            raise UnsupportedOperation(
                f"the vectors of this collection were handed over by a host ({self._card.name}), "
                "and nothing here can embed a text the same way: hand over a vector, or search by "
                "words (mode 'lexical')"
            )
        if isinstance(inputs, str):
            raise InputError("inputs is one string: give a list of strings")
        texts = list(inputs)
        rows = _rows(embed(texts), len(texts), self._card.name) if texts else np.empty((0, 0))
        if texts and rows.shape[1] != self._card.dimension:
            raise DimensionMismatch(
                f"{self._card.name} gave vectors of {rows.shape[1]} components, and "
                f"{self._card.dimension} before: is it still the same model?"
            )
        if observe is not None and texts:
            observe(BatchReport(tuple(range(len(texts))), tokens=0))
        found: FloatArray = rows.reshape(len(texts), self._card.dimension).astype(np.float32)
        return found


def _rows(embedded: Sequence[Sequence[float]], expected: int, name: str) -> FloatArray:
    rows = np.asarray(embedded, dtype=np.float32)
    if rows.ndim != 2 or len(rows) != expected or not rows.shape[1]:
        raise InputError(
            f"{name} gave an array of shape {rows.shape} for {expected} text(s): expected one "
            "vector of equal length for each"
        )
    return rows
