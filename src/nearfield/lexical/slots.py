"""What every index by slot offers, whatever its postings mean."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from nearfield.lexical.shelf import Shelf
from nearfield.masks import Mask

__all__ = ["SlotIndex"]


class SlotIndex:
    """An index of slots from 0 on without gaps, on disk and behind them in memory.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def __len__(self) -> int:
        """Slots covered, on disk or in memory."""
        return self._shelf.end

    @property
    def stored(self) -> int:
        """Slots covered on disk."""
        return self._shelf.stored

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._shelf.size

    def optimise(self, *, dead: Mask | None = None, durable: bool = False) -> None:
        """Merge everything on disk to one segment, without the slots of the packed mask `dead`."""
        self._shelf.optimise(dead=dead, durable=durable)

    def carry(self, path: Path, targets: npt.NDArray[np.uint32], *, tag: str = "") -> int:
        """Write an index of the same texts whose slots have other numbers.

        Parameters
        ----------
        path : Path
            Its folder; what is there is replaced.
        targets : ndarray of uint32
            For every slot, those that are not covered included, its new number, or 2³² − 1 where
            it is dropped. New numbers are dense.
        tag : str
            Kept for the caller, as at creation.

        Returns
        -------
        int
            Slots that it covers: those before the first one whose text is not in here.

        Raises
        ------
        DamagedIndex
        """
        return self._shelf.renumbered(path, {"tag": tag} if tag else {}, targets).stored

    def snapshot(self) -> Self:
        """The same index for another user: neither sees what the other refreshes or extends."""
        other = copy(self)
        other._shelf = self._shelf.snapshot()
        return other

    def refresh(self) -> bool:
        """See what another process wrote; returns whether there was something.

        If so, the tail in memory is let go: extend it again from ``stored`` on.
        """
        return self._shelf.refresh()

    def verify(self) -> None:
        """Check every byte on disk.

        Raises
        ------
        DamagedIndex
            A byte is not what was written; the message says where.
        """
        self._shelf.verify()
