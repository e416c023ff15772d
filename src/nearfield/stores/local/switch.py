"""Let two collections change places in one step, which a power cut cannot halve.

Linux: ``renameat2`` with ``RENAME_EXCHANGE``; macOS: ``renamex_np`` with ``RENAME_SWAP``. Where
neither is there, three renames do it, and :func:`finish_exchange` completes them after a crash.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

from nearfield.stores.local.database import sync_folder
from nearfield.stores.local.failures import io_errors

__all__ = ["exchange", "finish_exchange"]

_HERE = -100  # AT_FDCWD: paths are as they are
_EXCHANGE = 2
_SWAP = 2
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
_HALFWAY = ".halfway"


def exchange(one: Path, other: Path) -> None:
    """Swap two folders of one file system; on disk when this returns.

    Open files stay what they are: whoever has opened one goes on with it.

    Raises
    ------
    StoreError, StoreReadOnly
        The system refuses; nothing was changed.
    """
    with io_errors(one):
        if not _at_once(one, other):
            _in_three_steps(one, other)
    for folder in {one.parent, other.parent}:
        sync_folder(folder)


def finish_exchange(one: Path, other: Path) -> bool:
    """Complete an exchange that a crash left half done; returns whether there was one."""
    halfway = other.with_name(other.name + _HALFWAY)
    if not halfway.is_dir():
        return False
    with io_errors(one):
        if not one.exists():
            other.rename(one)
        if not other.exists():
            halfway.rename(other)
    for folder in {one.parent, other.parent}:
        sync_folder(folder)
    return True


def _at_once(one: Path, other: Path) -> bool:
    """Swap by the system's own call; False where it has none, or not for this file system."""
    library = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    here, there = os.fsencode(one), os.fsencode(other)
    if sys.platform.startswith("linux") and hasattr(library, "renameat2"):
        assert library is not None
        failed = library.renameat2(_HERE, here, _HERE, there, _EXCHANGE)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        assert library is not None
        failed = library.renamex_np(here, there, _SWAP)
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(one))


def _in_three_steps(one: Path, other: Path) -> None:
    halfway = other.with_name(other.name + _HALFWAY)
    one.rename(halfway)
    sync_folder(one.parent)
    sync_folder(halfway.parent)
    other.rename(one)
    sync_folder(one.parent)
    halfway.rename(other)
