"""What a reader finds in the best passages: whether they answer, and the words that do.

The reader has learned from English questions, so only these are read, with English passages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nearfield.models.reading import PassageReader, Reading
from nearfield.rag.extractive import Choice
from nearfield.rag.sentences import Sentence, sentences_of
from nearfield.types import Chunk, Hit

__all__ = ["READ", "PassageRead", "read_passages", "short_answer"]

READ = 1
"""Passages that are read.

A second one brought nothing on held-out articles: AUROC 0.771 and 0.777 on four of them, 0.799 and
0.794 on eight others, F1 0.57 and 0.57, 0.60 and 0.57.
"""

_WORD = re.compile(r"[a-z]+")
_ASKS = frozenset({
    "what", "who", "whom", "whose", "which", "when", "where", "why", "how", "does", "did", "are",
    "were", "the", "this", "that", "with", "from", "have", "has",
})  # fmt: skip
_TELLS = frozenset({"the", "and", "of", "is", "to", "was", "are"})


@dataclass(frozen=True, slots=True)
class PassageRead:
    """A passage and what was read in it."""

    chunk: Chunk
    reading: Reading


def read_passages(
    question: str,
    hits: Sequence[Hit],
    best: Sequence[Choice],
    reader: Callable[[], PassageReader],
) -> list[PassageRead]:
    """Read a question with the passages that hold the best sentences, then with the best hits.

    Parameters
    ----------
    question : str
    hits : sequence of Hit
    best : sequence of Choice
    reader : callable
        Gives the reader; not called where nothing is to be read.

    Returns
    -------
    list of PassageRead
        At most :data:`READ`; none where the question or the passages are not English.
    """
    if not _holds(question, _ASKS):
        return []
    chunks = [choice.sentence.chunk for choice in best] + [hit.chunk for hit in hits]
    english = (chunk for chunk in _once(chunks) if _holds(chunk.text, _TELLS))
    chosen = [chunk for chunk, _ in zip(english, range(READ), strict=False)]
    if not chosen:
        return []
    readings = reader().read(question, [chunk.text for chunk in chosen])
    return [PassageRead(chunk, read) for chunk, read in zip(chosen, readings, strict=True)]


def short_answer(read: Sequence[PassageRead]) -> tuple[Sentence, str] | None:
    """The best words of all passages, and the sentence in which they begin; None without any."""
    for each in sorted(read, key=lambda each: -each.reading.margin):
        start, end = each.reading.start, each.reading.end
        for sentence in sentences_of([each.chunk]):
            if start < end and sentence.start <= start < sentence.end:
                return sentence, each.chunk.text[start : min(end, sentence.end)]
    return None


def _once(chunks: Iterable[Chunk]) -> Iterable[Chunk]:
    seen: set[str] = set()
    for chunk in chunks:
        if chunk.id not in seen:
            seen.add(chunk.id)
            yield chunk


def _holds(text: str, words: frozenset[str]) -> bool:
    return not words.isdisjoint(_WORD.findall(text.lower()))
