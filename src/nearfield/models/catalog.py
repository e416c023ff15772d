"""The models that Nearfield knows by name: what they are, where they come from, what they weigh.

Each entry pins packages **and** the SHA-256 of every file taken out of them, because most of these
packages are re-uploads by single persons: a name and a version alone prove nothing. Only the listed
members are ever read; a package's code is neither imported nor run. Where a package lacks the files
by which a folder describes itself (pooling, prompts, licence), the entry's overlay adds them.

An entry is data. To add a model, add one here; nothing else has to change when its layout is one
that the loaders read.
"""

from __future__ import annotations

from nearfield.errors import UnknownName
from nearfield.models.catalog_entries import ENTRIES
from nearfield.models.catalog_entry import CatalogEntry, Conversion, Package, PinnedFile, Task
from nearfield.registry import suggest

__all__ = ["CATALOG", "CatalogEntry", "Conversion", "Package", "PinnedFile", "Task", "find", "get"]

CATALOG: dict[str, CatalogEntry] = {entry.name: entry for entry in ENTRIES}


def get(name: str) -> CatalogEntry | None:
    """Look a model up by name, alias or hub id, whatever the case of the letters.

    Examples
    --------
    >>> get("MiniLM").name
    'all-MiniLM-L6-v2'
    >>> get("no-such-model") is None
    True
    """
    wanted = name.lower()
    for entry in CATALOG.values():
        if wanted in {n.lower() for n in (entry.name, *entry.aliases, entry.hub_id) if n}:
            return entry
    return None


def find(name: str) -> CatalogEntry:
    """Look a model up; UnknownName suggests neighbours.

    Examples
    --------
    >>> find("wordlama")
    Traceback (most recent call last):
    ...
    nearfield.errors.UnknownName: no model is called 'wordlama'; did you mean 'wordllama'?
    """
    entry = get(name)
    if entry is None:
        known = {n for e in CATALOG.values() for n in (e.name, *e.aliases)}
        raise UnknownName(f"no model is called {name!r}; {suggest(name, known)}")
    return entry
