"""Cutting documents into passages with exact offsets.

Every chunker is one answer to the question where to cut; what they share stands beside them:
``settings`` (limits), ``ruler`` (lengths), ``boundaries`` and ``graphemes`` (where one may
cut), ``pack`` (which pieces go together), ``outline`` (headings and pages), ``passages``
(the steps from a document to its chunks) and ``base`` (what chunkers without a model share).
"""

from __future__ import annotations

from typing import Protocol, cast

from nearfield.documents.chunkers.settings import (
    DEFAULT_CHARACTERS,
    DEFAULT_TOKENS,
    ChunkSettings,
    default_size,
)
from nearfield.protocols import Chunker, Encoder, Tokenizer
from nearfield.registry import CHUNKERS

__all__ = [
    "DEFAULT_CHARACTERS",
    "DEFAULT_CHUNKER",
    "DEFAULT_TOKENS",
    "ChunkSettings",
    "ChunkerFactory",
    "make",
]

DEFAULT_CHUNKER = "recursive"


class ChunkerFactory(Protocol):
    """What the registry's entries for chunkers offer."""

    def make(
        self,
        *,
        tokenizer: Tokenizer | None,
        encoder: Encoder | None,
        size: int,
        overlap: int,
    ) -> Chunker:
        """Build a chunker; parts that it has no use for are passed over."""


def make(
    name: str = DEFAULT_CHUNKER,
    *,
    tokenizer: Tokenizer | None = None,
    encoder: Encoder | None = None,
    size: int | None = None,
    overlap: int = 0,
) -> Chunker:
    """Build a chunker by name.

    Parameters
    ----------
    name : str
        A name of :data:`nearfield.registry.CHUNKERS`.
    tokenizer : Tokenizer, optional
        Whose tokens `size` and `overlap` count; the encoder's when there is an encoder, and
        characters when there is neither.
    encoder : Encoder, optional
        Needed by ``semantic`` alone.
    size : int, optional
        Longest passage: 200 tokens or 1,000 characters by default.
    overlap : int
        Most that a passage repeats of the one before it, 0 ≤ overlap < size.

    Returns
    -------
    Chunker

    Raises
    ------
    UnknownName
        No chunker has that name; suggests neighbours.
    InputError
        The limits contradict each other, or ``semantic`` has no encoder.

    Examples
    --------
    >>> make("sentences", size=300).spec
    'sentences(size=300, overlap=0, unit=characters)'
    """
    factory = cast("ChunkerFactory", CHUNKERS.load(name))
    if tokenizer is None and encoder is not None:
        tokenizer = encoder.tokenizer
    return factory.make(
        tokenizer=tokenizer,
        encoder=encoder,
        size=default_size(tokenizer) if size is None else size,
        overlap=overlap,
    )
