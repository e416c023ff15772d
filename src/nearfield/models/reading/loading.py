"""The reader out of the installed reranker and the changes that the package carries."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from nearfield.errors import UnsupportedOperation
from nearfield.models import catalog, resolve
from nearfield.models.hashes import file_sha256
from nearfield.models.precision import Precision
from nearfield.models.reading.base import BaseWeights, base_shape
from nearfield.models.reading.reader import Heads, PassageReader
from nearfield.models.transformer.choice import choose
from nearfield.models.transformer.runtimes.opening import open_runtime
from nearfield.models.transformer.weights import Tensors, read_header
from nearfield.tokenization import load as load_tokenizer
from nearfield.types import FloatArray

__all__ = ["BASE", "available", "load", "shared"]

BASE = "ms-marco-MiniLM-L-12-v2"
"""The model that the changes belong to."""

_lock = threading.Lock()
_shared: list[PassageReader] = []


def available() -> bool:
    """Whether the model that the reader is made of is installed."""
    return resolve.known_location(catalog.find(BASE)) is not None


def shared() -> PassageReader:
    """The reader of this process, loaded once."""
    with _lock:
        if not _shared:
            _shared.append(load())
        return _shared[0]


def load(changes: Path | None = None) -> PassageReader:
    """Open the reader.

    It is computed in the precision class ``fast`` where the processor has it: readings are compared
    with a threshold and kept nowhere.

    Parameters
    ----------
    changes : Path, optional
        Safetensors file of other changes than the package's.

    Raises
    ------
    ModelNotInstalled
        The reranker is not here: ``nearfield models install ms-marco-MiniLM-L-12-v2``.
    HashMismatch
        It is not what it should be.
    """
    location = resolve.pinned(BASE)
    if changes is not None:
        return _open(location.path, changes)
    with resources.as_file(resources.files("nearfield.models.reading") / "reader.safetensors") as f:
        return _open(location.path, f)


def _open(folder: Path, changes: Path) -> PassageReader:
    tensors = Tensors(read_header(changes))
    weights = _Weights(BaseWeights(folder / catalog.find(BASE).weights), tensors)
    tokenizer = load_tokenizer(folder)
    vocabulary = tokenizer.vocabulary_size
    twice = replace(base_shape(2 * vocabulary), token_types=1)
    try:
        choice = choose(twice, Precision.FAST, card=False)
    except UnsupportedOperation:
        choice = choose(twice, Precision.EXACT, card=False)
    runtime = open_runtime(
        twice,
        weights,
        choice,
        padding_id=tokenizer.pad_id,
        identity=f"{BASE}, read with {file_sha256(changes)}",
    )
    heads = Heads(
        tensors["pool.weight"],
        tensors["pool.bias"],
        tensors["answered.weight"][0],
        tensors["answered.bias"][0],
        tensors["span.weight"],
        tensors["span.bias"],
    )
    return PassageReader(f"{BASE} as a reader", tokenizer, runtime, heads, vocabulary)


class _Weights(Mapping[str, FloatArray]):
    """The base's weights with the changes; every word stands there as each of the two kinds."""

    def __init__(self, base: BaseWeights, changes: Tensors) -> None:
        self._base, self._changes = base, changes

    def __getitem__(self, name: str) -> FloatArray:
        if name == "words":
            words, types = self._base[name], self._base["token_types"]
            return np.concatenate([words, words + (types[1] - types[0])])
        if name == "token_types":
            return self._base[name][:1]
        if name in self._changes:  # a norm
            return self._changes[name]
        part = name.removesuffix(".weight")
        if f"{part}.up" in self._changes and part != name:
            product: FloatArray = self._changes[f"{part}.up"] @ self._changes[f"{part}.down"]
            return self._base[name] + product
        return self._base[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)
