"""Passages that end where the subject changes, as an embedding model sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from nearfield.documents.chunkers import passages
from nearfield.documents.chunkers.boundaries import Piece, pieces
from nearfield.documents.chunkers.outline import marks
from nearfield.documents.chunkers.pack import cut_penalties, pack
from nearfield.documents.chunkers.ruler import ruler_for
from nearfield.documents.chunkers.settings import ChunkSettings, describe
from nearfield.errors import InputError
from nearfield.protocols import Encoder, Tokenizer
from nearfield.types import BatchReport, Chunk, Document, FloatArray

__all__ = ["SemanticChunker"]

# Sentences on each side of a place that are compared: one alone is too short to judge by.
_WINDOW = 3
# What a cut costs where the text is most alike on both sides, in the unit of pack's badness.
_WEIGHT = 1.0


class SemanticChunker:
    """Choose cuts by the drop in similarity between the sentences before and after.

    All sentences of a document are encoded in one call. Every place between two of them is
    ranked by the cosine of the three before and the three after it, and the ranks join the
    other costs of a cut, so passages stay within the size, full and even
    (:mod:`nearfield.documents.chunkers.pack`).

    Parameters
    ----------
    encoder : Encoder
        Whose vectors tell what sentences are about, and whose tokens are counted.
    settings : ChunkSettings, optional
        200 tokens; no overlap.
    """

    def __init__(self, encoder: Encoder, settings: ChunkSettings | None = None) -> None:
        self.encoder = encoder
        self.tokenizer = encoder.tokenizer
        self.settings = settings or ChunkSettings()

    @classmethod
    def make(
        cls,
        *,
        tokenizer: Tokenizer | None,
        encoder: Encoder | None,
        size: int,
        overlap: int,
    ) -> Self:
        """Build one from what :func:`nearfield.documents.chunkers.make` was given.

        Raises
        ------
        InputError
            There is no encoder, or another tokenizer than the encoder's.
        """
        if encoder is None:
            raise InputError("the semantic chunker compares vectors: give it an encoder")
        if tokenizer is not None and tokenizer.fingerprint != encoder.tokenizer.fingerprint:
            raise InputError(
                f"the semantic chunker counts its encoder's tokens ({encoder.card.name}, tokenizer "
                f"{encoder.tokenizer.fingerprint[:8]}), not those of tokenizer "
                f"{tokenizer.fingerprint[:8]}: leave the tokenizer out"
            )
        return cls(encoder, ChunkSettings(size, overlap))

    @property
    def spec(self) -> str:
        fingerprint = self.encoder.card.fingerprint[:8]
        return describe("semantic", self.settings, self.tokenizer, encoder=fingerprint)

    def chunk(self, document: Document) -> list[Chunk]:
        text, settings = document.text, self.settings
        ruler = ruler_for(text, self.tokenizer)
        room = settings.size - settings.overlap
        marked = marks(document)
        parts = pieces(text, passages.marked_sentences(text, marked), marked.starts, ruler, room)
        penalties = cut_penalties(parts, marked.heading_ends) + self._likeness(text, parts)
        spans = passages.with_overlap(
            text, pack(parts, ruler, room, penalties), parts, ruler, settings.overlap
        )
        return passages.chunks(document, spans, self.tokenizer, settings.size)

    def _likeness(self, text: str, parts: Sequence[Piece]) -> FloatArray:
        """Rank of each cut's similarity, in [0, weight]: 0 where the subject changes most."""
        if len(parts) < 3:
            return np.zeros(len(parts), dtype=np.float32)
        vectors = self.encoder.encode(
            [text[part.start : part.end] for part in parts], observe=_disregard
        )
        similarities = window_similarities(vectors, _WINDOW)
        ranks = np.empty(len(parts) - 1, dtype=np.float32)
        ranks[np.argsort(similarities, kind="stable")] = np.linspace(0, _WEIGHT, len(parts) - 1)
        return np.concatenate([np.zeros(1, dtype=np.float32), ranks])


def _disregard(report: BatchReport) -> None:
    """Pass over truncations: a long sentence's unread tail moves a cut, and loses nothing."""


def window_similarities(vectors: FloatArray, window: int) -> FloatArray:
    """Cosine of the mean vectors of the `window` rows before and after each inner place.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, dim)
        n ≥ 1.
    window : int
        Rows on each side, fewer at the edges.

    Returns
    -------
    ndarray of float32, shape (n - 1,)
        In [-1, 1]; 0 where a side has no direction.

    Examples
    --------
    >>> rows = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    >>> window_similarities(rows, 1).tolist()
    [1.0, 0.0, 1.0]
    """
    count = len(vectors)
    sums = np.zeros((count + 1, vectors.shape[1]), dtype=np.float64)
    np.cumsum(vectors, axis=0, out=sums[1:])
    places = np.arange(1, count)
    left = sums[places] - sums[np.maximum(places - window, 0)]
    right = sums[np.minimum(places + window, count)] - sums[places]
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    products = np.einsum("nd,nd->n", left, right)
    cosines = np.divide(products, norms, out=np.zeros(len(places)), where=norms > 0)
    return np.ascontiguousarray(cosines, dtype=np.float32)
