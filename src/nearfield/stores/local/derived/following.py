"""A reader's parts: opened once, and following what the writer adds."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

from nearfield.errors import StoreError
from nearfield.lexical import Lexical
from nearfield.stores.local.derived.parts import Parts, folder_of, owner_of, stamp_of
from nearfield.stores.local.derived.slots import SlotReader
from nearfield.stores.local.description import Description
from nearfield.stores.local.state import State

__all__ = ["Follower"]

# Parts may grow after the state was committed: a reader looks for it so often, in seconds.
_LOOK_AGAIN = 0.5
# Texts that a reader indexes by itself where no index has them: some seconds of work.
_INDEXED_MOST = 100_000


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
        self._covered = 0
        self._turn = threading.Lock()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why parts that are there cannot be used."""
        return self._parts.problems if self._parts is not None else ()

    def folder(self, state: State) -> Path:
        """Where the parts of the state's generation lie."""
        return folder_of(self._folder, state.generation)

    def of(self, state: State) -> Parts:
        """The parts as they are on disk, or were half a second ago."""
        parts = self._parts
        if parts is not None and parts.generation == state.generation:
            grown = state.sequence > self._sequence
            behind = self._covered < state.slots
            if not grown and not (behind and time.monotonic() - self._looked > _LOOK_AGAIN):
                return parts
        with self._turn:
            return self._followed(state)

    def with_words(self, state: State, reader: SlotReader) -> Parts:
        """The same, with the words of every slot: the tail is indexed in memory.

        So is everything where there is no index, as while the writer makes it for a fresh
        generation, unless that would take too long.
        """
        parts = self.of(state)
        if parts.text is not None and len(parts.text) >= state.slots:
            return parts
        if state.slots - (0 if parts.text is None else len(parts.text)) > _INDEXED_MOST:
            return replace(parts, text=None)
        with self._turn:
            kept = self._parts
            if kept is not None and kept.generation == parts.generation and kept.text is not None:
                parts = kept  # another thread may have come first
            text = parts.text
            if text is None:
                text = Lexical.in_memory(language=reader.language())
            missing = state.slots - len(text)
            if missing <= 0:
                return replace(parts, text=text)
            longer = text.snapshot()
            longer.extend_tail(reader.words(len(text), missing))
            extended = replace(parts, text=longer)
            if parts is kept:
                self._parts = extended
        return extended

    def close(self) -> None:
        """Let go of the files."""
        with self._turn:
            _close(self._parts)
            self._parts = None

    def _followed(self, state: State) -> Parts:
        before = self._parts
        parts = self._refreshed(state)
        if parts is None:
            owner = owner_of(self._description.collection, state.generation)
            parts = Parts.open(self._folder, state.generation, owner)
            if state.sequence < self._sequence and before is not None:
                _close(parts)
                return parts  # an operation that began before a compaction
            if before is not None and before.generation == parts.generation:
                parts = _with_words_of(parts, before)
            _close(before)
        self._parts = parts
        self._sequence = max(self._sequence, state.sequence)
        self._looked = time.monotonic()
        self._covered = parts.covered
        return parts

    def _refreshed(self, state: State) -> Parts | None:
        """The parts with what was added to each; None where they must be opened again."""
        parts = self._parts
        if parts is None or parts.generation != state.generation or parts.problems:
            return None
        if parts.stamp != stamp_of(self.folder(state)):
            return None
        try:
            return parts.refreshed()
        except (StoreError, OSError):
            return None


def _with_words_of(parts: Parts, before: Parts) -> Parts:
    """Parts without an index of words take over the one that was made in memory."""
    if parts.text is None and before.text is not None and not before.text.stored:
        return replace(parts, text=before.text)
    return parts


def _close(parts: Parts | None) -> None:
    """Let go of the file of codes; what is mapped of it can still be searched."""
    if parts is not None and parts.codes is not None:
        parts.codes.close()
