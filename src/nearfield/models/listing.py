"""What models there are: known ones, installed ones, and the state that each is in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nearfield.models import catalog
from nearfield.models.catalog import Task
from nearfield.models.install import installed
from nearfield.models.resolve import Location, Origin, known_location

__all__ = ["ModelStatus", "State", "listing"]


class State(StrEnum):
    """Whether a model can be loaded as things are."""

    INSTALLED = "installed"
    INCOMPLETE = "incomplete"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of the list of models.

    Attributes
    ----------
    name : str
        The name to load it by.
    state : State
        Whether it is here; hashes are compared when it is loaded, not for the list.
    origin : Origin or None
        Which place it was found in; None when it is absent.
    path : Path or None
        Where it lies.
    size_bytes : int
        On disk; for an absent model what it would take.
    task : Task or None
        What it is for; this and the following are unknown outside of the catalog.
    use : str
        One line for a person who chooses.
    dimension, max_tokens : int or None
        Length of its vectors and longest input.
    licence : str
        SPDX identifier.
    matryoshka : tuple of int
        Dimensions that it was trained to be cut to.
    """

    name: str
    state: State
    origin: Origin | None = None
    path: Path | None = None
    size_bytes: int = 0
    task: Task | None = None
    use: str = ""
    dimension: int | None = None
    max_tokens: int | None = None
    licence: str = ""
    matryoshka: tuple[int, ...] = ()


def listing() -> list[ModelStatus]:
    """Known models in the catalog's order, then whatever else lies in the models folder."""
    known = []
    for entry in catalog.CATALOG.values():
        found = known_location(entry)
        known.append(
            ModelStatus(
                name=entry.name,
                state=_state(found),
                origin=found.origin if found else None,
                path=found.path if found else None,
                size_bytes=_size(found.path) if found else entry.size_bytes,
                task=entry.task,
                use=entry.use,
                dimension=entry.dimension,
                max_tokens=entry.max_tokens,
                licence=entry.licence,
                matryoshka=entry.matryoshka,
            )
        )
    others = [
        ModelStatus(
            folder.name, State.INSTALLED, Origin.INSTALLED, path=folder, size_bytes=_size(folder)
        )
        for folder in installed()
        if folder.name not in catalog.CATALOG
    ]
    return known + others


def _state(found: Location | None) -> State:
    if found is None:
        return State.ABSENT
    return State.INCOMPLETE if found.missing() else State.INSTALLED


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
