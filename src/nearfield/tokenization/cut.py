"""What tokenizers return: one text in full detail, or a batch as a model reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.protocols import Tokenizer
from nearfield.types import IntArray

__all__ = ["Cut", "Cutter", "Pair", "Prepared", "Vocabulary", "room_for_text"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch of texts as token ids, ready for a model.

    Attributes
    ----------
    ids : list of ndarray of int64, each of shape (tokens,)
        Special tokens included where they were asked for, truncated to the limit.
    truncated : tuple of int
        Positions of the texts whose tails were cut off, ascending.
    empty : tuple of int
        Positions of the texts without a token of their own, ascending.
    """

    ids: list[IntArray]
    truncated: tuple[int, ...]
    empty: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts as one sequence, as a cross-encoder reads them.

    Attributes
    ----------
    ids : ndarray of int64, shape (tokens,)
        Special tokens included.
    types : ndarray of int64, shape (tokens,)
        0 for the first text and what surrounds it, 1 for the second where the model tells them
        apart.
    """

    ids: IntArray
    types: IntArray


@dataclass(frozen=True, slots=True)
class Cut:
    """One text, cut into tokens.

    Attributes
    ----------
    tokens : list of str
        As the vocabulary spells them.
    ids : ndarray of int64, shape (tokens,)
        Numbers in the vocabulary; a word list gives -1 to a word that it does not hold.
    spans : ndarray of int64, shape (tokens, 2)
        Character offsets, half open; (0, 0) for special tokens.
    special : ndarray of bool, shape (tokens,)
        Whether the model's template added the token.
    groups : ndarray of int64, shape (tokens,)
        Number of the pre-token that the token came from, -1 for special tokens.
    words : ndarray of int64, shape (words, 2), or None
        Character offsets of words, where the tokenizer has a notion of its own.
    """

    tokens: list[str]
    ids: IntArray
    spans: IntArray
    special: npt.NDArray[np.bool_]
    groups: IntArray
    words: IntArray | None = None


class Cutter(Protocol):
    """What inspection needs of a tokenizer."""

    @property
    def unknown_id(self) -> int | None:
        """Id of the token that stands for everything unknown; None when there is none."""

    def cut(self, text: str) -> Cut:
        """Cut one text in full detail, special tokens included."""


class Vocabulary(Tokenizer, Cutter, Protocol):
    """A tokenizer that also numbers its tokens, as models need them."""

    @property
    def vocabulary_size(self) -> int:
        """Number of entries; every id is smaller."""

    def prepare(
        self, texts: Sequence[str], *, max_tokens: int | None = None, special: bool = True
    ) -> Prepared:
        """Cut texts into ids, with or without special tokens, up to a limit."""


def room_for_text(max_tokens: int | None, special: int) -> int | None:
    """How many of a text's own tokens fit, or None when there is no limit.

    Raises
    ------
    InputError
        The limit leaves no room for a single token.
    """
    if max_tokens is None:
        return None
    if max_tokens <= special:
        raise InputError(
            f"max_tokens is {max_tokens}, but {special} special tokens are added to each text: "
            f"it must be at least {special + 1}"
        )
    return max_tokens - special
