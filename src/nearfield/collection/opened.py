"""A collection as it was opened: its store, the model that made its vectors, what searches it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from nearfield.collection.asking import Answering
from nearfield.collection.model import (
    admit,
    guarded,
    is_same_class,
    load_again,
    mixing,
    precision_of,
    require_trust,
)
from nearfield.collection.searching import Searcher
from nearfield.protocols import Encoder
from nearfield.stores.local import LocalStore
from nearfield.stores.local import Mode as StoreMode

__all__ = ["Opened"]


class Opened:
    """One collection's store and model, which belong together.

    A migration may put another collection in its place; then it is left for a fresh one, so that
    no question is encoded by one model and compared with vectors of another.

    Parameters
    ----------
    path : Path
        The collection's directory; it must exist.
    given : Encoder or None
        Used instead of loading the model that the collection names.
    precision : str
        Class to load that model in.

    Attributes
    ----------
    store : LocalStore
        Opened to read.
    searcher : Searcher
    answering : dict of str or None to Answering
        What answers its questions, by the name of a generator.
    """

    def __init__(self, path: Path, given: Encoder | None, precision: str) -> None:
        self.path = path
        self._asked = precision
        self.store = LocalStore.open(path, mode=StoreMode.READ)
        self.searcher = Searcher(lambda: self.store, lambda: self.encoder)
        self.answering: dict[str | None, Answering] = {}
        self._given = given
        if given is not None:
            try:
                admit(self.store, path, given.card)
                self._given = guarded(given, self.store.properties, str(path))
            except BaseException:
                self.store.close()
                raise

    @cached_property
    def encoder(self) -> Encoder:
        """The collection's model, loaded at first use in the class that made the vectors."""
        if self._given is not None:
            return self._given
        properties = self.store.properties
        dimensions = properties.get("dimensions")
        require_trust(properties["encoder"])
        encoder = load_again(
            properties,
            name=properties["encoder"],
            dimensions=int(dimensions) if dimensions else None,
            precision=self._asked,
        )
        admit(self.store, self.path, encoder.card)
        return guarded(encoder, properties, str(self.path))

    @property
    def writer(self) -> Encoder:
        """The model, if what it computes may be stored here."""
        if not is_same_class(self.store, self.encoder.card):
            raise mixing(self.path, precision_of(self.store.properties), self.encoder.card)
        return self.encoder

    def close(self) -> None:
        """Release the files; closing twice is harmless."""
        self.searcher.end_audit()
        self.store.close()
