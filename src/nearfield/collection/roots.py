"""The files and folders that a collection was made of, and whether they changed since."""

from __future__ import annotations

import json
from pathlib import Path

from nearfield.collection.options import IndexOptions
from nearfield.documents.walk import FoundFile, WalkOptions, walk
from nearfield.protocols import ReadLimits
from nearfield.stores.local import LocalStore

__all__ = ["is_stale", "present_roots", "roots_of", "update_options"]


def roots_of(store: LocalStore) -> tuple[str, ...]:
    """Files and folders that were indexed, sorted."""
    return tuple(json.loads(store.properties.get("roots", "[]")))


def present_roots(store: LocalStore) -> list[Path]:
    """Those that are there: an unplugged disk is no reason to forget what was on it."""
    return [Path(root) for root in roots_of(store) if Path(root).exists()]


def update_options(store: LocalStore) -> IndexOptions:
    """The choices of the last run, trusting size and time."""
    properties = store.properties
    chosen = json.loads(properties.get("walk", "{}"))
    for patterns in ("include", "exclude"):
        chosen[patterns] = tuple(chosen.get(patterns, ()))
    limits = ReadLimits(**json.loads(properties.get("limits", "{}")))
    return IndexOptions(walk=WalkOptions(**chosen), limits=limits, trust_stat=True)


def is_stale(store: LocalStore) -> bool:
    """Whether files were added, changed or removed since; reads no file's content."""
    for root in present_roots(store):
        known = {s.path: (s.size, s.mtime_ns) for s in store.sources(under=str(root))}
        found = walk(root, options=update_options(store).walk)
        files = (file for file in found if isinstance(file, FoundFile))
        if {str(file.path): (file.size, file.mtime_ns) for file in files} != known:
            return True
    return False
