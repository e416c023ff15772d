"""The vector of a word where it stands: one for each meaning with a contextual model.

A static model has one row for "bank"; a transformer's last layer has another vector for it
beside a river than beside a loan (Ethayarajh 2019, "How contextual are contextualized word
representations?", https://aclanthology.org/D19-1006/).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from nearfield.errors import InputError, UnsupportedOperation
from nearfield.protocols import Encoder, TokenEncoder
from nearfield.types import FloatArray

__all__ = ["word_in_context"]


def word_in_context(encoder: Encoder, texts: Sequence[str], word: str) -> FloatArray:
    """Return the vector of the first `word` in each text: the mean over its tokens.

    Parameters
    ----------
    encoder : Encoder
        One that shows token vectors (transformers and static models do).
    texts : sequence of str
        Each must hold the word; case does not matter.
    word : str
        One word, or a few that stand together.

    Returns
    -------
    ndarray of float32, shape (len(texts), hidden size)

    Raises
    ------
    InputError
        The word is missing from a text, or the model has no token for it.
    UnsupportedOperation
        The model shows no token vectors.
    """
    if not isinstance(encoder, TokenEncoder):
        raise UnsupportedOperation(f"{encoder.card.name} does not show vectors of single tokens")
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    rows = []
    for text, shown in zip(texts, encoder.encode_tokens(texts), strict=True):
        found = pattern.search(text)
        if found is None:
            raise InputError(f"the word {word!r} does not stand in {text!r}")
        starts, ends = shown.spans[:, 0], shown.spans[:, 1]
        own = (starts < found.end()) & (ends > found.start())
        if not own.any():
            raise InputError(
                f"{encoder.card.name} has no token for {word!r} in {text!r}: the word is unknown "
                f"to it or stands after the {encoder.card.max_tokens} tokens that it reads"
            )
        rows.append(shown.vectors[own].mean(axis=0))
    return np.stack(rows) if rows else np.empty((0, encoder.card.dimension), dtype=np.float32)
