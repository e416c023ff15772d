"""What computes an encoder: the interface that every runtime implements.

A batch is *packed*: the tokens of all its texts in one row, with the borders between them.
A runtime that works on rectangles pads inside itself; one that works on ragged sequences
does not have to. Everything around it (tokenising, batching, pooling) is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from nearfield.models.precision import Precision
from nearfield.types import FloatArray, IntArray

__all__ = [
    "PooledRuntime",
    "Precision",
    "Runtime",
    "TokenBatch",
    "pack",
    "pad",
    "unpad",
]


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Several tokenised texts, packed.

    Attributes
    ----------
    ids : ndarray of int64, shape (tokens,)
        The texts' token ids, one text after the other.
    borders : ndarray of int64, shape (texts + 1,)
        Text i has the tokens ``ids[borders[i]:borders[i + 1]]``; none for an empty text of a
        vocabulary without special tokens.
    """

    ids: IntArray
    borders: IntArray

    @property
    def lengths(self) -> IntArray:
        """Tokens of each text, shape (texts,)."""
        return np.diff(self.borders)


@runtime_checkable
class Runtime(Protocol):
    """Computes the contextual vector of every token."""

    @property
    def name(self) -> str:
        """Such as ``onnxruntime``."""

    @property
    def precision(self) -> Precision:
        """The class of its results."""

    @property
    def max_batch_tokens(self) -> int:
        """The batch size, in tokens after padding, at which it works best."""

    def hidden_states(self, batch: TokenBatch) -> FloatArray:
        """Last hidden state of each token, packed like the batch: (tokens, hidden)."""


@runtime_checkable
class PooledRuntime(Protocol):
    """Computes one vector a text by itself, pooling included."""

    @property
    def name(self) -> str:
        """Such as ``onnxruntime``."""

    @property
    def precision(self) -> Precision:
        """The class of its results."""

    @property
    def max_batch_tokens(self) -> int:
        """The batch size, in tokens after padding, at which it works best."""

    def sentences(self, batch: TokenBatch) -> FloatArray:
        """One vector for each text: (texts, dimension)."""


def pack(texts: Sequence[IntArray]) -> TokenBatch:
    """Put tokenised texts into one row.

    Examples
    --------
    >>> batch = pack([np.array([5, 6]), np.array([7])])
    >>> batch.ids.tolist(), batch.borders.tolist()
    ([5, 6, 7], [0, 2, 3])
    """
    borders = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(ids) for ids in texts], out=borders[1:])
    return TokenBatch(np.concatenate(texts).astype(np.int64, copy=False), borders)


def pad(
    batch: TokenBatch, padding_id: int, *, multiple: int = 1, longest: int | None = None
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Lay a batch out as a rectangle.

    Parameters
    ----------
    batch : TokenBatch
    padding_id : int
        Fills each row behind its text.
    multiple : int
        The width is rounded up to a multiple of this …
    longest : int, optional
        … but not beyond this, the rows of the model's table of positions.

    Returns
    -------
    ids : ndarray of int64, shape (texts, width)
    given : ndarray of bool, shape (texts, width)
        True where a token is a text's own.

    Examples
    --------
    >>> ids, given = pad(pack([np.array([5, 6]), np.array([7])]), 0, multiple=4)
    >>> ids.tolist()
    [[5, 6, 0, 0], [7, 0, 0, 0]]
    """
    lengths = batch.lengths
    needed = max(1, int(lengths.max()))
    width = -(-needed // multiple) * multiple
    if longest is not None:
        width = max(needed, min(width, longest))
    given = np.arange(width) < lengths[:, None]
    ids = np.full(given.shape, padding_id, dtype=np.int64)
    ids[given] = batch.ids
    return ids, given


def unpad(states: FloatArray, given: npt.NDArray[np.bool_]) -> FloatArray:
    """Undo :func:`pad` on a runtime's output: (texts, width, hidden) to (tokens, hidden)."""
    if given.all():
        return states.reshape(-1, states.shape[-1])
    return states[given]
