"""Deleted texts leave the derived parts too: words at the next close, the rest by compacting."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from nearfield.ann import library
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk

pytestmark = pytest.mark.usefixtures("low_limits", "every_candidate")

DIMENSION = 8
SECRET = "xylographqz"


def chunk(number: int) -> Chunk:
    secret = number % 3 == 0
    text = f"word{number % 5} and {SECRET if secret else 'nothing'} more"
    fields = {"key": f"vaultkey{number:04}"} if secret else {}
    return Chunk(f"p{number}", "d", text, 0, 9, metadata=fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.nf"
    rows = np.random.default_rng(0).standard_normal((900, DIMENSION)).astype(np.float32)
    with LocalStore.create(path, dimension=DIMENSION) as store:
        for start in range(0, 900, 150):
            store.add(
                [chunk(number) for number in range(start, start + 150)], rows[start : start + 150]
            )
        if library.choose() is not None:  # vectors of a graph go as well, where one can be built
            store.build_graph(m=4)
    assert holding(path, SECRET)
    return path


def holding(folder: Path, secret: str) -> set[str]:
    found = [p for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    return {p.relative_to(folder).parts[0] for p in found}


def secrets(store: LocalStore) -> list[str]:
    return [c.id for c, _ in store.scan() if SECRET in c.text]


def found(path: Path, words: str) -> int:
    with LocalStore.open(path) as store, store.view() as view:
        return len(view.lexical(words, 10**6).keys)


def test_a_view_keeps_the_words_that_it_began_with(path: Path) -> None:
    with LocalStore.open(path) as store, store.view() as view:
        before = view.lexical(SECRET, 10**6)
        with LocalStore.open(path, mode="w") as writer:
            writer.delete(secrets(writer))
        with store.view() as newer:  # of the same store: it follows the files
            assert len(newer.lexical(SECRET, 10**6).keys) == 0
        again = view.lexical(SECRET, 10**6)
        assert (again.keys.tolist(), len(again.keys)) == (before.keys.tolist(), 300)
        assert view.lexical_scores(SECRET, before.keys).tolist() == before.scores.tolist()


def test_words_go_when_the_writer_closes(path: Path) -> None:
    with LocalStore.open(path, mode="w") as store:
        assert store.delete(secrets(store)) == 300
    assert holding(path, SECRET) == set()
    assert found(path, SECRET) == 0
    assert found(path, "word1") == 120
    with LocalStore.open(path) as store, store.view() as view:
        key = view.keys(["p1"])
        (said,) = view.explain_words("word1", key)
    assert said.texts == 600  # statistics count no deleted text


def test_words_go_with_the_next_writer_where_the_last_one_was_killed(
    path: Path, tmp_path: Path
) -> None:
    with LocalStore.open(path, mode="w") as store:
        store.delete(secrets(store))
        # As a kill at this moment leaves it.
        killed = shutil.copytree(path, tmp_path / "killed.nf")
    LocalStore.open(killed, mode="w").close()
    assert holding(killed, SECRET) <= {"collection.db", "collection.db-wal"}
    assert found(killed, SECRET) == 0
    with LocalStore.open(killed, mode="w") as store:
        store.compact()
    assert holding(killed, SECRET) == set()


def test_fields_go_when_the_collection_is_compacted(path: Path) -> None:
    with LocalStore.open(path, mode="w") as store:
        store.delete(secrets(store)[:3])  # few: closing does not compact
    with LocalStore.open(path, mode="w") as store:
        store.compact()
    for key in ("vaultkey0000", "vaultkey0003", "vaultkey0006"):
        assert holding(path, key) == set()
    assert holding(path, "vaultkey0009")


def test_words_of_replaced_passages_go(path: Path) -> None:
    rows = np.ones((300, DIMENSION), dtype=np.float32)
    with LocalStore.open(path, mode="w") as store:
        store.upsert([Chunk(id_, "d", "harmless", 0, 8) for id_ in secrets(store)], rows)
    assert holding(path, SECRET) == set()
    assert (found(path, SECRET), found(path, "harmless")) == (0, 300)
