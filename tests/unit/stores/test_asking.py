"""Questions without a transaction: always answered from one state, and the newest."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import StoreError, UnsupportedOperation
from nearfield.filters import parse
from nearfield.stores.local import LocalStore, SearchPath
from nearfield.types import Chunk

ROWS = np.eye(4, dtype=np.float32)


def chunk(name: str, **metadata: int) -> Chunk:
    return Chunk(name, name, f"text of {name}", 0, 9, metadata=metadata)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with LocalStore.create(tmp_path / "c.nf", dimension=4) as store:
        store.add([chunk(name, n=n) for n, name in enumerate("abcd")], ROWS)
    return tmp_path / "c.nf"


def nearest(store: LocalStore, row: int = 0) -> str:
    return store.search(ROWS[row : row + 1], 1)[0][0].chunk.id


def test_what_another_handle_writes_is_seen_by_the_next_question(path: Path) -> None:
    with LocalStore.open(path) as reader, LocalStore.open(path, mode="w") as writer:
        assert nearest(reader) == nearest(reader) == "a"
        writer.delete(["a"])
        assert nearest(reader) != "a"
        writer.add([chunk("new")], ROWS[:1])
        assert nearest(reader) == "new"
        writer.upsert([chunk("new")], ROWS[1:2])
        assert reader.search(ROWS[1:2], 2)[0][1].chunk.id == "new"
        writer.compact()
        assert [hit.chunk.id for hit in reader.search(ROWS[1:2], 2)[0]] == ["b", "new"]


def test_a_question_that_finds_nothing_still_sees_what_came(tmp_path: Path) -> None:
    LocalStore.create(tmp_path / "c.nf", dimension=4).close()
    with (
        LocalStore.open(tmp_path / "c.nf") as reader,
        LocalStore.open(tmp_path / "c.nf", mode="w") as writer,
    ):
        assert reader.search(ROWS[:1], 3) == [[]]
        writer.add([chunk("a")], ROWS[:1])
        assert len(reader.search(ROWS[:1], 3)[0]) == 1


def test_a_state_that_moves_under_a_question_makes_it_be_asked_again(path: Path) -> None:
    with LocalStore.open(path) as reader, LocalStore.open(path, mode="w") as writer:
        nearest(reader)
        sequences = []

        def question(view):
            sequences.append(view.state.sequence)
            found = view.nearest(ROWS[0], 1)
            if len(sequences) == 1:
                writer.delete(["a"])
            return [chunk.id for chunk in view.chunks(found.keys)]

        (found,) = reader.ask(question)
        assert found != "a"
        assert len(sequences) == 2 and sequences[0] < sequences[1]
        # The next question takes a transaction, and the one after it none again.
        reader.search(ROWS[:1], 1)
        assert reader._calm


def test_filters_that_need_the_database_are_asked_in_a_transaction(path: Path) -> None:
    with LocalStore.open(path, mode="w") as store:
        nearest(store)
        store.add([chunk("e", n=2)], ROWS[2:3])  # not in the columns yet
        found = store.search(ROWS[2:3], 5, where=parse("n = 2"))
        assert [hit.chunk.id for hit in found[0]] == ["c", "e"]


def test_several_queries_share_one_state_and_one_fetch(path: Path) -> None:
    with LocalStore.open(path) as store:
        nearest(store)
        found = store.search(ROWS, 2)
        assert [hits[0].chunk.id for hits in found] == list("abcd")
        assert [hit.rank for hit in found[2]] == [1, 2]
        assert store.search(ROWS, 300) == [store.search(ROWS[n : n + 1], 300)[0] for n in range(4)]
        many = np.repeat(ROWS, 200, axis=0)  # more rows than one statement takes
        assert [hits[0].chunk.id for hits in store.search(many, 2)] == list(
            np.repeat([*"abcd"], 200)
        )


def test_errors_of_a_question_are_its_own(path: Path) -> None:
    with LocalStore.open(path) as store:
        nearest(store)
        with pytest.raises(UnsupportedOperation):
            store.search(ROWS[:1], 1, path=SearchPath.QUANTISED)
        with pytest.raises(ZeroDivisionError):
            store.ask(lambda view: 1 // 0)
        assert nearest(store) == "a"
    with pytest.raises(StoreError, match="closed"):
        nearest(store)


def test_threads_ask_one_handle_while_another_writes(path: Path) -> None:
    """Every answer is of one state: a batch is there as a whole or not at all."""
    stop, failures = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            (hits,) = reader.search(ROWS[3:], 100)
            batches = {hit.chunk.id.split("-")[0] for hit in hits if "-" in hit.chunk.id}
            if any(sum(hit.chunk.id.startswith(f"{b}-") for hit in hits) != 5 for b in batches):
                failures.append([hit.chunk.id for hit in hits])

    with LocalStore.open(path) as reader, LocalStore.open(path, mode="w") as writer:
        nearest(reader)
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(12):
            ids = [f"{number}-{n}" for n in range(5)]
            writer.add([chunk(id_) for id_ in ids], np.repeat(ROWS[3:], 5, axis=0))
            if number % 2:
                writer.delete([f"{number - 1}-{n}" for n in range(5)])
            if number % 5 == 4:
                writer.compact()
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
