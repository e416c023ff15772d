"""What indexing with a hosted model will cost, before anything is bought."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from nearfield.collection.indexing import recipe, sha256_of
from nearfield.collection.options import IndexOptions
from nearfield.documents.readers import read
from nearfield.documents.walk import FoundFile, walk
from nearfield.models.cache import CachedEncoder
from nearfield.models.remote.prices import Forecast, forecast
from nearfield.passage import embedding_text
from nearfield.protocols import Chunker
from nearfield.stores.local import LocalStore, chunk_digest
from nearfield.types import Problem

__all__ = ["forecast_index"]

_SLICE = 2048
"""Passages that are looked up at once."""


def forecast_index(
    store: LocalStore,
    encoder: CachedEncoder,
    chunker: Chunker,
    options: IndexOptions,
    roots: Sequence[Path],
) -> Forecast:
    """Count what an index run would buy: passages that neither the store nor the cache holds.

    Reads the files that changed. Of the model only the probe is asked for.

    Parameters
    ----------
    store : LocalStore
    encoder : CachedEncoder
        Over a hosted encoder.
    chunker : Chunker
    options : IndexOptions
    roots : sequence of Path

    Returns
    -------
    Forecast
    """
    name = encoder.card.name
    total = forecast(name, [])
    batch: list[str] = []
    seen: set[bytes] = set()
    for text in _passages(store, chunker, options, roots):
        mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if mark in seen:
            continue
        seen.add(mark)
        batch.append(text)
        if len(batch) >= _SLICE:
            total += _of(name, encoder, batch)
            batch = []
    return total + _of(name, encoder, batch)


def _of(name: str, encoder: CachedEncoder, texts: list[str]) -> Forecast:
    return forecast(name, [texts[at] for at in encoder.missing(texts)])


def _passages(
    store: LocalStore, chunker: Chunker, options: IndexOptions, roots: Sequence[Path]
) -> Iterator[str]:
    """Encoder inputs of passages that the store does not hold as they are."""
    spec = recipe(chunker, options)
    for root in roots:
        for file in walk(root.resolve(), options=options.walk):
            if isinstance(file, Problem) or _is_unchanged(store, file, spec, options):
                continue
            for item in read(file.path, limits=options.limits):
                if isinstance(item, Problem):
                    continue
                chunks = chunker.chunk(item)
                digests = store.existing([chunk.id for chunk in chunks])
                for chunk in chunks:
                    if digests.get(chunk.id) != chunk_digest(chunk):
                        yield embedding_text(chunk)


def _is_unchanged(store: LocalStore, file: FoundFile, spec: str, options: IndexOptions) -> bool:
    state = store.source(str(file.path))
    if state is None or state.spec != spec:
        return False
    if options.trust_stat and (state.size, state.mtime_ns) == (file.size, file.mtime_ns):
        return True
    try:
        return sha256_of(file.path) == state.sha256
    except OSError:
        return True  # it cannot be read: the run lists it, and buys nothing of it
