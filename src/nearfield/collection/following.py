"""Staying with a collection while a migration puts another one in its place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nearfield.collection.opened import Opened
from nearfield.errors import StoreError, StoreReplaced
from nearfield.protocols import Encoder

__all__ = ["Following"]

T = TypeVar("T")


class Following:
    """Gives what stands at a path, opened anew when it was replaced; may be shared by threads.

    Parameters
    ----------
    path : Path
    given : Encoder or None
        As for :class:`Opened`. Where it is not the new collection's model, following ends with
        FingerprintMismatch.
    precision : str
    """

    def __init__(self, path: Path, given: Encoder | None, precision: str) -> None:
        self._how = (path, given, precision)
        self._turn = threading.Lock()
        self._opened = Opened(*self._how)
        self._made_by = self._opened.store.fingerprint
        self._closed = False

    @property
    def now(self) -> Opened:
        """What stands at the path."""
        opened = self._opened
        if self._closed or not opened.store.is_replaced:
            return opened
        return self.again(opened)

    def ask(self, question: Callable[[Opened], T], *, ready: bool = False) -> T:
        """Answer from what stands at the path; once more where that changed meanwhile.

        Parameters
        ----------
        question : callable
        ready : bool
            Whether it comes with vectors of the caller's, which fit no other model.

        Raises
        ------
        StoreReplaced
            It has ready vectors, and by now the collection is of another model.
        """
        while True:
            opened = self.now
            if ready and opened.store.fingerprint != self._made_by:
                raise StoreReplaced(
                    f"{opened.path} was migrated to another model since it was opened: vectors of "
                    "the former one do not fit. Open it again, and encode anew"
                )
            try:
                return question(opened)
            except StoreReplaced:
                self.again(opened)
            except StoreError:
                if opened is self._opened:
                    raise  # of the store itself; otherwise another thread has closed it

    def again(self, former: Opened) -> Opened:
        """Open what stands at the path in the place of what was opened before."""
        with self._turn:
            if self._opened is former:
                self._opened = Opened(*self._how)
                former.close()
            return self._opened

    def close(self) -> None:
        """Release the files; closing twice is harmless."""
        with self._turn:
            self._closed = True
            self._opened.close()
