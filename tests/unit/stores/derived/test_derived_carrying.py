"""Words and learned weights survive compacting, and are there when the fresh generation is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nearfield.lexical import Impacts
from nearfield.stores.local import LocalStore, verify
from nearfield.stores.local.derived import Builder
from nearfield.stores.local.derived.parts import folder_of
from nearfield.types import Chunk

DIMENSION = 4
COUNT = 60


def chunk(number: int, text: str = "") -> Chunk:
    return Chunk(f"p{number}", "d", text or f"word{number % 7} number{number}", 0, 9)


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, DIMENSION)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk(number) for number in range(COUNT)], rows(COUNT))
    weights = Impacts.create(folder_of(path, 1) / "sparse-abc")
    weights.append([{1: 1.0, 100 + slot: 2.0} for slot in range(COUNT)])
    return path


def changed(store: LocalStore) -> None:
    """Some go, and some take another slot, which compacting puts back in order."""
    store.delete([f"p{number}" for number in range(0, COUNT, 3)])
    store.upsert([chunk(number, f"changed number{number}") for number in (4, 10)], rows(2))


def answers(path: Path) -> dict[str, list[str]]:
    asked = ["word1", "word4", "changed", "number10", "number9"]
    with LocalStore.open(path) as store, store.view() as view:
        return {
            words: [c.id for c in view.chunks(np.sort(view.lexical(words, 99).keys))]
            for words in asked
        }


def expected() -> dict[str, list[str]]:
    left = [n for n in range(COUNT) if n % 3]
    return {
        "word1": [f"p{n}" for n in left if n % 7 == 1 and n not in (4, 10)],
        "word4": [f"p{n}" for n in left if n % 7 == 4 and n not in (4, 10)],
        "changed": ["p4", "p10"],
        "number10": ["p10"],
        "number9": [],
    }


def test_words_are_there_before_anything_is_made_afresh(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Builder, "finish", lambda self: None)  # as if the writer died here
    monkeypatch.setattr("nearfield.stores.local.derived.following._INDEXED_MOST", 0)
    with LocalStore.open(path, mode="w") as store:
        changed(store)
        store.compact()
    assert not folder_of(path, 2).joinpath("columns").exists()
    assert answers(path) == expected()


def test_carried_words_are_those_that_would_be_made(path: Path) -> None:
    with LocalStore.open(path, mode="w") as store:
        changed(store)
        store.compact()
        assert store.problems == ()
    assert [finding.what for finding in verify(path).findings] == []
    assert answers(path) == expected()
    with LocalStore.open(path, mode="w") as store:
        store.compact()  # nothing is dead: everything is made afresh
    assert answers(path) == expected()


def test_learned_weights_are_carried_up_to_what_changed_since(path: Path) -> None:
    with LocalStore.open(path, mode="w") as store:
        store.delete([f"p{number}" for number in range(0, COUNT, 3)])
        store.compact()
    weights = Impacts.open(folder_of(path, 2) / "sparse-abc")
    assert len(weights) == 40
    assert weights.search({101: 1.0}).slots.tolist() == [0]
    assert weights.search({1: 1.0}, 99).slots.tolist() == list(range(40))
    with LocalStore.open(path, mode="w") as store:
        store.compact()  # the generation stays
        assert len(Impacts.open(folder_of(path, 2) / "sparse-abc")) == 40
        store.upsert([chunk(10, "another text")], rows(1))
        store.compact()
    # p10 has the seventh place again and other words: weights are needed from there on.
    assert len(Impacts.open(folder_of(path, 3) / "sparse-abc")) == 6


def test_damaged_parts_are_told_and_made_afresh(path: Path) -> None:
    for file in folder_of(path, 1).glob("*/segment-*.nft"):
        with file.open("r+b") as damaged:
            damaged.seek(5000)
            damaged.write(b"\xff\x00\xff")
    with LocalStore.open(path, mode="w") as store:
        changed(store)
        store.compact()
        told = " ".join(store.problems)
    assert "sparse-abc was not carried over" in told
    assert not folder_of(path, 2).joinpath("sparse-abc").exists()
    assert answers(path) == expected()
    assert [finding.what for finding in verify(path).findings] == []
