"""Why a passage was found: what its meaning and each of its words add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearfield.lexical import Explanation
from nearfield.protocols import Encoder
from nearfield.search.options import Mode, SearchOptions
from nearfield.search.pipeline import Question, find
from nearfield.stores.local import LocalStore
from nearfield.types import Hit, Role

__all__ = ["Reasons", "explain"]


@dataclass(frozen=True, slots=True)
class Reasons:
    """One hit and what made it one.

    Attributes
    ----------
    hit : Hit
    similarity : float
        Of the question's vector and the passage's, by the collection's metric.
    words : Explanation
        BM25, word by word.
    """

    hit: Hit
    similarity: float
    words: Explanation


def explain(
    store: LocalStore, encoder: Encoder, question: str, options: SearchOptions
) -> list[Reasons]:
    """Search, and say of each hit how near it is and what each word adds.

    Parameters
    ----------
    store : LocalStore
    encoder : Encoder
    question : str
    options : SearchOptions
        Of the modes dense, lexical and hybrid.
    """
    vector = encoder.encode([question], role=Role.QUERY)[0]
    asked = Question(question, None if options.mode is Mode.LEXICAL else vector)
    with store.view() as view:
        hits = find(view, asked, options)
        keys = view.keys([hit.chunk.id for hit in hits])
        similarities = view.scores(vector, keys)
        words = view.explain_words(question, np.asarray(keys))
    return [
        Reasons(hit, similarity, said)
        for hit, similarity, said in zip(hits, similarities.tolist(), words, strict=True)
    ]
