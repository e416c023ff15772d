"""Slots, generations, wiping, compaction and snapshots."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import StoreError
from nearfield.masks import members
from nearfield.stores.exact import ExactStore
from nearfield.stores.local import LocalStore, Mode, State, verify
from nearfield.stores.local.vectors import HEADER_BYTES, record_bytes
from nearfield.types import Chunk, FloatArray

DIMENSION = 4


def chunk(number: int, text: str = "text") -> Chunk:
    return Chunk(f"c{number}", f"d{number % 3}", text, 0, len(text), source=f"/d{number % 3}")


def vectors(count: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.nf"


@pytest.fixture
def store(path: Path) -> Iterator[LocalStore]:
    with LocalStore.create(path, dimension=DIMENSION) as made:
        yield made


def state_of(store: LocalStore) -> State:
    with store._reading() as (_, state):
        return state


def files(path: Path) -> list[str]:
    return sorted(file.name for file in path.glob("vectors-*"))


def test_slots_are_given_in_order_and_never_again(store: LocalStore) -> None:
    store.add([chunk(n) for n in range(5)], vectors(5))
    store.upsert([chunk(1), chunk(9)], vectors(2, seed=1))
    store.delete(["c3"])
    state = state_of(store)
    assert (state.generation, state.slots, state.dead) == (1, 7, 2)
    assert state.alive is not None
    assert members(state.alive).tolist() == [0, 2, 4, 5, 6]
    assert state.rows.tolist() == [1, 2, 3, 4, 5, 2, 6]
    assert state.rows_of(np.array([6, 0])).tolist() == [6, 1]
    assert state.vectors.tolist() == [*vectors(5).tolist(), *vectors(2, seed=1).tolist()]
    assert state.vectors.strides == (record_bytes(DIMENSION), 4)
    assert not state.vectors.flags.writeable


def test_a_state_does_not_change(store: LocalStore) -> None:
    store.add([chunk(n) for n in range(3)], vectors(3))
    before = state_of(store)
    assert before.alive is None
    store.delete(["c0"])
    store.add([chunk(7)], vectors(1, seed=3))
    after = state_of(store)
    assert (before.slots, before.alive, len(before.vectors)) == (3, None, 3)
    assert after.sequence == before.sequence + 2
    assert state_of(store) is after


def test_dead_slots_over_several_blocks(path: Path) -> None:
    total = 40_000
    with LocalStore.create(path, dimension=1) as store, LocalStore.open(path) as reader:
        for start in range(0, total, 10_000):
            part = [chunk(n) for n in range(start, start + 10_000)]
            store.add(part, np.ones((10_000, 1), np.float32))
        assert state_of(reader).alive is None
        gone = [0, 7, 32_766, 32_767, 32_768, 32_769, total - 1]
        for some in (gone[:3], gone[3:5], gone[5:]):
            store.delete([f"c{n}" for n in some])
            assert state_of(reader).dead == state_of(store).dead
        for one in (reader, store):
            assert members(state_of(one).dead_slots).tolist() == gone
    with LocalStore.open(path) as fresh:
        assert members(state_of(fresh).dead_slots).tolist() == gone


def test_deleted_vectors_are_wiped_at_closing(path: Path) -> None:
    rows = vectors(6)
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk(n) for n in range(6)], rows)
        store.delete(["c1", "c2", "c5"])
    data = (path / "vectors-000001.f32").read_bytes()
    for number, row in enumerate(rows):
        assert (row.tobytes() in data) is (number not in {1, 2, 5})
    assert verify(path).whole


def test_a_wipe_that_was_interrupted_is_finished(path: Path) -> None:
    rows = vectors(6)
    file = path / "vectors-000001.f32"
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk(n) for n in range(6)], rows)
        store.delete(["c1", "c2"])
    size = record_bytes(DIMENSION)
    for half in (16, 20, size):
        torn = bytearray(file.read_bytes())
        for number in (1, 2):
            start = HEADER_BYTES + number * size
            torn[start : start + size] = (
                (-1).to_bytes(8, "little", signed=True) + bytes(8) + rows[number].tobytes()
            )
        torn[HEADER_BYTES + size + 16 : HEADER_BYTES + size + half] = bytes(half - 16)
        file.write_bytes(torn)
        assert verify(path).whole
        with LocalStore.open(path, mode=Mode.WRITE) as store:
            store.upsert([chunk(0)], rows[:1])
            store.delete(["c0"])
            store.add([chunk(0)], rows[:1])
        assert file.read_bytes()[HEADER_BYTES + size : HEADER_BYTES + 3 * size] == bytes(2 * size)


def test_vectors_are_not_wiped_under_a_reader(path: Path) -> None:
    rows = vectors(6)
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk(n) for n in range(6)], rows)
    with LocalStore.open(path) as reader:
        scan = reader.scan()
        first = next(scan)
        with LocalStore.open(path, mode=Mode.WRITE) as store:
            store.delete([f"c{n}" for n in range(6)])
        seen = [first, *scan]
        assert [vector.tolist() for _, vector in seen] == rows.tolist()
        assert reader.count() == 0
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        store.add([chunk(10)], vectors(1, seed=8))
    data = (path / "vectors-000001.f32").read_bytes()
    assert not any(row.tobytes() in data for row in rows)


def test_compacting_gives_dense_slots_in_order_of_insertion(store: LocalStore, path: Path) -> None:
    store.add([chunk(n) for n in range(50)], vectors(50))
    store.delete([f"c{n}" for n in range(0, 50, 2)])
    store.upsert([chunk(1, "changed")], vectors(1, seed=4))
    before = [(one, vector.tolist()) for one, vector in store.scan()]
    store.compact()
    state = state_of(store)
    assert (state.generation, state.slots, state.dead, state.alive) == (2, 25, 0, None)
    assert [(one, vector.tolist()) for one, vector in store.scan()] == before
    assert state.vectors.tolist() == [vector for _, vector in before]
    assert files(path) == ["vectors-000002.f32"]
    assert (path / "vectors-000002.f32").stat().st_size == HEADER_BYTES + 25 * 32
    store.compact()
    assert files(path) == ["vectors-000002.f32"]
    store.add([chunk(100)], vectors(1, seed=5))
    assert verify(path).whole


def test_many_dead_slots_are_compacted_at_closing(path: Path) -> None:
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk(n) for n in range(4200)], vectors(4200))
        store.delete([f"c{n}" for n in range(1000)])
    assert files(path) == ["vectors-000001.f32"]
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        store.delete([f"c{n}" for n in range(1000, 1100)])
    assert files(path) == ["vectors-000002.f32"]
    assert verify(path).whole


def test_a_reader_goes_on_while_the_collection_is_compacted(path: Path) -> None:
    with LocalStore.create(path, dimension=DIMENSION) as store, LocalStore.open(path) as reader:
        store.add([chunk(n) for n in range(40)], vectors(40))
        scan = reader.scan()
        seen = [next(scan)]
        store.delete([f"c{n}" for n in range(0, 40, 2)])
        store.compact()
        assert [one.id for one, _ in (*seen, *scan)] == [f"c{n}" for n in range(40)]
        (hits,) = reader.search(vectors(1, seed=9), 99)
        assert {hit.chunk.id for hit in hits} == {f"c{n}" for n in range(1, 40, 2)}


def test_what_a_crash_left_is_overwritten_or_removed(path: Path) -> None:
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk(n) for n in range(3)], vectors(3))
    with (path / "vectors-000001.f32").open("ab") as file:
        file.write(b"x" * 75)  # two records and a part that nothing names
    (path / "vectors-000002.f32").write_bytes(b"half")
    with LocalStore.open(path) as reader:
        assert len(reader.search(vectors(1), 9)[0]) == 3
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        store.add([chunk(5)], vectors(1, seed=5))
        assert state_of(store).slots == 4
    assert files(path) == ["vectors-000001.f32"]
    assert (path / "vectors-000001.f32").stat().st_size == HEADER_BYTES + 4 * 32
    assert verify(path).whole


def test_a_failed_batch_leaves_no_slots(store: LocalStore, path: Path) -> None:
    store.add([chunk(n) for n in range(3)], vectors(3))
    with pytest.raises(KeyboardInterrupt), store._writer.operation() as connection:
        store._writer.put(connection, [chunk(8)], vectors(1, seed=8), {})
        raise KeyboardInterrupt
    store.add([chunk(9)], vectors(1, seed=9))
    assert state_of(store).slots == 4
    assert verify(path).whole


def test_a_snapshot_is_one_state(store: LocalStore, path: Path, tmp_path: Path) -> None:
    for start in range(0, 300, 30):
        store.add([chunk(n) for n in range(start, start + 30)], vectors(30, seed=start))
    store.delete([f"c{n}" for n in range(30)])
    stop = threading.Event()

    def write() -> None:
        start = 1000
        while not stop.is_set():
            store.add([chunk(n) for n in range(start, start + 30)], vectors(30, seed=start))
            store.delete([f"c{n}" for n in range(start - 15, start + 15)])
            start += 30

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with LocalStore.open(path) as reader:
            for number in range(5):
                reader.snapshot(tmp_path / f"s{number}.nf")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        copy = tmp_path / f"s{number}.nf"
        assert verify(copy).whole
        with LocalStore.open(copy, mode=Mode.WRITE) as opened:
            assert opened.count() >= 270
            opened.upsert([chunk(1)], vectors(1))
    with pytest.raises(StoreError, match="already"):
        store.snapshot(tmp_path / "s0.nf")


operations = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.lists(st.integers(0, 12), min_size=1, unique=True)),
        st.tuples(st.just("delete"), st.lists(st.integers(0, 12), min_size=1)),
        st.tuples(st.sampled_from(["compact", "reopen"]), st.just([])),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None)
@given(steps=operations)
def test_any_history_equals_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[int]]]
) -> None:
    path = tmp_path_factory.mktemp("history") / "c.nf"
    oracle = ExactStore(DIMENSION)
    store = LocalStore.create(path, dimension=DIMENSION)
    try:
        for number, (kind, which) in enumerate(steps):
            match kind:
                case "upsert":
                    fresh = [chunk(n, f"text {number}") for n in which]
                    for one in (oracle, store):
                        one.upsert(fresh, vectors(len(which), seed=number))
                case "delete":
                    for one in (oracle, store):
                        one.delete([f"c{n}" for n in which])
                case "compact":
                    store.compact()
                case "reopen":
                    store.close()
                    store = LocalStore.open(path, mode=Mode.WRITE)
            query = vectors(2, seed=1000)
            assert store.search(query, 20) == oracle.search(query, 20)
        assert [one for one, _ in store.scan()] == [one for one, _ in oracle.scan()]
    finally:
        store.close()
    assert verify(path).whole
