"""Trials that show what the model did with an answer that it did not find."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise as neighbours
from typing import cast

import numpy as np

from nearfield.metric import Metric, pairwise
from nearfield.passage import embedding_text
from nearfield.protocols import Encoder
from nearfield.tokenization import WordStatus, inspect
from nearfield.tokenization.cut import Cutter
from nearfield.types import Chunk, FloatArray, Role

__all__ = ["best_of_joined", "best_of_unread", "unknown_words"]

_MOST_TRIED = 64
_HALF = 0.5


def unknown_words(encoder: Encoder, question: str) -> tuple[tuple[str, ...], bool]:
    """Words of a question that the model cannot see, and whether they are half of it or more."""
    tokenizer = encoder.tokenizer
    if not hasattr(tokenizer, "cut"):
        return (), False
    found = inspect(cast("Cutter", tokenizer), question)
    unknown = tuple(word.text for word in found.words if word.status is WordStatus.UNKNOWN)
    return unknown, bool(unknown) and len(unknown) >= _HALF * len(found.words)


def best_of_unread(
    encoder: Encoder, metric: Metric, question: FloatArray, passages: Sequence[Chunk]
) -> float | None:
    """Best score of the ends that the model does not read; None where it reads everything."""
    limit, tokenizer = encoder.card.max_tokens, encoder.tokenizer
    if limit is None or not hasattr(tokenizer, "cut"):
        return None
    prompt = encoder.card.prompts.get(Role.DOCUMENT, "")
    ends = []
    for chunk in passages[:_MOST_TRIED]:
        unread = inspect(
            cast("Cutter", tokenizer), prompt + embedding_text(chunk), max_tokens=limit
        )
        while unread.truncated and unread.cut_text.strip():
            ends.append(unread.cut_text)
            unread = inspect(cast("Cutter", tokenizer), unread.cut_text, max_tokens=limit)
    return _best(encoder, metric, question, ends)


def best_of_joined(
    encoder: Encoder, metric: Metric, question: FloatArray, passages: Sequence[Chunk]
) -> float | None:
    """Best score of two neighbouring passages read as one; None where there are no two."""
    ordered = sorted(passages, key=lambda chunk: (chunk.document_id, chunk.start))
    joined = [
        f"{embedding_text(one)}\n{other.text[max(0, one.end - other.start) :]}"
        for one, other in neighbours(ordered)
        if one.document_id == other.document_id and one.start < other.start
    ]
    return _best(encoder, metric, question, joined[:_MOST_TRIED])


def _best(
    encoder: Encoder, metric: Metric, question: FloatArray, texts: Sequence[str]
) -> float | None:
    if not texts:
        return None
    rows = encoder.encode(list(texts), role=Role.DOCUMENT, observe=lambda _: None)
    sound = rows[np.isfinite(rows).all(axis=1) & rows.any(axis=1)]
    if not len(sound):
        return None
    return float(pairwise(question[None, :], sound, metric).max())
