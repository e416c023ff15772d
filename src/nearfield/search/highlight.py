"""Which sentence of a passage answers the query: the one whose own vector is nearest to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nearfield.documents.sentences import spans
from nearfield.metric import Metric, pairwise
from nearfield.models.paid import PaidEncoder
from nearfield.protocols import Encoder
from nearfield.tokenization.text import word_spans
from nearfield.types import BatchReport, Chunk, Hit, Role

__all__ = ["best_sentences"]

_MOST_SENTENCES = 32
"""Sentences of one passage that are looked at; a longer passage is not read to its end."""


def best_sentences(
    encoder: Encoder, query: str, hits: Sequence[Hit]
) -> list[tuple[int, int] | None]:
    """Find the sentence of each hit that is nearest in meaning to the query.

    Parameters
    ----------
    encoder : Encoder
    query : str
    hits : sequence of Hit

    Returns
    -------
    list of (start, end) or None
        Character offsets into ``hit.chunk.text``, one entry a hit; None where the passage is a
        single sentence, so that marking it would say nothing. With a hosted model, shared words
        decide, and nothing is sent.
    """
    cut = [_sentences(hit.chunk) for hit in hits]
    texts = [hit.chunk.text[a:b] for hit, pieces in zip(hits, cut, strict=True) for a, b in pieces]
    if not texts:
        return [None] * len(hits)
    if isinstance(encoder, PaidEncoder):
        # A mark is not worth sending passages to a provider, and paying for them, once more.
        return [_by_words(query, hit.chunk.text, own) for hit, own in zip(hits, cut, strict=True)]
    wanted = encoder.encode([query], role=Role.QUERY)
    vectors = encoder.encode(texts, role=Role.DOCUMENT, observe=_unheard)
    scores = pairwise(wanted, vectors, Metric.COSINE)[0]
    best: list[tuple[int, int] | None] = []
    at = 0
    for pieces in cut:
        here = scores[at : at + len(pieces)]
        at += len(pieces)
        best.append(pieces[int(np.argmax(here))] if pieces else None)
    return best


def _by_words(query: str, text: str, pieces: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The sentence that shares most words with the query; None where none shares any."""
    asked = _words(query)
    shared = [len(asked & _words(text[a:b])) for a, b in pieces]
    return pieces[shared.index(max(shared))] if any(shared) else None


def _words(text: str) -> set[str]:
    return {text[a:b].casefold() for a, b in word_spans(text)}


def _sentences(chunk: Chunk) -> list[tuple[int, int]]:
    """Sentences that could be the answer: headings are none, they only name the subject."""
    headings = {_plain(title) for title in chunk.headings}
    found = spans(chunk.text)[:_MOST_SENTENCES]
    found = [(a, b) for a, b in found if _plain(chunk.text[a:b]) not in headings]
    return found if len(found) > 1 else []


def _plain(line: str) -> str:
    return line.strip(" \t\n#=*_").casefold()


def _unheard(_: BatchReport) -> None:
    """Truncation is no loss here: a sentence too long to read whole is marked by its beginning."""
