"""What was written a moment ago, kept until derived parts have taken it in."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nearfield.passage import embedding_text
from nearfield.types import Chunk, MetadataValue

__all__ = ["Content", "Recent", "content_of"]

_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Content:
    """What derived parts read of a slot.

    Attributes
    ----------
    words : str
        Headings, then the text: a passage from the middle of a manual may not name the thing
        that it speaks of.
    fields : mapping of str to values
        What filters see.
    """

    words: str = ""
    fields: Mapping[str, MetadataValue] | None = None


def content_of(chunk: Chunk) -> Content:
    """The content of a chunk, as it is now."""
    fields = chunk.fields()
    for name, value in fields.items():
        if isinstance(value, list):  # the caller may go on with it
            fields[name] = tuple(value)
    return Content(embedding_text(chunk), fields)


class Recent:
    """Contents of slots that were just written, so that nobody reads them back.

    Keeps at most some hundred thousand; what is not kept is read from the database.
    """

    def __init__(self) -> None:
        self._contents: dict[int, Content] = {}
        self._turn = threading.Lock()

    def add(self, first: int, chunks: Sequence[Chunk]) -> None:
        """Keep chunks that were committed at the slots from `first` on."""
        contents = {slot: content_of(chunk) for slot, chunk in enumerate(chunks, start=first)}
        with self._turn:
            if len(self._contents) + len(contents) > _MOST:
                self._contents.clear()
            self._contents.update(contents)

    def run(self, first: int, count: int) -> list[Content] | None:
        """The contents of a run of slots, or None where one is missing."""
        get = self._contents.get
        found = [content for slot in range(first, first + count) if (content := get(slot))]
        return found if len(found) == count else None

    def forget(self, below: int | None = None) -> None:
        """Let go of the slots below a number, or of all."""
        with self._turn:
            if below is None:
                self._contents.clear()
            else:
                self._contents = {s: each for s, each in self._contents.items() if s >= below}
