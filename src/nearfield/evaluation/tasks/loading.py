"""From a folder or a file to a task; what is in it decides what it is."""

from __future__ import annotations

from pathlib import Path

from nearfield.errors import InputError
from nearfield.evaluation.tasks.beir import is_beir, load_beir
from nearfield.evaluation.tasks.retrieval import RetrievalTask

__all__ = ["load"]


def load(path: str | Path, *, split: str | None = None) -> RetrievalTask:
    """Read a task."""
    place = Path(path).expanduser()
    if not place.exists():
        raise InputError(f"{place} does not exist")
    if place.is_dir() and is_beir(place):
        return load_beir(place, split)
    raise InputError(f"{place} holds no task that is understood")
