"""Learned sparse vectors (SPLADE): a weight for every word piece of the vocabulary, mostly zero.

A masked-language model says for each token which word pieces could stand there; the highest of
these logits over all tokens, flattened by ``log(1 + max(0, x))``, is a text's weight for that piece
(Formal, Piwowarski and Clinchant 2021). Words that a text implies and does not contain get weights,
too; an index of words finds them as it finds BM25's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.models import resolve
from nearfield.models.card import fingerprint
from nearfield.models.transformer import loading, weights
from nearfield.models.transformer.encoder import TransformerEncoder
from nearfield.types import FloatArray, IntArray, Role

__all__ = ["DEFAULT_SPARSE", "SparseEncoder", "SparseVector", "load"]

DEFAULT_SPARSE = "splade-tiny"
_HEAD = "cls.predictions."
_PARTS = {
    "widen.weight": "transform.dense.weight",
    "widen.bias": "transform.dense.bias",
    "norm.weight": "transform.LayerNorm.weight",
    "norm.bias": "transform.LayerNorm.bias",
    "bias": "bias",
}
_NORM_EPSILON = 1e-12
# Tokens whose logits are held at once: 512 rows of 30,522 float32 are 62 MB.
_TOKENS = 512


@dataclass(frozen=True, slots=True)
class SparseVector:
    """The non-zero weights of one text.

    Attributes
    ----------
    terms : ndarray of int64, shape (n,)
        Numbers in the vocabulary, ascending.
    weights : ndarray of float32, shape (n,)
        Positive.
    """

    terms: IntArray
    weights: FloatArray

    def dot(self, other: SparseVector) -> float:
        """Sum of the products of common terms.

        Examples
        --------
        >>> a = SparseVector(np.array([1, 5]), np.array([2.0, 1.0], dtype=np.float32))
        >>> b = SparseVector(np.array([5, 9]), np.array([3.0, 1.0], dtype=np.float32))
        >>> a.dot(b)
        3.0
        """
        _, here, there = np.intersect1d(
            self.terms, other.terms, assume_unique=True, return_indices=True
        )
        return float(self.weights[here].astype(np.float64) @ other.weights[there])


class SparseEncoder:
    """Turns texts into :class:`SparseVector`; made by :func:`load`.

    Parameters
    ----------
    encoder : TransformerEncoder
        What comes below the head.
    words : ndarray of float32, shape (vocabulary, hidden)
        The table of words, which the head uses once more.
    head : mapping of str to ndarray of float32
        By the names of ``_PARTS``.
    """

    def __init__(
        self, encoder: TransformerEncoder, words: FloatArray, head: dict[str, FloatArray]
    ) -> None:
        self.card = encoder.card
        self.tokenizer = encoder.tokenizer
        self.fingerprint = fingerprint({"kind": "splade", "encoder": encoder.card.fingerprint})
        self.vocabulary_size = len(words)
        self._encoder = encoder
        self._words = words
        self._head = head

    def __repr__(self) -> str:
        return f"SparseEncoder({self.card.name!r}, {self.vocabulary_size} terms)"

    def encode(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> list[SparseVector]:
        """Encode texts; an empty text has the weights of its special tokens alone."""
        found: list[SparseVector | None] = [None] * len(inputs)
        for batch, states in self._encoder.contextual(inputs, role=role):
            borders = batch.tokens.borders
            for first, last in _groups(borders):
                highest = self._highest(
                    states[borders[first] : borders[last]], borders[first:last] - borders[first]
                )
                for row, position in enumerate(batch.positions[first:last].tolist()):
                    found[position] = _positive(highest[row])
        return [vector for vector in found if vector is not None]

    def explain(self, vector: SparseVector, most: int = 20) -> list[tuple[str, float]]:
        """The heaviest terms as the vocabulary spells them, with their weights."""
        order = np.argsort(-vector.weights, kind="stable")[:most]
        names = self.tokenizer.names(vector.terms[order])
        return list(zip(names, vector.weights[order].tolist(), strict=True))

    def _highest(self, states: FloatArray, starts: IntArray) -> FloatArray:
        """The highest logit of each term in each text, shape (texts, vocabulary)."""
        if len(states) <= _TOKENS:
            return np.maximum.reduceat(self._logits(states), starts, axis=0)
        # A single long text: its tokens in turns.
        highest = np.full((1, self.vocabulary_size), -np.inf, dtype=np.float32)
        for start in range(0, len(states), _TOKENS):
            logits = self._logits(states[start : start + _TOKENS])
            np.maximum(highest, logits.max(axis=0), out=highest)
        return highest

    def _logits(self, states: FloatArray) -> FloatArray:
        head = self._head
        wide = _gelu(states @ head["widen.weight"].T + head["widen.bias"])
        centred = wide - wide.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + _NORM_EPSILON)
        normed = centred / spread * head["norm.weight"] + head["norm.bias"]
        logits: FloatArray = normed.astype(np.float32) @ self._words.T + head["bias"]
        return logits


def load(name: str | Path = DEFAULT_SPARSE) -> SparseEncoder:
    """Find a SPLADE model by name or folder and open it.

    Raises
    ------
    ModelNotInstalled, UnknownName, HashMismatch
        As :func:`nearfield.models.resolve.load`.
    UnsupportedModel
        The folder has no BERT encoder with a masked-language head in safetensors.
    """
    location = resolve.locate(name)
    resolve.check(location)
    encoder = loading.load(location.path, name=location.name, precision="exact", pooling="mean")
    tensors = weights.open_tensors(location.path)
    head = {ours: _tensor(tensors, _HEAD + theirs) for ours, theirs in _PARTS.items()}
    prefix = "bert." if "bert.embeddings.word_embeddings.weight" in tensors.stored else ""
    words = _tensor(tensors, f"{prefix}embeddings.word_embeddings.weight")
    return SparseEncoder(encoder, words, head)


def _tensor(tensors: weights.Tensors, name: str) -> FloatArray:
    found = weights.spelled(name, tensors)
    if found is None:
        raise UnsupportedModel(
            f"there is no tensor {name}: a SPLADE model has the head of a masked-language model"
        )
    # A file may begin its numbers at odd addresses, which makes products many times slower.
    return np.require(tensors[found], np.float32, ["C_CONTIGUOUS", "ALIGNED"])


def _groups(borders: IntArray) -> Iterator[tuple[int, int]]:
    """Consecutive texts that together have at most _TOKENS tokens; a longer text stands alone."""
    first = 0
    for last in range(1, len(borders)):
        is_final = last == len(borders) - 1
        if is_final or borders[last + 1] - borders[first] > _TOKENS:
            yield first, last
            first = last


def _positive(logits: FloatArray) -> SparseVector:
    terms = np.flatnonzero(logits > 0)
    return SparseVector(terms, np.log1p(logits[terms]))


def _gelu(x: FloatArray) -> FloatArray:
    """Exact GELU; the error function by Abramowitz and Stegun 7.1.26, off by at most 1.5e-7."""
    z = np.abs(x) / np.float32(np.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * z)
    polynomial = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(x) * (1.0 - polynomial * np.exp(-z * z))
    return np.asarray(0.5 * x * (1.0 + erf), dtype=np.float32)
