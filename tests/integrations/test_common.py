"""What all hosts share: metadata both ways, models that are known again, storage that goes."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nearfield as nf
from nearfield.errors import (
    DimensionMismatch,
    FingerprintMismatch,
    InputError,
    UnsupportedOperation,
)
from nearfield.filters import matches, parse
from nearfield.integrations.common.metadata import by_id, described, pack, unpack
from nearfield.integrations.common.outside import OutsideEncoder
from nearfield.integrations.common.storage import Storage
from nearfield.search.options import SearchOptions
from nearfield.types import Chunk

_LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
_VALUES = st.recursive(
    _LEAVES.filter(lambda v: not isinstance(v, float) or abs(v) < 1e300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.text(alphabet="ab.i_d", min_size=1, max_size=4).filter(
    lambda name: name not in ("_id", "_kept")
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
@settings(max_examples=100, deadline=None)
def test_metadata_come_back_as_they_were(metadata: dict[str, Any]) -> None:
    assert unpack(pack(metadata, "x")) == metadata


def test_filters_see_into_mappings() -> None:
    fields = pack({"by": {"name": "Ada", "born": {"year": 1815}}, "tags": ("a", "b")}, "x")
    assert matches(parse('by.name = "Ada" and by.born.year < 1900 and tags = "b"'), fields)


def test_an_id_in_the_metadata_is_not_the_id() -> None:
    own = Chunk("1", "1", "t", 0, 1, metadata=pack({"id": "2"}, "1"))
    other = Chunk("2", "2", "t", 0, 1, metadata=pack({}, "2"))
    assert [matches(by_id(["2"]), each.fields()) for each in (own, other)] == [False, True]
    assert described(own) == {"id": "2"}


@pytest.mark.parametrize("value", [date(2024, 3, 1), {"at": object()}, [float("nan"), {}]])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="ISO texts"):
        pack({"when": value}, "x")


def test_our_own_names_are_refused() -> None:
    with pytest.raises(InputError, match="for itself"):
        pack({"_kept": "{}"}, "x")


def _embedding(seed: int, noise: float = 0.0) -> OutsideEncoder:
    """A model of a host: letters counted, turned by a rotation of its own."""
    turned = np.random.default_rng(seed).standard_normal((26, 8))
    shaken = np.random.default_rng()

    def embed(texts: list[str]) -> Sequence[Sequence[float]]:
        counts = [[text.lower().count(letter) for letter in _LETTERS] for text in texts]
        rows = np.asarray(counts) @ turned
        return (rows + noise * shaken.standard_normal(rows.shape)).tolist()

    return OutsideEncoder.probed("host:model", embed, embed)


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_a_host_model_is_known_by_what_it_does(tmp_path: Path) -> None:
    place = tmp_path / "host.nf"
    first = Storage(place, model=_embedding(1))
    text = "some words"
    chunk = Chunk("a", "a", text, 0, len(text))
    first.upsert([chunk], first.encode([text]))
    first.close()
    # Hosted models answer a little differently each time: still the same model.
    again = Storage(place, model=_embedding(1, noise=1e-3))
    again.upsert([Chunk("b", "b", "words", 0, 5)], again.encode(["words"]))
    assert again.collection.count() == 2
    again.close()
    with pytest.raises(FingerprintMismatch, match="do not mix"):
        Storage(place, model=_embedding(2))
    with pytest.raises(FingerprintMismatch):
        Storage(place, model=OutsideEncoder.handed("host:model", 8))


def test_a_host_collection_without_its_host(tmp_path: Path) -> None:
    """Words and vectors can be searched; a text cannot be embedded, and that is said."""
    place = tmp_path / "host.nf"
    store = Storage(place, model=_embedding(1))
    store.upsert([Chunk("a", "a", "words", 0, 5)], store.encode(["words"]))
    vector = store.collection.store.vectors(["a"])[0]
    store.close()
    alone = Storage(place)
    assert alone.is_outside
    assert alone.search(SearchOptions(k=1), vector=vector)[0].chunk.id == "a"
    assert alone.search(SearchOptions(k=1, mode="lexical"), text="words")[0].chunk.id == "a"
    with pytest.raises(UnsupportedOperation, match="hand over a vector"):
        alone.encode(["words"])
    with pytest.raises(DimensionMismatch, match="3 components"):
        alone.search(SearchOptions(), vector=[1.0, 0.0, 0.0])
    alone.close()


def test_a_collection_of_nearfield_refuses_a_host_model(tmp_path: Path, words_file: Path) -> None:
    nf.open(tmp_path / "own.nf", encoder=str(words_file)).close()
    with pytest.raises(FingerprintMismatch):
        Storage(tmp_path / "own.nf", model=_embedding(1))


def test_bad_answers_of_a_host_are_named() -> None:
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        OutsideEncoder.probed("broken", lambda texts: [1.0, 2.0], lambda texts: [])  # type: ignore[list-item]


def test_a_temporary_collection_goes_with_its_object() -> None:
    store = Storage(model=_embedding(1))
    place = store.path
    assert place.exists()
    del store
    gc.collect()
    assert not place.parent.exists()


def test_threads_write_one_after_the_other(tmp_path: Path) -> None:
    store = Storage(tmp_path / "host.nf", model=_embedding(1))

    def write(number: int) -> None:
        names = [f"{number}-{at}" for at in range(5)]
        chunks = [Chunk(name, name, "text", 0, 4) for name in names]
        store.upsert(chunks, store.encode(["text"] * 5))

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.collection.count() == 20
    store.close()
