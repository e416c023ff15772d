"""The collection's folder: made once, written by one process at a time."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nearfield.errors import StoreError, StoreFull, StoreLocked, StoreReadOnly
from nearfield.stores.checks import shown
from nearfield.stores.local.failures import NO_SPACE
from nearfield.stores.local.schema import OWN_PREFIXES

__all__ = ["WriterLock", "make_folder"]


class WriterLock:
    """The right to write to a collection; the system takes it back when its process dies.

    Parameters
    ----------
    folder : Path
        The collection.
    timeout : float
        Seconds to wait for another writer.

    Raises
    ------
    StoreLocked
        Another process still writes after `timeout`; the message names it.
    StoreReadOnly
        The folder does not take files.
    StoreFull
        The disk has no room for the lock.
    """

    def __init__(self, folder: Path, timeout: float) -> None:
        from filelock import FileLock, Timeout

        self._note = folder / "writer.json"
        # A store may be closed by another thread than the one that opened it.
        self._lock = FileLock(folder / "writer.lock", thread_local=False)
        try:
            self._lock.acquire(timeout=timeout)
        except Timeout:
            raise StoreLocked(
                f"{folder} is being written by {self._writer()}; waited {timeout:g} s. Try again "
                "when it has finished, or end it; readers are not affected"
            ) from None
        except OSError as error:
            refused = StoreFull if error.errno in NO_SPACE else StoreReadOnly
            raise refused(f"{folder} cannot be written: {error}") from error
        started = datetime.now(UTC).isoformat(timespec="seconds")
        # Only a courtesy to whoever waits: the lock holds without it.
        with suppress(OSError):
            self._note.write_text(json.dumps({"pid": os.getpid(), "started": started}))

    def release(self) -> None:
        """Let the next writer in; releasing twice is harmless."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._note.unlink(missing_ok=True)
            self._lock.release()

    def _writer(self) -> str:
        try:
            note = json.loads(self._note.read_text())
            return f"process {note['pid']}, started {note['started']}"
        except (OSError, ValueError, LookupError, TypeError):
            return "another process"


def make_folder(folder: Path) -> None:
    """Make a folder for a new collection, or take one that is empty."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = [
            entry.name for entry in folder.iterdir() if not entry.name.startswith(OWN_PREFIXES)
        ]
    except FileExistsError:
        raise StoreError(f"{folder} is a file: choose another path") from None
    except OSError as error:
        refused = StoreFull if error.errno in NO_SPACE else StoreReadOnly
        raise refused(f"{folder} cannot be made: {error}") from error
    if strangers:
        raise StoreError(
            f"{folder} holds {shown(sorted(strangers))}: a new collection takes an empty folder"
        )
