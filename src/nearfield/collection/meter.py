"""How far a running index is, told to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nearfield.collection.report import IndexProgress, ProgressListener
from nearfield.documents.walk import FoundFile

__all__ = ["Meter"]

_PAUSE = 0.1
"""Shortest time between two reports, seconds."""


class Meter:
    """Turns what an indexer does into a share of the whole.

    Reading is quick and embedding is slow, so a file's bytes count as done when its passages
    are embedded, in proportion.

    Parameters
    ----------
    listener : callable or None
        Told at most ten times a second.
    files : sequence of FoundFile
        Everything that will be looked at.
    """

    def __init__(self, listener: ProgressListener | None, files: Sequence[FoundFile]) -> None:
        self._listener = listener
        self._files = len(files)
        self._total = sum(file.size for file in files) or 1
        self._number = 0
        self._current: FoundFile | None = None
        self._before = 0.0  # bytes of the files before the current one
        self._read = 0.0  # bytes read, the current file's share included
        self._settled = 0.0  # bytes whose passages are embedded
        self._last = 0.0

    @property
    def listens(self) -> bool:
        """Whether anybody is told."""
        return self._listener is not None

    def begin(self, file: FoundFile) -> None:
        """The next file comes."""
        if self._current is not None:
            self._before += self._current.size
            self._number += 1
        self._current = file
        self._read = self._before

    def read(self, share: float) -> None:
        """A share of the current file has been read, 0 to 1."""
        if self._current is not None:
            self._read = self._before + self._current.size * share

    def settle(self, passages: int) -> None:
        """Everything read so far is embedded or needs no embedding."""
        self._settled = self._read
        self.tell(passages, 0.0)

    def tell(self, passages: int, share: float) -> None:
        """Report, where `share` (0 to 1) of what was read since is embedded."""
        now = time.monotonic()
        if self._listener is None or self._current is None or now - self._last < _PAUSE:
            return
        self._last = now
        done = self._settled + (self._read - self._settled) * share
        self._listener(
            IndexProgress(
                files_done=self._number,
                files_total=self._files,
                passages=passages,
                fraction=min(1.0, done / self._total),
                current=str(self._current.path),
            )
        )
