"""What was written a moment ago, kept until derived parts have taken it in."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from nearfield.passage import embedding_text
from nearfield.stores.columns import Fields
from nearfield.stores.local.writing import Placed
from nearfield.types import Chunk

__all__ = ["Contents", "Recent"]

_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Contents:
    """What derived parts read of consecutive slots.

    Attributes
    ----------
    words : list of str
        Of each slot the headings, then the text: a passage from the middle of a manual may not
        name the thing that it speaks of. Nothing where the slot is dead.
    fields : Fields
        What filters see; unknown where the slot is dead: an earlier state may have it alive.
    """

    words: list[str]
    fields: Fields

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> Contents:
        """The contents of chunks, as they are now."""
        return cls(list(map(embedding_text, chunks)), Fields.of_chunks(chunks))

    def __len__(self) -> int:
        return len(self.words)

    def slice(self, start: int, stop: int) -> Contents:
        """Those of slots [start, stop) of these."""
        return Contents(self.words[start:stop], self.fields.slice(start, stop))

    def without(self, dead: Sequence[int]) -> Contents:
        """The same with some dead ones."""
        words = list(self.words)
        for place in dead:
            words[place] = ""
        return Contents(words, self.fields.without(dead))


class Recent:
    """Contents of slots that were just written, so that nobody reads them back.

    Keeps at most some hundred thousand; what is not kept is read from the database.
    """

    def __init__(self) -> None:
        self._written: dict[int, Contents] = {}  # by first slot
        self._generation = 0  # slots of another one are other slots
        self._turn = threading.Lock()

    def add(self, placed: Placed, chunks: Sequence[Chunk]) -> None:
        """Keep chunks that were committed there."""
        contents = Contents.of(chunks)
        with self._turn:
            if placed.generation < self._generation:  # compacted by another thread
                return
            if placed.generation > self._generation:
                self._written.clear()
                self._generation = placed.generation
            if sum(map(len, self._written.values())) + len(contents) > _MOST:
                self._written.clear()
            self._written[placed.first] = contents

    def run(self, generation: int, first: int, count: int) -> Contents | None:
        """The contents of a run of slots, or None where one is missing."""
        with self._turn:
            written = sorted(self._written.items(), key=itemgetter(0))
            if generation != self._generation:
                return None
        parts: list[Contents] = []
        at, stop = first, first + count
        for start, contents in written:
            end = start + len(contents)
            if start <= at < min(end, stop):
                parts.append(contents.slice(at - start, min(end, stop) - start))
                at = min(end, stop)
        if at < stop or not parts:
            return None
        words = list(chain.from_iterable(part.words for part in parts))
        return Contents(words, Fields.joined([part.fields for part in parts]))

    def forget(self, generation: int, below: int) -> None:
        """Let go of the slots below a number."""
        with self._turn:
            if generation == self._generation:
                kept = self._written.items()
                self._written = {s: each for s, each in kept if s + len(each) > below}
