"""What word vectors are known for: nearest words, and analogies by adding vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.errors import InputError, UnsupportedOperation
from nearfield.metric import normalise, top_k
from nearfield.models.static.encoder import StaticEncoder
from nearfield.tokenization import WordTokenizer
from nearfield.types import FloatArray

__all__ = ["Neighbour", "analogy", "neighbours"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word and how near it is.

    Attributes
    ----------
    word : str
        As the list spells it.
    score : float
        Cosine, -1 to 1.
    """

    word: str
    score: float


def neighbours(encoder: StaticEncoder, word: str, k: int = 10) -> list[Neighbour]:
    """Find the words whose vectors are nearest to a word's, the word itself left out.

    Parameters
    ----------
    encoder : StaticEncoder
        Word vectors, such as GloVe or word2vec.
    word : str
        A word of the list.
    k : int
        How many, at least 0.

    Returns
    -------
    list of Neighbour
        Nearest first; exact, over the whole list.

    Raises
    ------
    UnknownName
        The list does not hold the word.
    UnsupportedOperation
        The model's vocabulary is of pieces, not of words.
    """
    return analogy(encoder, [word], [], k)


def analogy(
    encoder: StaticEncoder, positive: Sequence[str], negative: Sequence[str] = (), k: int = 10
) -> list[Neighbour]:
    """Find the words nearest to a sum of words minus others: king - man + woman.

    Each word's vector is scaled to unit length first, and the words that were given are left
    out of the answer (3CosAdd: Mikolov, Yih and Zweig 2013, https://aclanthology.org/N13-1090/;
    Levy and Goldberg 2014, https://aclanthology.org/W14-1618/).

    Parameters
    ----------
    encoder : StaticEncoder
        Word vectors, such as GloVe or word2vec.
    positive, negative : sequence of str
        Words to add and to subtract.
    k : int
        How many, at least 0.

    Returns
    -------
    list of Neighbour
        Nearest first; exact, over the whole list.

    Raises
    ------
    InputError
        No word at all, a bare string, or a negative `k`.
    UnknownName
        The list does not hold one of the words.
    UnsupportedOperation
        The model's vocabulary is of pieces, not of words.
    """
    vocabulary = encoder.tokenizer
    if not isinstance(vocabulary, WordTokenizer):
        raise UnsupportedOperation(
            f"{encoder.card.name} is made of pieces of words, not of whole ones: nearest words "
            "need word vectors such as GloVe or word2vec"
        )
    if isinstance(positive, str) or isinstance(negative, str):
        raise InputError("expected sequences of words, got one string: put it into a list")
    given = [*positive, *negative]
    if not given:
        raise InputError("an analogy needs at least one word")
    signs = np.array([1.0] * len(positive) + [-1.0] * len(negative), dtype=np.float32)
    target = signs @ normalise(np.stack([encoder.word_vector(word) for word in given]))
    scores = _cosines(encoder.rows, target)
    scores[[vocabulary.word_id(word) for word in given]] = -np.inf
    best = top_k(scores, min(k, len(scores) - len({vocabulary.word_id(word) for word in given})))
    return [Neighbour(vocabulary.words[i], float(scores[i])) for i in best]


def _cosines(rows: FloatArray, target: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * np.linalg.norm(target)
    lengths[lengths == 0.0] = 1.0
    scores: FloatArray = (rows @ target) / lengths
    return np.clip(scores, -1.0, 1.0, out=scores)
