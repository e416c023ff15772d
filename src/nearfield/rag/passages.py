"""From hits to passages: neighbours joined in, adjacent ones merged, repetitions left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nearfield.rag.duplicates import repeated
from nearfield.types import Chunk, Hit

__all__ = ["Passage", "gather"]

ChunksOf = Callable[[str], Sequence[Chunk]]


@dataclass(frozen=True, slots=True)
class Passage:
    """Chunks of one document that stand side by side, read as one.

    Attributes
    ----------
    chunks : tuple of Chunk
        In order of ``start``; each one is here only once.
    rank : int
        Of its best hit, from 1.
    """

    chunks: tuple[Chunk, ...]
    rank: int

    @property
    def text(self) -> str:
        """The document's text from the first chunk to the last, as far as chunks hold it."""
        shown = self.chunks[0].text
        end = self.chunks[0].end
        for chunk in self.chunks[1:]:
            if chunk.start < end:
                shown += chunk.text[end - chunk.start :]
            else:
                shown += ("" if chunk.start == end else "\n") + chunk.text
            end = max(end, chunk.end)
        return shown


def gather(
    hits: Sequence[Hit], neighbours: int, chunks_of: ChunksOf
) -> tuple[list[Passage], dict[str, int]]:
    """Make passages of hits.

    Parameters
    ----------
    hits : sequence of Hit
        Best first.
    neighbours : int
        Chunks of the same document that are added before and after each hit.
    chunks_of : callable
        Gives a document's chunks in order of ``start``; only asked where neighbours are wanted.

    Returns
    -------
    passages : list of Passage
        By rank. Neighbours in the text are one passage; what repeats a better one is left out.
    left_out : dict of str to int
        ``repeated``: hits that are not in a passage because a better one says the same.
    """
    again = repeated([hit.chunk.text for hit in hits])
    kept = [hit for hit, repeats in zip(hits, again, strict=True) if not repeats]
    rank_of: dict[str, int] = {}
    members: dict[str, dict[str, Chunk]] = {}
    siblings: dict[str, Sequence[Chunk]] = {}
    for rank, hit in enumerate(kept, start=1):
        document = hit.chunk.document_id
        for chunk in _with_neighbours(hit.chunk, neighbours, chunks_of, siblings):
            members.setdefault(document, {})[chunk.id] = chunk
            rank_of[chunk.id] = min(rank, rank_of.get(chunk.id, rank))
    passages = [
        Passage(tuple(run), min(rank_of[chunk.id] for chunk in run))
        for chunks in members.values()
        for run in _runs(sorted(chunks.values(), key=lambda chunk: (chunk.start, chunk.end)))
    ]
    return sorted(passages, key=lambda passage: passage.rank), {"repeated": len(hits) - len(kept)}


def _with_neighbours(
    chunk: Chunk, count: int, chunks_of: ChunksOf, known: dict[str, Sequence[Chunk]]
) -> Sequence[Chunk]:
    if count == 0:
        return [chunk]
    document = chunk.document_id
    if document not in known:
        known[document] = chunks_of(document)
    place = next((at for at, each in enumerate(known[document]) if each.id == chunk.id), None)
    if place is None:  # deleted since it was found
        return [chunk]
    return known[document][max(0, place - count) : place + count + 1]


def _runs(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Cut a document's chunks where text is missing between two; white space is not missed."""
    runs: list[list[Chunk]] = []
    for chunk in chunks:
        if runs and chunk.start <= runs[-1][-1].end + _GAP:
            runs[-1].append(chunk)
        else:
            runs.append([chunk])
    return runs


_GAP = 4
"""Characters between two chunks that can only be the blank line where they were cut."""
