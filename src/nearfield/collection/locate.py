"""Which collection belongs to a folder that was indexed without naming a place for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from nearfield.paths import collections_dir
from nearfield.stores.local.schema import database_path

__all__ = ["all_collections", "collection_of", "enclosing", "is_collection"]

SUFFIX = ".nf"


def is_collection(path: Path) -> bool:
    """Tell whether `path` is the directory of a collection."""
    return database_path(path).is_file()


def collection_of(folder: Path) -> Path:
    """Place of a folder's own collection: outside the folder, named after it.

    The folder itself is never written to; it may be read-only, or someone else's.
    """
    real = folder.resolve()
    readable = re.sub(r"[^\w.-]+", "-", real.name or "root").strip("-.") or "folder"
    digest = hashlib.sha256(str(real).encode("utf-8", "surrogateescape")).hexdigest()[:10]
    return collections_dir() / f"{readable}-{digest}{SUFFIX}"


def enclosing(path: Path) -> Path | None:
    """The existing collection of `path` or of its nearest indexed parent folder."""
    real = path.resolve()
    for folder in (real, *real.parents):
        if is_collection(folder):
            return folder
        candidate = collection_of(folder)
        if is_collection(candidate):
            return candidate
    return None


def all_collections() -> Iterator[Path]:
    """Every collection in the default place, by name."""
    home = collections_dir()
    if home.is_dir():
        yield from (path for path in sorted(home.iterdir()) if is_collection(path))
