"""Move a collection to another model: a shadow copy beside it, a switch in one step, and back.

::

    notes.nf/                      what everybody uses
    .notes.nf.migration/shadow/    the copy that another model embeds, resumable
    .notes.nf.migration/previous/  after the switch: what stood at notes.nf before
    .notes.nf.migration/ledger.jsonl  passages that the new model cuts or cannot read

The shadow is a whole collection. Passages keep their ids, texts and offsets; only vectors are
new. Until the switch nobody is disturbed, and what is written meanwhile is taken over under the
writer's lock just before it. Whoever has the old collection open goes on with it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nearfield.collection.migration_copy import Copied, Copy, Target, respecified
from nearfield.collection.model import describe, probes_of
from nearfield.collection.reader import CollectionReader
from nearfield.errors import InputError, StoreError, StoreNotFound
from nearfield.models.matryoshka import truncate
from nearfield.models.resolve import load
from nearfield.stores.local import LocalStore
from nearfield.stores.local import Mode as StoreMode
from nearfield.stores.local.lock import WriterLock
from nearfield.stores.local.schema import database_path
from nearfield.stores.local.switch import exchange, finish_exchange

__all__ = ["Copied", "Migration", "Stage", "Switched", "Target", "target"]

Listener = Callable[[int, int], None]

_GRACE = 0.2
"""Seconds that the old lock is held after the switch: a writer that waits looks again sooner."""

_PASSES = 3
"""Rounds without the writer's lock; what is written during the last one is copied under it."""

_FEW = 256


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a migration is.

    Attributes
    ----------
    model : str
        Of the collection as it is used now.
    shadow, previous : str
        Models of the copy that waits and of the collection that was replaced; empty where there
        is none.
    copied, passages : int
        Passages of the shadow, and of the collection.
    """

    model: str
    shadow: str
    previous: str
    copied: int
    passages: int


@dataclass(frozen=True, slots=True)
class Switched:
    """What stands where after a switch.

    Attributes
    ----------
    model, previous : str
    passages : int
    caught_up : Copied
        What was written since the copy and taken over.
    only_there : int
        Passages of the collection that was put aside which this one does not have.
    """

    model: str
    previous: str
    passages: int
    caught_up: Copied
    only_there: int


def target(name: str, *, dimensions: int | None = None, precision: str = "auto") -> Target:
    """A model to move to, by name."""
    local = Path(name).expanduser()
    encoder = load(name, precision=precision)
    chosen = encoder if dimensions is None else truncate(encoder, dimensions)
    return Target(str(local.resolve()) if local.exists() else name, chosen, dimensions)


class Migration:
    """The migration of one collection, whatever stage it is in.

    Parameters
    ----------
    path : Path
        The collection.

    Raises
    ------
    StoreNotFound
        There is no collection, and none that a crash left half switched.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.folder = self.path.with_name(f".{self.path.name}.migration")
        self.shadow = self.folder / "shadow"
        self.previous = self.folder / "previous"
        for aside in (self.shadow, self.previous):
            finish_exchange(self.path, aside)
        self._settle()
        if not database_path(self.path).is_file():
            raise StoreNotFound(f"there is no collection at {self.path}: check the path")

    def stage(self) -> Stage:
        """How far it is."""
        with CollectionReader(self.path) as here:
            model, passages = here.model, here.count()
        shadow, copied = _model_of(self.shadow)
        return Stage(model, shadow, _model_of(self.previous)[0], copied, passages)

    def prepare(self, wanted: Target | None = None, listener: Listener | None = None) -> Copied:
        """Embed what the shadow lacks; killed at any moment, the next call goes on.

        Parameters
        ----------
        wanted : Target, optional
            The new model; without one, a shadow that was begun is gone on with.
        listener : callable of (copied, all), optional

        Raises
        ------
        InputError
            There is no shadow to go on with, or it is of another model, or the model is the one
            that the collection has.
        """
        chosen = self._chosen(wanted)
        with LocalStore.open(self.path) as here, self._opened(here, chosen) as copy:
            total = Copied()
            for _ in range(_PASSES):
                done = copy.take(here, listener)
                total += done
                if done.written + done.deleted < _FEW:
                    break
            return total

    def switch(
        self, wanted: Target | None = None, *, recut: bool = False, timeout: float = 10.0
    ) -> Switched:
        """Put the shadow in the collection's place, with everything that was written meanwhile.

        Parameters
        ----------
        wanted : Target, optional
            The shadow's model where it is loaded already.
        recut : bool
            Have the next ``index`` cut every file anew, in the new model's tokens.
        timeout : float
            Seconds to wait for another writer.

        Raises
        ------
        InputError
            There is no shadow.
        StoreLocked
            Another process writes; the shadow stays, and the next call goes on.
        """
        chosen = self._chosen(wanted)
        if self.previous.exists():
            raise InputError(
                f"{self.previous} still holds the collection of an earlier migration: roll back to "
                "it, or forget it"
            )
        lock = WriterLock(self.path, timeout)
        try:
            with LocalStore.open(self.path) as here, self._opened(here, chosen) as copy:
                caught_up = copy.take(here, None)
                copy.finish(here, None if recut else respecified)
            _sync_tree(self.shadow)
            exchange(self.path, self.shadow)
            self._settle()
            time.sleep(_GRACE)
        finally:
            lock.release()
        (self.folder / "ledger.jsonl").unlink(missing_ok=True)
        return self._switched(self.previous, caught_up)

    def rollback(self, *, timeout: float = 10.0) -> Switched:
        """Put the previous collection back in its place; the one that goes becomes the shadow.

        Raises
        ------
        InputError
            There is nothing to go back to.
        StoreLocked
        """
        if not database_path(self.previous).is_file():
            raise InputError(f"{self.path} has no previous collection to go back to")
        lock = WriterLock(self.path, timeout)
        try:
            if self.shadow.exists():
                shutil.rmtree(self.shadow)
            self._mark("rollback")
            exchange(self.path, self.previous)
            self._settle()
            time.sleep(_GRACE)
        finally:
            lock.release()
        return self._switched(self.shadow, Copied())

    def forget(self) -> int:
        """Delete the shadow and the previous collection; returns the bytes that are free now."""
        size = sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file())
        if self.folder.exists():
            shutil.rmtree(self.folder)
        return size

    def _chosen(self, wanted: Target | None) -> Target:
        there = database_path(self.shadow).is_file()
        if wanted is None:
            if not there:
                raise InputError(f"no migration of {self.path} is under way: name a model")
            with CollectionReader(self.shadow) as shadow:
                dimensions = shadow.store.properties.get("dimensions")
                return Target(shadow.model, shadow.encoder, int(dimensions) if dimensions else None)
        fingerprint = wanted.encoder.card.fingerprint
        with LocalStore.open(self.path) as here:
            if here.fingerprint == fingerprint:
                raise InputError(
                    f"{self.path} is of {wanted.name} already, in this precision and dimension"
                )
        if there:
            with CollectionReader(self.shadow) as shadow:
                if shadow.fingerprint != fingerprint:
                    raise InputError(
                        f"a migration to {shadow.model} is under way and {wanted.name} was named: "
                        "leave the model out to go on, or forget it first (--forget)"
                    )
        return wanted

    @contextmanager
    def _opened(self, here: LocalStore, chosen: Target) -> Iterator[Copy]:
        """The shadow, open to write; made where there is none."""
        if not database_path(self.shadow).is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            LocalStore.create(
                self.shadow,
                dimension=chosen.encoder.card.dimension,
                metric=here.metric,
                fingerprint=chosen.encoder.card.fingerprint,
                properties={
                    **_kept(here.properties),
                    **describe(chosen.name, chosen.encoder.card, chosen.dimensions),
                    **probes_of(chosen.encoder),
                },
            ).close()
        with LocalStore.open(self.shadow, mode=StoreMode.WRITE) as shadow:
            yield Copy(shadow, chosen, self.folder / "ledger.jsonl")

    def _switched(self, aside: Path, caught_up: Copied) -> Switched:
        with LocalStore.open(self.path) as here, LocalStore.open(aside) as there:
            known = {chunk.id for chunk, _ in here.scan()}
            missing = sum(chunk.id not in known for chunk, _ in there.scan())
            return Switched(
                model=here.properties["encoder"],
                previous=there.properties["encoder"],
                passages=here.count(),
                caught_up=caught_up,
                only_there=missing,
            )

    def _mark(self, what: str) -> None:
        mark = self.folder / "under-way"
        mark.write_text(what, encoding="utf-8")
        with mark.open("rb") as file:
            os.fsync(file.fileno())

    def _settle(self) -> None:
        """Name what was put aside by what it is now, also after a crash right behind a switch.

        A collection carries its migration's birth: a shadow knows that it is one.
        """
        mark = self.folder / "under-way"
        if mark.exists():
            # A rollback: what lies in `previous` is the newer one if the exchange took place.
            if _is_newer(self.previous) and not self.shadow.exists():
                self.previous.rename(self.shadow)
            mark.unlink()
        elif database_path(self.shadow).is_file() and not _is_newer(self.shadow):
            self.shadow.rename(self.previous)


def _kept(properties: dict[str, str]) -> dict[str, str]:
    """Properties that do not belong to the old model, and the mark of a shadow."""
    of_model = ("encoder", "precision", "identity", "dimensions", "probes", "migrated")
    depth = int(properties.get("migrated", "0")) + 1
    kept = {
        name: value
        for name, value in properties.items()
        if name not in of_model and not name.startswith("calibration.")
    }
    return {**kept, "migrated": str(depth)}


def _is_newer(aside: Path) -> bool:
    """Whether a collection put aside was migrated more often than the one in its place."""
    if not database_path(aside).is_file():
        return False
    here = aside.parent.with_name(aside.parent.name.removeprefix(".").removesuffix(".migration"))
    try:
        with LocalStore.open(aside) as one, LocalStore.open(here) as other:
            first, second = one.properties, other.properties
    except StoreError:
        return True
    return int(first.get("migrated", "0")) > int(second.get("migrated", "0"))


def _model_of(place: Path) -> tuple[str, int]:
    if not database_path(place).is_file():
        return "", 0
    with CollectionReader(place) as found:
        return found.model, found.count()


def _sync_tree(folder: Path) -> None:
    """Put every file of a folder on disk, the derived ones as well."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
