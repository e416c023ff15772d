"""A collection of format 1 opens, answers as it did, and is never left half changed."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nearfield.errors import FormatVersionError, StoreCorrupt, StoreFull
from nearfield.stores.local import LocalStore, Mode, migration
from nearfield.types import Chunk

ARCHIVE = Path(__file__).parent / "fixtures" / "format1.zip"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "format1.nf"


@pytest.fixture
def expected() -> Any:
    with zipfile.ZipFile(ARCHIVE) as archive:
        return json.loads(archive.read("expected.json"))


def check(store: LocalStore, expected: Any) -> None:
    found = []
    for chunk, vector in store.scan():
        found.append([chunk, vector.tolist()])
    rows = []
    for fields, vector in expected["rows"]:
        fields["headings"] = tuple(fields["headings"])
        rows.append([Chunk(**fields), vector])
    assert found == rows
    queries = np.random.default_rng(1).standard_normal((2, 8)).astype(np.float32)
    hits = [[[hit.chunk.id, hit.score] for hit in one] for one in store.search(queries, 5)]
    assert hits == expected["hits"]
    (source,) = store.sources()
    assert (source.path, source.problems[0].reason) == ("/docs/a.md", "half")
    assert store.properties["encoder"] == "some-model"
    assert store.fingerprint == "f" * 64


@pytest.mark.parametrize("mode", Mode)
def test_an_earlier_collection_opens_as_it_was(path: Path, expected: Any, mode: Mode) -> None:
    with LocalStore.open(path, mode=mode) as store:
        check(store, expected)
        assert {entry.name for entry in path.iterdir()} >= {"collection.db", "vectors-000001.f32"}
        assert not (path / "vectors.side").exists()
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        check(store, expected)
        fresh = Chunk("text-5", "text-5", "again", 0, 5)
        store.add([fresh], np.ones((1, 8), np.float32))
        assert [chunk for chunk, _ in store.scan()][-1] == fresh
        assert store.delete(["text-5", "text-0"]) == 2
        assert {entry.id for entry in store.documents()} == {
            "/docs/a.md", "text-1", "text-3", "text-4",
        }  # fmt: skip


def test_rows_of_deleted_passages_are_not_given_again(path: Path) -> None:
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        store.add([Chunk("z", "z", "z", 0, 1)], np.ones((1, 8), np.float32))
    with closing(sqlite3.connect(path / "collection.db")) as connection:
        (row,) = connection.execute("SELECT row FROM chunk WHERE id = 'z'").fetchone()
    assert row == 19  # 18 were given in format 1, the last of them deleted


def test_a_migration_that_is_interrupted_is_begun_again(
    path: Path, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for interrupted in ("_write_vectors", "sync_folder", "statements"):
        with monkeypatch.context() as patch:

            def stop(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(migration, interrupted, stop)
            with pytest.raises(KeyboardInterrupt):
                LocalStore.open(path, mode=Mode.WRITE)
        with closing(sqlite3.connect(path / "collection.db")) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    with LocalStore.open(path) as store:
        check(store, expected)


def test_a_reader_that_may_not_write_is_told_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = migration.WriterLock(path, timeout=0)
    with pytest.raises(FormatVersionError, match=r"format 1 .* reads format 2.*open it to write"):
        LocalStore.open(path)
    writer.release()

    def full(*_: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(migration, "_write_vectors", full)
    with pytest.raises(FormatVersionError, match="no room"):
        LocalStore.open(path)
    with pytest.raises(StoreFull):
        LocalStore.open(path, mode=Mode.WRITE)


def test_a_damaged_vector_stops_the_migration_and_changes_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path / "collection.db")) as connection, connection:
        connection.execute("UPDATE vector SET data = zeroblob(32) WHERE row = 2")
    with pytest.raises(StoreCorrupt, match="rows 1 to 17 lacks its checksum"):
        LocalStore.open(path, mode=Mode.WRITE)
    with closing(sqlite3.connect(path / "collection.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
