"""SHA-256 of large files, computed once for each state of a file.

A model's weights are hashed on every load, because the hash is part of the model's identity.
Reading 400 MB for that would cost seconds, so the result is remembered in the cache folder under
the file's real path, size, modification time and inode: a warm start costs one stat. The memo is
only a shortcut: a missing, damaged or unwritable one means that the file is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from nearfield.errors import HashMismatch
from nearfield.paths import cache_dir

__all__ = ["file_sha256", "verify"]

# A file that was written a moment ago can be written again without its time stamp moving
# (2 s is FAT's granularity, the coarsest in use), so its hash is not remembered yet.
_SETTLED_NS = 2_000_000_000


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, remembered while the file stays as it is.

    Parameters
    ----------
    path : Path
        A regular file; symbolic links are followed.

    Returns
    -------
    str
        64 lower-case hexadecimal characters.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    real = path.resolve(strict=True)
    before = _state(real)
    memo = cache_dir() / "hashes" / f"{hashlib.sha256(os.fsencode(real)).hexdigest()}.json"
    known = _recall(memo, before)
    if known:
        return known
    with real.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    settled = time.time_ns() - before["mtime_ns"] > _SETTLED_NS
    if settled and _state(real) == before:
        _remember(memo, before, digest)
    return digest


def verify(path: Path, expected: str, *, remedy: str = "") -> None:
    """Refuse a file whose content is not the pinned one.

    Parameters
    ----------
    path : Path
        The file to check.
    expected : str
        Pinned SHA-256, hexadecimal.
    remedy : str
        What the user should do; a general advice when empty.

    Raises
    ------
    HashMismatch
        With both hashes and the remedy.
    """
    found = file_sha256(path)
    if found != expected.lower():
        advice = remedy or "delete it and fetch it again from a source that you trust"
        raise HashMismatch(
            f"{path} is not the file that was pinned: expected SHA-256 {expected.lower()}, "
            f"found {found}; {advice}"
        )


def _state(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "inode": stat.st_ino}


def _recall(memo: Path, state: dict[str, int]) -> str | None:
    try:
        entry = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(entry, dict) or any(entry.get(key) != value for key, value in state.items()):
        return None
    digest = entry.get("sha256")
    return digest if isinstance(digest, str) and len(digest) == 64 else None


def _remember(memo: Path, state: dict[str, int], digest: str) -> None:
    # One small file for each hashed file, replaced in one step: no lock, and two processes
    # that hash the same file write the same content.
    draft = memo.with_name(f"{memo.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({**state, "sha256": digest}), encoding="utf-8")
        draft.replace(memo)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
