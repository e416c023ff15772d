"""The collection behind a host's store: in a folder that is named, or in one that goes with it."""

from __future__ import annotations

import json
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from shutil import rmtree
from typing import TypeAlias

import numpy as np

from nearfield.collection import Chunking, Collection, open_collection
from nearfield.collection.locate import is_collection
from nearfield.collection.model import describe, is_same_class, mixing
from nearfield.errors import DimensionMismatch, StoreError, UnknownId
from nearfield.filters import Filter
from nearfield.integrations.common.model import NamedModel
from nearfield.integrations.common.outside import OUTSIDE, OutsideEncoder
from nearfield.lexical import Language
from nearfield.metric import Metric, normalise
from nearfield.search.diversity import maximal_marginal_relevance
from nearfield.search.options import SearchOptions
from nearfield.search.pipeline import Question, find
from nearfield.stores.local import LANGUAGE, LocalStore
from nearfield.stores.local import Mode as StoreMode
from nearfield.types import Chunk, FloatArray, Hit

__all__ = ["Model", "Storage", "Vector"]

Model: TypeAlias = NamedModel | OutsideEncoder | str | None
Vector: TypeAlias = Sequence[float] | FloatArray


class Storage:
    """A collection that a host reads and writes.

    Every write is on disk when it returns. Safe to use from several threads: they write one after
    the other and read side by side.

    Parameters
    ----------
    path : str or Path, optional
        The collection's folder, made if it is missing. Without one a temporary folder serves,
        which goes with this object.
    model : NamedModel, OutsideEncoder or str, optional
        What made, or will make, the vectors. An existing collection knows its own and refuses
        another; a new one without a model takes the default one.
    metric : Metric or str
    language : str, optional
        Of the texts, for searches by words.

    Raises
    ------
    FingerprintMismatch
        The collection was made by another model.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        model: Model = None,
        metric: Metric | str = Metric.COSINE,
        language: Language | str | None = None,
    ) -> None:
        self.is_temporary = path is None
        self._turn = threading.Lock()
        place = Path(tempfile.mkdtemp(prefix="nearfield-")) / "host.nf" if path is None else path
        try:
            self.collection = _opened(Path(place), model, metric, language)
        except BaseException:
            if path is None:
                rmtree(Path(place).parent, ignore_errors=True)
            raise
        # A finaliser, so that a store that is only forgotten leaves no folder behind.
        parent = self.collection.path.parent if path is None else None
        self.close = weakref.finalize(self, _end, self.collection, parent)

    @property
    def path(self) -> Path:
        """The collection's folder."""
        return self.collection.path

    @property
    def is_outside(self) -> bool:
        """Whether the vectors come from a host, and not from a model of Nearfield."""
        return OUTSIDE in self.collection.store.properties

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts that are to be stored."""
        encoder = self.collection.encoder
        if not is_same_class(self.collection.store, encoder.card):
            raise mixing(self.path, self.collection.precision, encoder.card)
        return encoder.encode(texts)

    def upsert(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Add or replace passages by id, all or none."""
        if chunks:
            with self._writing() as store:
                store.upsert(chunks, vectors)

    def add(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Add passages, all or none; DuplicateId where an id is there already."""
        if chunks:
            with self._writing() as store:
                store.add(chunks, vectors)

    def delete(self, ids: Sequence[str]) -> int:
        """Delete passages by id; unknown ones are passed over. Returns how many went."""
        if not ids:
            return 0
        with self._writing() as store:
            return store.delete(ids)

    def delete_where(self, where: Filter | None) -> int:
        """Delete the passages that match; all of them without a filter."""
        with self._writing() as store:
            return store.delete([chunk.id for chunk, _ in store.scan(where=where)])

    def present(self, ids: Sequence[str]) -> list[Chunk]:
        """Those of the passages that are there, in the order of `ids`."""
        while True:
            known = self.collection.store.existing(ids)
            with suppress(UnknownId):  # deleted since: look again
                return self.collection.get([id_ for id_ in dict.fromkeys(ids) if id_ in known])

    def chunks(self, where: Filter | None = None) -> Iterator[tuple[Chunk, FloatArray]]:
        """Every passage that matches, with its vector, in order of insertion."""
        return self.collection.store.scan(where=where)

    def search(
        self, options: SearchOptions, *, text: str = "", vector: Vector | None = None
    ) -> list[Hit]:
        """Search by a host's own vector, by words, or by both together."""
        row = None if vector is None else self._row(vector)
        with self.collection.store.view() as view:
            return find(view, Question(text, row), options)

    def spread(
        self, vector: Vector, k: int, *, among: SearchOptions, diversity: float
    ) -> list[Hit]:
        """Of the nearest, `k` that do not repeat each other, as hosts define it.

        Hosts weigh plain cosines; Nearfield's own ``diversity`` weighs scores by how far they
        spread among the candidates.

        Parameters
        ----------
        vector : sequence of float
        k : int
        among : SearchOptions
            Finds the candidates; its ``k`` is their number.
        diversity : float
            0 looks at relevance alone, 1 at difference alone.
        """
        hits = self.search(replace(among, k=max(k, among.k)), vector=vector)
        vectors = self.collection.store.vectors([hit.chunk.id for hit in hits])
        relevance = (normalise(vectors) @ normalise(self._row(vector))).astype(np.float32)
        places = maximal_marginal_relevance(vectors, relevance, k, diversity=diversity)
        return [replace(hits[at], rank=rank) for rank, at in enumerate(places, start=1)]

    def _row(self, vector: Vector) -> FloatArray:
        row: FloatArray = np.ascontiguousarray(vector, dtype=np.float32).reshape(-1)
        dimension = self.collection.store.dimension
        if len(row) != dimension:
            raise DimensionMismatch(
                f"the query vector has {len(row)} components and the collection's have "
                f"{dimension}: embed the query with the model of the collection"
            )
        return row

    @contextmanager
    def _writing(self) -> Iterator[LocalStore]:
        with self._turn, LocalStore.open(self.path, mode=StoreMode.WRITE) as store:
            yield store


def _opened(
    place: Path,
    model: Model,
    metric: Metric | str,
    language: Language | str | None,
) -> Collection:
    if not is_collection(place):
        if model is None or isinstance(model, str):
            return open_collection(place, encoder=model, metric=metric, language=language)
        _create(place, model, metric, language)
    encoder = model.encoder if isinstance(model, NamedModel) else model
    with LocalStore.open(place) as store:
        properties, identity, dimension = store.properties, store.fingerprint, store.dimension
    if isinstance(encoder, OutsideEncoder):
        encoder = encoder.recognised(properties, identity)
    elif encoder is None and OUTSIDE in properties:
        encoder = OutsideEncoder.stored(properties, dimension, identity)
    return open_collection(place, encoder=encoder, language=language, create=False)


def _create(
    place: Path,
    model: NamedModel | OutsideEncoder,
    metric: Metric | str,
    language: Language | str | None,
) -> None:
    if isinstance(model, NamedModel):
        card = model.encoder.card
        properties = describe(model.name, card, model.dimensions)
    else:
        card = model.card
        properties = describe(card.name, card, None) | model.properties
    properties["chunking"] = json.dumps(asdict(Chunking()))
    properties[LANGUAGE] = Language.of(language or Language.AUTO).value
    try:
        LocalStore.create(
            place,
            dimension=card.dimension,
            metric=metric,
            fingerprint=card.fingerprint,
            properties=properties,
        ).close()
    except StoreError:
        if not is_collection(place):  # another process may have made it meanwhile
            raise


def _end(collection: Collection, folder: Path | None) -> None:
    collection.close()
    if folder is not None:
        rmtree(folder, ignore_errors=True)
