"""Folders of parts: one a generation, and one for a graph whose generation has gone."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from nearfield.stores.local.derived.checking import is_whole
from nearfield.stores.local.derived.parts import GRAPH_FILE, emptied, folder_of
from nearfield.stores.local.schema import DERIVED

__all__ = ["remove_strangers", "set_aside", "strangers"]

# Folder of a graph that tells how the next one is built.
_FORMER = "former"


def set_aside(folder: Path, keeping: str = "") -> None:
    """Remove the parts of a generation, but keep its graph, which tells how it was built.

    Parameters
    ----------
    folder : Path
    keeping : str
        Pattern of names of learned weights that stay where they are, if they are whole.

    Raises
    ------
    OSError
        Something could not be removed.
    """
    graph, kept = folder / GRAPH_FILE, folder.parent / _FORMER
    if graph.is_file():
        kept.mkdir(exist_ok=True)
        graph.replace(kept / GRAPH_FILE)
    stay = {path for path in folder.glob(keeping) if is_whole(path)} if keeping else set()
    for path in list(folder.iterdir()):
        if path not in stay:
            emptied(path)
    if not stay:
        folder.rmdir()


def strangers(collection: Path, generation: int) -> list[Path]:
    """Folders of other generations."""
    kept = folder_of(collection, generation).name
    derived = collection / DERIVED
    listed = [*derived.glob("[0-9]*"), derived / _FORMER]
    return [folder for folder in listed if folder.name != kept and folder.is_dir()]


def remove_strangers(collection: Path, generation: int, *, linked: bool) -> None:
    """Remove what belongs to other generations; who reads it has it open.

    Unless this generation is `linked` by a graph of its own, theirs are kept aside.
    """
    for folder in strangers(collection, generation):
        if linked or not (folder / GRAPH_FILE).exists():
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.name != _FORMER:  # its graph could not be built again yet
            with suppress(OSError):
                set_aside(folder)
