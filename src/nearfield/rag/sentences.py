"""Sentences of passages, each with its place in one stored chunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nearfield.documents.sentences import spans
from nearfield.types import BatchReport, Chunk

__all__ = ["Sentence", "sentences_of", "unheard"]

_MOST = 40
"""Sentences of one chunk that are looked at; a longer one is a table or a list of numbers."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a chunk.

    Attributes
    ----------
    chunk : Chunk
    start, end : int
        Offsets into the chunk's text.
    """

    chunk: Chunk
    start: int
    end: int

    @property
    def text(self) -> str:
        """Exactly the chunk's text there."""
        return self.chunk.text[self.start : self.end]


def sentences_of(chunks: Iterable[Chunk]) -> list[Sentence]:
    """Sentences of chunks, headings left out: they name a subject and state nothing.

    A chunk of nothing but headings gives them all, so that each chunk can be cited.
    """
    found: list[Sentence] = []
    for chunk in chunks:
        titles = {_plain(title) for title in chunk.headings}
        cut: Sequence[tuple[int, int]] = spans(chunk.text)[:_MOST]
        stating = [(a, b) for a, b in cut if not _is_heading(chunk.text[a:b], titles)]
        found += [Sentence(chunk, a, b) for a, b in stating or cut]
    return found


def unheard(_: BatchReport) -> None:
    """Truncation is no loss here: a sentence too long to read whole is judged by its beginning."""


def _is_heading(line: str, titles: set[str]) -> bool:
    return line.startswith("#") or _plain(line) in titles


def _plain(line: str) -> str:
    return line.strip(" \t\n#=*_").casefold()
