"""The health of a collection's vectors, and what changed between two collections."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from nearfield.analysis.drift import Drift, drift
from nearfield.analysis.health import SpaceHealth, examine
from nearfield.collection.reader import CollectionReader
from nearfield.collection.reasons import TRUNCATED, UNUSABLE
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk, FloatArray

__all__ = ["CollectionDrift", "CollectionHealth", "Ledger", "compare_collections", "health_of"]

_HUBS = 3


@dataclass(frozen=True, slots=True)
class Ledger:
    """What indexing lost, by the entries of the files.

    Attributes
    ----------
    truncated : int
        Passages longer than the model reads: their ends do not count in searches.
    left_out : int
        Passages without a usable vector.
    by_hand : int
        Passages that were added by hand, of which no ledger is kept.
    """

    truncated: int
    left_out: int
    by_hand: int


@dataclass(frozen=True, slots=True)
class CollectionHealth:
    """A collection's vectors, looked at.

    Attributes
    ----------
    model : str
    space : SpaceHealth
    ledger : Ledger
    hubs : tuple of Chunk
        The passages that are most often among the nearest of others, most frequent first.
    """

    model: str
    space: SpaceHealth
    ledger: Ledger
    hubs: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class CollectionDrift:
    """Two collections, or two snapshots of one, compared.

    Attributes
    ----------
    models : (str, str)
    same_space : bool
        Whether one model made both; otherwise only neighbourhoods are compared.
    drift : Drift
    reread : int
        Passages of both whose vectors changed while their text did not: the model computes
        something else than before.
    """

    models: tuple[str, str]
    same_space: bool
    drift: Drift
    reread: int


def health_of(
    collection: CollectionReader, *, k: int = 10, most: int = 5000, seed: int = 0
) -> CollectionHealth:
    """Look at the vectors of a collection.

    Parameters
    ----------
    collection : CollectionReader
    k : int
        Neighbours that count for hubs.
    most : int
        Of more passages a random sample of so many is looked at.
    seed : int

    Raises
    ------
    InputError
        There are fewer than 20 passages.
    """
    chunks, vectors = _sampled(collection.store, most, seed)
    space = examine(vectors, k=k, most=most, seed=seed)
    return CollectionHealth(
        model=collection.model,
        space=space,
        ledger=_ledger(collection),
        hubs=tuple(chunks[at] for at in space.neighbours.hubs[:_HUBS]),
    )


def compare_collections(
    before: CollectionReader, after: CollectionReader, *, k: int = 10, seed: int = 0
) -> CollectionDrift:
    """Compare what two collections hold: by distribution, and passage by passage.

    Parameters
    ----------
    before, after : CollectionReader
        Such as a snapshot and the collection that it was taken of.
    k : int
        Neighbours that are followed.
    seed : int
    """
    same = before.fingerprint == after.fingerprint
    (old, first), (new, second) = _whole(before.store), _whole(after.store)
    found = drift(
        first,
        second,
        ids=([chunk.id for chunk in old], [chunk.id for chunk in new]),
        same_space=same,
        k=k,
        seed=seed,
    )
    texts = {chunk.id: (chunk.text, chunk.headings, at) for at, chunk in enumerate(new)}
    pairs = [
        (at, texts[chunk.id][2])
        for at, chunk in enumerate(old)
        if chunk.id in texts and texts[chunk.id][:2] == (chunk.text, chunk.headings)
    ]
    return CollectionDrift(
        models=(before.model, after.model),
        same_space=same,
        drift=found,
        reread=_changed(first, second, pairs) if same else 0,
    )


def _changed(first: FloatArray, second: FloatArray, pairs: list[tuple[int, int]]) -> int:
    if not pairs:
        return 0
    places = np.array(pairs)
    old, new = (
        rows[column].astype(np.float64)
        for rows, column in ((first, places[:, 0]), (second, places[:, 1]))
    )
    cosines = (old * new).sum(axis=1) / np.maximum(
        np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1), 1e-12
    )
    return int((1.0 - cosines > 1e-4).sum())


def _ledger(collection: CollectionReader) -> Ledger:
    states = collection.sources()
    reasons = Counter(problem.reason for state in states for problem in state.problems)
    indexed = sum(state.chunks for state in states)
    return Ledger(
        truncated=reasons[TRUNCATED],
        left_out=reasons[UNUSABLE],
        by_hand=max(0, collection.count() - indexed),
    )


def _sampled(store: LocalStore, most: int, seed: int) -> tuple[list[Chunk], FloatArray]:
    count = store.count()
    if count <= most:
        return _whole(store)
    wanted = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
    kept = set(wanted.tolist())
    chosen = [pair for at, pair in enumerate(store.scan()) if at in kept]
    return [chunk for chunk, _ in chosen], np.stack([vector for _, vector in chosen])


def _whole(store: LocalStore) -> tuple[list[Chunk], FloatArray]:
    pairs = list(store.scan())
    if not pairs:
        return [], np.empty((0, store.dimension), dtype=np.float32)
    return [chunk for chunk, _ in pairs], np.stack([vector for _, vector in pairs])
