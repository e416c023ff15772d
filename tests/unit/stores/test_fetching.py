"""Rows to chunks and hits: the compiled library and Python agree, and nothing damaged passes."""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import StoreCorrupt
from nearfield.stores.local import LocalStore, fetching, library
from nearfield.stores.local.database import Database
from nearfield.stores.local.fetching import Fetcher, Moved
from nearfield.stores.local.reading import chunks_at
from nearfield.stores.local.rows import put_chunks
from nearfield.stores.local.schema import Mode, database_path
from nearfield.types import Chunk, Hit

texts = st.text(max_size=40) | st.sampled_from(
    ["", '"\\/', "\b\f\n\r\t\0\x1f", "ü €", "🦊" * 9, "\ud800", "a" * 700, "\\u0041"]
)
plain = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | texts
    | st.floats(allow_nan=False) | st.sampled_from([1e300, -1.5e-7, 10**17, 10**18, -0.0])
)  # fmt: skip
chunks = st.builds(
    Chunk,
    texts,
    texts,
    texts,
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    texts,
    st.lists(texts, max_size=4).map(tuple),
    st.none() | st.integers(-3, 10**6),
    st.dictionaries(texts, plain | st.lists(plain, max_size=4), max_size=5),
)


class Rows:
    """A database whose rows are written without vectors, and what reads it."""

    def __init__(self, folder: Path) -> None:
        self.collection = b"0123456789abcdef"
        self.path = database_path(folder)
        meta = {"collection": self.collection, "sequence": 7, "dead": 0}
        Database.create(self.path, meta)
        self.database = Database.open(folder, Mode.WRITE)
        self.database.expect(self.collection)
        self.fetcher = self.database.fetcher

    def store(self, found: list[Chunk]) -> None:
        """Row n + 1 stands at slot n."""
        with self.database.write() as connection:
            for table in ("chunk", "document"):
                connection.execute(f"DELETE FROM {table}")
            put_chunks(connection, found, {}, range(1, len(found) + 1), 0)

    def by_python(self, places: np.ndarray) -> list[Chunk]:
        with self.database.read() as connection:
            return chunks_at(connection, places + 1, places, self.path)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    made = Rows(tmp_path_factory.mktemp("rows"))
    yield made
    made.database.close()


def needs_library() -> None:
    if library.library() is None or library.sqlite() is None:
        pytest.skip("needs the compiled library, and the SQLite of Python within reach")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(chunks, max_size=6, unique_by=lambda chunk: chunk.id), st.randoms())
def test_both_ways_give_the_chunks_that_were_stored(rows, found, chance):
    rows.store(found)
    order = np.array(chance.sample(range(len(found)), len(found)), dtype=np.int64)
    expected = [found[place] for place in order]
    assert rows.by_python(order) == expected
    assert rows.fetcher.chunks(7, order + 1, order) in (expected, None)  # None: not plain


def test_what_is_plain_is_left_to_the_compiled_library(rows):
    needs_library()
    metadata = {"a": [1, "x", None], "b": True, "c": -2.5, "d": 1e-7, "e": [], "ü": 'q"\\'}
    found = [
        Chunk("i", "d", "te\n\0xt", 3, 9, "s", ("A", 'B"'), 7, metadata),
        Chunk("own\ud800", "own\ud800", "🦊" * 40_000, 0, 1),
    ]
    rows.store(found)
    made = rows.fetcher.chunks(7, np.array([2, 1, 2]), np.array([1, 0, 1]))
    assert made == [found[1], found[0], found[1]]
    assert made[0] is not made[2]
    assert [type(value) for value in made[1].metadata.values()] == [
        list, bool, float, float, list, str,
    ]  # fmt: skip
    assert isinstance(made[1].headings, tuple)
    assert rows.fetcher.chunks(7, np.empty(0, np.int64), np.empty(0, np.int64)) == []


def test_hits_are_what_python_makes(rows):
    needs_library()
    found = [Chunk(name, "d", name * 3, 0, 3) for name in "abc"]
    rows.store(found)
    scores = np.array([0.1, -2.0, -2.0], dtype=np.float32)
    places = np.array([2, 0, 1])
    made = rows.fetcher.hits(7, places + 1, places, scores, "exact")
    assert made == [
        Hit(found[place], score, rank, "exact")
        for rank, (place, score) in enumerate(zip(places, scores.tolist(), strict=True), start=1)
    ]
    assert made[0].parts is not made[1].parts
    assert [type(hit.score) for hit in made] == [float] * 3


def test_another_state_or_collection_is_not_read(rows):
    needs_library()
    rows.store([Chunk("a", "a", "x", 0, 1)])
    with pytest.raises(Moved):
        rows.fetcher.chunks(8, np.array([1]), np.array([0]))
    uri = rows.path.absolute().as_uri() + "?mode=ro"
    for collection, there in ((rows.collection, True), (b"another one     ", False)):
        fetcher = Fetcher(uri, "", collection)
        assert (fetcher.chunks(7, np.array([1]), np.array([0])) is not None) == there
        fetcher.close()
        assert fetcher.chunks(7, np.array([1]), np.array([0])) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "b"), ("text", "y"), ("text", None), ("text", b"x"), ("start", 1), ("start", 0.5),
        ("stop", 2), ("page", 3), ("page", "three"), ("headings", '["A"'), ("headings", "[]"),
        ("metadata", '{"n":2}'), ("metadata", "{"), ("digest", b"short"), ("digest", b"0" * 16),
        ("digest", "0" * 16), ("document", 99), ("slot", 1), ("row", 5),
    ],
)  # fmt: skip
def test_damage_is_named_whatever_column_it_hits(rows, column, value):
    rows.store([Chunk("a", "d", "x", 0, 1, "s", ("A",), None, {"n": 1})])
    with sqlite3.connect(rows.path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'chunk'"
        )
    connection.close()
    with sqlite3.connect(rows.path) as connection:
        connection.execute(f"UPDATE chunk SET {column} = ?", (value,))
    connection.close()
    place = np.array([0])
    assert rows.fetcher.chunks(7, place + 1, place) is None
    with pytest.raises(StoreCorrupt, match=r"checksum|slot 0 has the vector of row 1"):
        rows.by_python(place)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600))
def test_the_digest_is_blake2b(data):
    native = library.library()
    if native is None:
        pytest.skip("needs the compiled library (a C compiler at installation)")
    out = ctypes.create_string_buffer(16)
    native.nfr_digest(data, len(data), out)
    assert out.raw == blake2b(data, digest_size=16).digest()


def test_a_store_reads_the_same_without_the_compiled_library(tmp_path, monkeypatch):
    found = [
        Chunk(
            "a\ud800", "d", "lone \udfff\0", 0, 6, "/s", ("H",), 2, {"x": [1.5, "y"], "n": 10**30}
        ),
        Chunk("b", "b", 'plain "text"', 0, 12),
    ]
    vectors = np.eye(2, dtype=np.float32)
    with LocalStore.create(tmp_path / "c.nf", dimension=2) as store:
        store.add(found, vectors)
        fast = store.search(vectors, 2)
    monkeypatch.setattr(fetching, "library", lambda: None)
    with LocalStore.open(tmp_path / "c.nf") as store:
        for _ in range(2):  # with a transaction, and without
            assert store.search(vectors, 2) == fast
    assert [hit.chunk for hit in fast[0]] == found


def test_another_copy_of_sqlite_is_not_used():
    assert not library._is_pythons(lambda: 10_000)
