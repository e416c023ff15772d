"""Late interaction: every token of the question finds its nearest token of the passage.

MaxSim (Khattab and Zaharia 2020): the score of a passage is the sum, over the question's tokens, of
the highest cosine to any of the passage's tokens. Word-for-word matches keep their weight, which
one vector a passage averages away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nearfield.errors import InputError, UnsupportedOperation
from nearfield.metric import normalise
from nearfield.protocols import Encoder, TokenEncoder
from nearfield.types import FloatArray, Role, TokenVectors

__all__ = ["LateInteraction", "max_similarity"]


def max_similarity(query: FloatArray, passage: FloatArray) -> float:
    """Mean over the question's tokens of the highest cosine to a token of the passage.

    The mean instead of the paper's sum keeps scores of short and long questions comparable, and
    orders the passages of one question the same.

    Parameters
    ----------
    query : ndarray of float32, shape (tokens, hidden)
    passage : ndarray of float32, shape (tokens, hidden)

    Returns
    -------
    float
        In [-1, 1]; 0 where one side has no token.

    Examples
    --------
    >>> query = np.array([[1, 0], [0, 1]], dtype=np.float32)
    >>> max_similarity(query, np.array([[2, 0], [1, 1]], dtype=np.float32))
    0.853553...
    """
    if len(query) == 0 or len(passage) == 0:
        return 0.0
    cosines = normalise(query) @ normalise(passage).T
    return float(cosines.max(axis=1).astype(np.float64).mean())


class LateInteraction:
    """Reorders passages by MaxSim of a model's token vectors.

    Parameters
    ----------
    encoder : Encoder
        One that also gives the vector of each token.

    Raises
    ------
    UnsupportedOperation
        The model gives one vector a text only.
    """

    def __init__(self, encoder: Encoder) -> None:
        if not isinstance(encoder, TokenEncoder):
            raise UnsupportedOperation(
                f"{encoder.card.name} gives one vector a text: late interaction needs the vectors "
                "of tokens, which transformer models have"
            )
        self._encoder: TokenEncoder = encoder
        self._name = f"late:{encoder.card.name}"

    @property
    def name(self) -> str:
        return self._name

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        """MaxSim of the query with each text, in [-1, 1]."""
        if not query.strip():
            raise InputError("the query is blank: ask something")
        wanted = self._tokens([query], Role.QUERY)[0].vectors
        passages = self._tokens(texts, Role.DOCUMENT)
        scores = [max_similarity(wanted, passage.vectors) for passage in passages]
        return np.array(scores, dtype=np.float32)

    def _tokens(self, texts: Sequence[str], role: Role) -> list[TokenVectors]:
        return self._encoder.encode_tokens(list(texts), role=role)
