"""The embedded store beyond the contract: sources, documents, properties, fingerprints, threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nearfield.errors import (
    DimensionMismatch,
    DuplicateId,
    FingerprintMismatch,
    InputError,
    StoreError,
    StoreNotFound,
    StoreReadOnly,
)
from nearfield.filters import parse
from nearfield.metric import Metric
from nearfield.stores.local import DocumentEntry, LocalStore, Mode, SourceState, chunk_digest
from nearfield.types import Chunk, FloatArray, Problem

DIMENSION = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "notes.nf"


@pytest.fixture
def store(path: Path) -> Iterator[LocalStore]:
    with LocalStore.create(path, dimension=DIMENSION) as made:
        yield made


def chunk(source: str, number: int, text: str = "text", **metadata: Any) -> Chunk:
    return Chunk(f"{source}#{number}", source, text, number, number + 4, source, metadata=metadata)


def vectors(count: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)


def state(source: str, **changes: Any) -> SourceState:
    made = SourceState(
        path=source,
        size=2**40,
        mtime_ns=1_700_000_000_123_456_789,
        sha256="ab" * 32,
        spec="text; tokens(256, 32)",
        documents=1,
        chunks=2,
        problems=(Problem(f"{source}::3", "no text"),),
        indexed_at="2026-01-02T03:04:05Z",
    )
    return replace(made, **changes)


def test_everything_is_there_again_after_reopening(path: Path) -> None:
    rows, one = vectors(3), state("/a")
    stored = [chunk("/a", number, lang="en", list=[1, None]) for number in range(3)]
    with LocalStore.create(
        path, dimension=DIMENSION, metric=Metric.DOT, fingerprint="f" * 64, properties={"a": "1"}
    ) as store:
        store.add(stored, rows)
        store.finish_source(one, keep=[c.id for c in stored])
        store.set_properties({"b": "\ud800", "a": "2"})
        answers = store.search(vectors(2, seed=1), 3)
    with LocalStore.open(path) as store:
        assert (store.dimension, store.metric, store.fingerprint) == (4, Metric.DOT, "f" * 64)
        assert (store.path, store.mode) == (path, Mode.READ)
        assert store.properties == {"a": "2", "b": "\ud800"}
        assert store.sources() == [one]
        assert [c for c, _ in store.scan()] == stored
        assert store.vectors([c.id for c in stored]).tolist() == rows.tolist()
        assert store.search(vectors(2, seed=1), 3) == answers


def test_fingerprints_are_compared_in_words(path: Path) -> None:
    with LocalStore.create(path, dimension=2, fingerprint="mine") as store:
        store.require_fingerprint("mine")
        with pytest.raises(FingerprintMismatch, match=r"fingerprint mine and .* has other.* index"):
            store.require_fingerprint("other")


def test_replace_makes_a_source_consist_of_the_new_chunks(store: LocalStore) -> None:
    first = [chunk("/a", 0), chunk("/a", 1)], [chunk("/b", 0)]
    store.replace(
        [(state("/a"), first[0], vectors(2)), (state("/b", chunks=1), first[1], vectors(1))]
    )
    kept, new = chunk("/a", 1, "changed"), chunk("/a", 7)
    store.replace([(state("/a", sha256="cd"), [new, kept], vectors(2, seed=5))])
    assert [c for c, _ in store.scan()] == [kept, first[1][0], new]
    assert store.vectors([new.id, kept.id]).tolist() == vectors(2, seed=5).tolist()
    assert store.source("/a") == state("/a", sha256="cd")
    assert store.source("/b") == state("/b", chunks=1)
    assert store.source("/c") is None


def test_replace_with_nothing_empties_a_source_and_keeps_its_state(store: LocalStore) -> None:
    store.replace([(state("/a"), [chunk("/a", 0)], vectors(1))])
    none = np.empty((0, DIMENSION), dtype=np.float32)
    store.replace([(state("/a", chunks=0), [], none)])
    assert store.count() == 0
    assert store.documents() == []
    assert store.source("/a") == state("/a", chunks=0)
    store.replace([])


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ([(state("/b"), [chunk("/x", 1)], vectors(1))], InputError),
        ([(state("/b"), [chunk("/b", 1)], vectors(2))], InputError),
        ([(state("/b"), [chunk("/b", 1)], np.ones((1, 5), np.float32))], DimensionMismatch),
        ([(state("/b"), [chunk("/b", 1), chunk("/b", 1)], vectors(2))], DuplicateId),
    ],
)
def test_replace_is_all_or_nothing(store: LocalStore, batch: Any, error: type[Exception]) -> None:
    store.replace([(state("/a"), [chunk("/a", 0)], vectors(1))])
    with pytest.raises(error):
        store.replace([(state("/a", sha256="new"), [chunk("/a", 9)], vectors(1)), *batch])
    assert [c.id for c, _ in store.scan()] == ["/a#0"]
    assert store.sources() == [state("/a")]


def test_replace_keeps_what_it_is_told_to_keep(store: LocalStore) -> None:
    old = [chunk("a", 0), chunk("a", 10), chunk("a", 20)]
    store.replace([(state("a"), old, vectors(3))])
    before = store.vectors(["a#10"])
    gone = store.replace([(state("a"), [chunk("a", 0, "new!")], vectors(1, 1))], keep={"a#10"})
    assert gone == 1
    assert [c.text for c in store.chunks_of("a")] == ["new!", "text"]
    np.testing.assert_array_equal(store.vectors(["a#10"]), before)


def test_recording_a_source_leaves_its_chunks_alone(store: LocalStore) -> None:
    store.replace([(state("a"), [chunk("a", 0)], vectors(1))])
    touched = state("a", mtime_ns=7, problems=(Problem("a", "shut"),))
    store.record_source(touched)
    assert store.source("a") == touched
    assert store.count() == 1


def test_the_file_of_a_chunk_is_known_whatever_its_metadata_calls_source(
    store: LocalStore,
) -> None:
    named = replace(chunk("a", 0), metadata={"source": "diary"})
    store.add([named, chunk("b", 0)], vectors(2))
    assert store.count(where=parse('source = "diary"')) == 1
    assert store.count(where=parse('_source = "a"')) == 1
    assert store.count(where=parse('_source in ("a", "b") and not source = "diary"')) == 1


def test_a_big_source_comes_in_slices_and_resumes(store: LocalStore) -> None:
    old = [chunk("/big", number, "old") for number in range(4)]
    store.replace([(state("/big"), old, vectors(4)), (state("/o"), [chunk("/o", 0)], vectors(1))])
    new = [old[1], chunk("/big", 2, "new"), chunk("/big", 50), chunk("/big", 51)]
    store.upsert(new[:2], vectors(2, seed=1))
    there = store.existing([c.id for c in new])
    assert there == {c.id: chunk_digest(c) for c in new[:2]}
    rest = [c for c in new if there.get(c.id) != chunk_digest(c)]
    store.upsert(rest, vectors(2, seed=2))
    assert store.finish_source(state("/big", sha256="2"), keep=[c.id for c in new]) == 2
    assert [c for c in store.chunks_of("/big")] == new
    assert store.source("/big") == state("/big", sha256="2")
    assert store.count() == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "other"},
        {"headings": ("h",)},
        {"page": 1},
        {"start": 1},
        {"source": "s"},
        {"document_id": "o"},
        {"metadata": {"a": 1}},
    ],
)
def test_digests_cover_everything_a_chunk_says(changes: dict[str, Any]) -> None:
    one = chunk("/a", 0)
    assert chunk_digest(replace(one, **changes)) != chunk_digest(one)
    assert chunk_digest(replace(one)) == chunk_digest(one)


def test_remove_source(store: LocalStore) -> None:
    store.replace(
        [
            (state("/a"), [chunk("/a", 0), chunk("/a", 1)], vectors(2)),
            (state("/b"), [chunk("/b", 0)], vectors(1)),
        ]
    )
    assert store.remove_source("/a") == 2
    assert store.remove_source("/a") == 0
    assert [c.id for c, _ in store.scan()] == ["/b#0"]
    assert store.sources() == [state("/b")]
    assert [entry.id for entry in store.documents()] == ["/b"]


def test_sources_under_a_folder(store: LocalStore) -> None:
    none = np.empty((0, DIMENSION), dtype=np.float32)
    paths = ["/docs/b.md", "/docs/a/x.md", "/docs-old/c.md", "/caf\udce9/d", "/docs"]
    store.replace([(state(p), [], none) for p in paths])
    assert {s.path for s in store.sources()} == set(paths)
    assert [s.path for s in store.sources("/docs")] == ["/docs", "/docs/a/x.md", "/docs/b.md"]
    assert [s.path for s in store.sources("/docs/a/")] == ["/docs/a/x.md"]
    assert [s.path for s in store.sources("/caf\udce9")] == ["/caf\udce9/d"]
    assert store.source("/caf\udce9/d") == state("/caf\udce9/d")


def test_documents_and_their_chunks(store: LocalStore) -> None:
    late, early = chunk("/a", 90), chunk("/a", 10)
    record = Chunk("/r::1#0", "/r::1", "t", 0, 1, source="/r")
    store.add([late, record, early], vectors(3))
    assert store.documents() == [DocumentEntry("/a", "/a", 2), DocumentEntry("/r::1", "/r", 1)]
    assert store.chunks_of("/a") == [early, late]
    assert store.chunks_of("/nowhere") == []
    moved = replace(record, document_id="/r::2")
    store.upsert([moved], vectors(1))
    assert [entry.id for entry in store.documents()] == ["/a", "/r::2"]


def test_writing_needs_write_mode(path: Path) -> None:
    LocalStore.create(path, dimension=DIMENSION).close()
    with LocalStore.open(path) as store, pytest.raises(StoreReadOnly, match="mode 'w'"):
        store.add([chunk("/a", 0)], vectors(1))


def test_create_takes_only_an_empty_place(tmp_path: Path, path: Path) -> None:
    LocalStore.create(path, dimension=2).close()
    with pytest.raises(StoreError, match="already"):
        LocalStore.create(path, dimension=2)
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match=r"thesis\.txt"):
        LocalStore.create(tmp_path, dimension=2)
    with pytest.raises(StoreError, match="is a file"):
        LocalStore.create(tmp_path / "thesis.txt", dimension=2)
    with pytest.raises(InputError, match="dimension is 0"):
        LocalStore.create(tmp_path / "x.nf", dimension=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "thesis.txt"]


@pytest.mark.parametrize("mode", Mode)
def test_opening_nothing(tmp_path: Path, mode: Mode) -> None:
    with pytest.raises(StoreNotFound, match="no collection at"):
        LocalStore.open(tmp_path / "nothing.nf", mode=mode)
    assert list(tmp_path.iterdir()) == []


def test_only_fields_that_sql_misreads_are_left_to_python(path: Path) -> None:
    common = {
        "sha256": "3e2451e777de1234567890123456789012345678",
        "price": 19.99,
        "tiny": 1.5e-7,
        "share": 0.00012345678901234567,
        "year": 2024,
        "größe": ["é", None, True, -5, "C:\\docs\\file1234.txt"],
    }
    odd = ["\0", "\ud800", float("nan"), float("-inf"), 2**63, -(2**64), 1e300, 1e-310]
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add(
            [chunk("/caf\u00e9/file1234:5.md", 0, "\0 and \ud800 in the text", **common)],
            vectors(1),
        )
        store.add([chunk("/o", n, odd=value) for n, value in enumerate(odd)], vectors(len(odd)))
        store.add(
            [chunk("/o", 90 + n, odd=[1, value]) for n, value in enumerate(odd)], vectors(len(odd))
        )
    with closing(sqlite3.connect(path / "collection.db")) as connection:
        plain = [row for (row,) in connection.execute("SELECT plain FROM chunk ORDER BY row")]
    assert plain == [1] + [0] * 2 * len(odd)


def test_a_closed_store_says_so(path: Path) -> None:
    store = LocalStore.create(path, dimension=2)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.count()


def test_scan_shows_one_state_while_others_write(store: LocalStore) -> None:
    stored = [chunk("/a", number) for number in range(5)]
    store.add(stored, vectors(5))
    rows = store.scan()
    seen = [next(rows)[0]]
    store.delete([c.id for c in stored[2:]])
    store.upsert([chunk("/a", 1, "new")], vectors(1))
    assert seen + [c for c, _ in rows] == stored
    assert [c.text for c, _ in store.scan()] == ["text", "new"]


def test_deleted_text_is_gone_and_its_space_free(path: Path) -> None:
    secret = "the password is swordfish" * 20
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add([chunk("/s", n, secret, secret=f"key{n}") for n in range(500)], vectors(500))
        store.add([chunk("/a", 0)], vectors(1))
    full = (path / "collection.db").stat().st_size
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        assert store.remove_source("/s") == 500
    assert (path / "collection.db").stat().st_size < full / 3
    assert not holding(path, b"swordfish")
    # Quantised vectors and columns of deleted passages go when the collection is compacted.
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        store.compact()
    assert not holding(path, b"key7")


def holding(folder: Path, secret: bytes) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and secret in p.read_bytes()]


def test_searches_follow_every_write_of_another_handle(path: Path) -> None:
    rng = np.random.default_rng(0)
    alive: dict[str, FloatArray] = {}
    with LocalStore.create(path, dimension=DIMENSION) as writer, LocalStore.open(path) as reader:
        for step in range(30):
            fresh = [chunk(f"/{step}", number, n=number) for number in range(200)]
            rows = vectors(200, seed=step)
            writer.add(fresh, rows)
            alive.update({c.id: row for c, row in zip(fresh, rows, strict=True)})
            gone = rng.choice(sorted(alive), 60, replace=False).tolist()
            writer.delete(gone[:40])
            for id_ in gone[:40]:
                del alive[id_]
            moved = [c for c in writer.get(gone[40:])]
            writer.upsert(moved, vectors(20, seed=1000 + step))
            alive.update(zip(gone[40:], vectors(20, seed=1000 + step), strict=True))
            if step == 20:
                writer.compact()
            query = vectors(1, seed=2000 + step)
            matrix = np.stack(list(alive.values())).astype(np.float64)
            cosines = matrix @ query[0] / np.linalg.norm(matrix, axis=1)
            best = {list(alive)[n] for n in np.argsort(-cosines)[:10]}
            for store in (reader, writer):
                assert {hit.chunk.id for hit in store.search(query, 10)[0]} == best
            few = reader.search(query, 3, where=parse("n = 7"))[0]
            assert all(hit.chunk.metadata["n"] == 7 for hit in few)


def test_threads_take_turns(store: LocalStore) -> None:
    store.add([chunk("/a", number) for number in range(100)], vectors(100))
    expected = store.search(vectors(4, seed=3), 5)

    def work(number: int) -> bool:
        if number % 4 == 0:
            store.upsert([chunk("/t", number)], vectors(1, seed=number) * np.float32(1e-3))
            store.delete([f"/t#{number}"])
            return True
        hits = store.search(vectors(4, seed=3), 99)
        texts = [[h.chunk.id for h in one if h.chunk.source == "/a"][:5] for one in hits]
        return texts == [[h.chunk.id for h in one] for one in expected]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(60)))
