"""A reader's parts: opened once, and following what the writer adds."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from nearfield.errors import StoreError
from nearfield.stores.local.derived.parts import Parts, folder_of, owner_of, stamp_of
from nearfield.stores.local.derived.slots import SlotReader
from nearfield.stores.local.description import Description
from nearfield.stores.local.state import State

__all__ = ["Follower"]

# Parts may grow after the state was committed: a reader looks for it so often, in seconds.
_LOOK_AGAIN = 0.5


class Follower:
    """Gives each operation the parts of its state's generation; may be shared by threads.

    Parameters
    ----------
    folder : Path
        The collection.
    description : Description
    """

    def __init__(self, folder: Path, description: Description) -> None:
        self._folder = folder
        self._description = description
        self._parts: Parts | None = None
        self._sequence = -1
        self._looked = 0.0
        self._turn = threading.Lock()

    def folder(self, state: State) -> Path:
        """Where the parts of the state's generation lie."""
        return folder_of(self._folder, state.generation)

    def of(self, state: State) -> Parts:
        """The parts as they are on disk, or were half a second ago."""
        parts = self._parts
        if parts is not None and parts.generation == state.generation:
            grown = state.sequence > self._sequence
            behind = parts.covered < state.slots
            if not grown and not (behind and time.monotonic() - self._looked > _LOOK_AGAIN):
                return parts
        with self._turn:
            return self._followed(state)

    def with_words(self, state: State, reader: SlotReader) -> Parts:
        """The same, with the words of every slot: the tail is indexed in memory."""
        parts = self.of(state)
        text = parts.text
        if text is None or len(text) >= state.slots:
            return parts
        with self._turn:
            missing = state.slots - len(text)
            if missing > 0:
                text.extend_tail(list(reader.words(len(text), missing)))
        return parts

    def close(self) -> None:
        """Let go of the files."""
        with self._turn:
            if self._parts is not None and self._parts.codes is not None:
                self._parts.codes.close()
            self._parts = None

    def _followed(self, state: State) -> Parts:
        parts = self._parts
        same = parts is not None and parts.generation == state.generation
        stamp = stamp_of(self.folder(state))
        if parts is None or not same or parts.stamp != stamp or not _refreshed(parts):
            owner = owner_of(self._description.collection, state.generation)
            parts = Parts.open(self._folder, state.generation, owner)
            if state.sequence < self._sequence and self._parts is not None:
                return parts  # an operation that began before a compaction
            self._parts = parts
        self._sequence = max(self._sequence, state.sequence)
        self._looked = time.monotonic()
        return parts


def _refreshed(parts: Parts) -> bool:
    """See what was added to each part; False where one cannot be trusted any more."""
    try:
        for part in (parts.codes, parts.columns, parts.text):
            if part is not None:
                part.refresh()
    except (StoreError, OSError):
        return False
    return True
