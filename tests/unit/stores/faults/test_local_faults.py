"""What happens to the embedded store when the machine, the disk or a neighbour misbehaves."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nearfield.errors import (
    FormatVersionError,
    StoreCorrupt,
    StoreFull,
    StoreLocked,
)
from nearfield.stores.local import LocalStore, Mode
from nearfield.types import Chunk, FloatArray

DIMENSION = 16
BATCH = 25

# What the subprocesses below share with this file.
PRELUDE = """
import sys
import numpy as np
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk

def batch(number):
    ids = [f"{number}-{row}" for row in range(25)]
    vectors = np.random.default_rng(number).standard_normal((25, 16)).astype(np.float32)
    return [Chunk(i, str(number), f"text of {i} " * 20, 0, 9, source="s") for i in ids], vectors
"""


def batch(number: int) -> tuple[list[Chunk], FloatArray]:
    names: dict = {}
    exec(PRELUDE, names)
    return names["batch"](number)


def run(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A collection of ten batches, closed."""
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as store:
        for number in range(10):
            store.add(*batch(number))
    return path


def contents(path: Path) -> list[tuple[Chunk, list[float]]]:
    with LocalStore.open(path) as store:
        return [(chunk, vector.tolist()) for chunk, vector in store.scan()]


def answers(store: LocalStore) -> list[list[tuple[str, float]]]:
    _, queries = batch(999)
    return [[(h.chunk.id, h.score) for h in hits] for hits in store.search(queries[:3], 5)]


WRITER = """
store = LocalStore.open(sys.argv[1], mode="w")
print("open", flush=True)
number = int(sys.argv[2])
while True:
    store.add(*batch(number))
    if number % 3 == 0:
        store.delete([f"{number - 1}-{row}" for row in range(25)])
    print(number, flush=True)
    number += 1
"""


def test_a_creation_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    path.mkdir()
    for left in (".collection.db.4711.new", "writer.lock", "writer.json"):
        (path / left).write_bytes(b"half")
    with LocalStore.create(path, dimension=2) as store:
        assert store.count() == 0


def test_the_second_writer_is_told_who_writes(path: Path) -> None:
    process = run(
        "store = LocalStore.open(sys.argv[1], mode='w'); print('open', flush=True); input()", path
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with pytest.raises(StoreLocked, match=rf"process {process.pid}, started \d{{4}}-"):
            LocalStore.open(path, mode=Mode.WRITE, timeout=0.2)
        with LocalStore.open(path) as reader:
            assert reader.count() == 10 * BATCH
    finally:
        process.kill()
        process.communicate()
    with LocalStore.open(path, mode=Mode.WRITE, timeout=5) as store:
        with pytest.raises(StoreLocked, match=f"process {os.getpid()},"):
            LocalStore.open(path, mode=Mode.WRITE, timeout=0)
        store.add(*batch(50))


def test_the_second_writer_waits_its_turn(path: Path) -> None:
    first = LocalStore.open(path, mode=Mode.WRITE)
    timer = threading.Timer(0.3, first.close)
    timer.start()
    with LocalStore.open(path, mode=Mode.WRITE, timeout=30) as second:
        second.add(*batch(50))
    timer.join()
    assert len(contents(path)) == 11 * BATCH


def test_readers_see_whole_batches_beside_a_writer(path: Path) -> None:
    process = run(
        """
store = LocalStore.open(sys.argv[1], mode="w")
for number in range(10, 60):
    store.add(*batch(number))
    store.delete([f"{number - 10}-{row}" for row in range(25)])
store.close()
""",
        path,
    )
    with LocalStore.open(path) as store:
        while process.poll() is None:
            (hits,) = store.search(batch(0)[1][:1], 10**6)
            numbers = [hit.chunk.document_id for hit in hits]
            assert {numbers.count(one) for one in set(numbers)} == {BATCH}
            assert len(set(numbers)) in (10, 11)
            assert store.count() % BATCH == 0
            scanned = [chunk.document_id for chunk, _ in store.scan()]
            assert {scanned.count(one) for one in set(scanned)} == {BATCH}
    finish(process)
    assert {int(chunk.document_id) for chunk, _ in contents(path)} == set(range(50, 60))


def test_a_full_database_keeps_everything_before(path: Path) -> None:
    before = contents(path)
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        with store._database.writer() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        big = [Chunk(f"big{n}", "big", "x" * 100_000, 0, 9) for n in range(BATCH)]
        with pytest.raises(StoreFull, match=r"no room .* rolled back .* free some space"):
            store.add(big, batch(70)[1])
        assert store.count() == len(before)
        with store._database.writer() as connection:
            connection.execute("PRAGMA max_page_count = 100000")
        store.add(*batch(71))
    assert contents(path)[: len(before)] == before
    assert len(contents(path)) == len(before) + BATCH


def test_a_disk_that_refuses_writes_keeps_everything_acknowledged(path: Path) -> None:
    before = contents(path)
    output = finish(
        run(
            """
import resource
from nearfield.errors import StoreFull
store = LocalStore.open(sys.argv[1], mode="w")
limit = 600_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
done = 100
try:
    while True:
        store.add(*batch(done))
        done += 1
except StoreFull as error:
    print(done)
    store.close()
""",
            path,
        )
    )
    acknowledged = [chunk.id for n in range(100, int(output)) for chunk in batch(n)[0]]
    after = contents(path)
    assert after[: len(before)] == before
    assert [chunk.id for chunk, _ in after[len(before) :]] == acknowledged
    with LocalStore.open(path, mode=Mode.WRITE, timeout=1) as store:
        store.add(*batch(99))


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that any account can reach (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="nearfield-"))
    folder.chmod(0o755)
    yield folder
    for entry in [folder, *folder.rglob("*")]:
        if entry.is_dir():
            entry.chmod(0o755)
    shutil.rmtree(folder)


READER = """
import json, os
import filelock  # everything is imported before the rights to read it may be gone
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
from nearfield.errors import StoreError
try:
    store = LocalStore.open(sys.argv[1], mode=sys.argv[2])
    queries = batch(999)[1][:3]
    found = [[(h.chunk.id, h.score) for h in hits] for hits in store.search(queries, 5)]
    assert len(list(store.scan())) == 250
    store.close()
    print(json.dumps(found))
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folder permissions are POSIX")
def test_a_read_only_folder_can_be_searched(path: Path, public_folder: Path) -> None:
    place = public_folder / "c.nf"
    shutil.copytree(path, place)
    with LocalStore.open(path) as store:
        expected = answers(store)
    for entry in place.iterdir():
        entry.chmod(0o444)
    place.chmod(0o555)
    found = json.loads(finish(run(READER, place, "r")))
    assert [[tuple(hit) for hit in hits] for hits in found] == expected
    assert {e.name for e in place.iterdir()} >= {"collection.db"}
    assert finish(run(READER, place, "w")).startswith("StoreReadOnly")


@pytest.mark.skipif(sys.platform == "win32", reason="folder permissions are POSIX")
def test_a_read_only_folder_with_a_waiting_log_is_refused(path: Path, public_folder: Path) -> None:
    process = run(WRITER, path, 10)
    assert process.stdout is not None
    while process.stdout.readline() != "12\n":
        pass
    process.kill()
    process.communicate()
    place = public_folder / "c.nf"
    place.mkdir()
    for name in ("collection.db", "collection.db-wal", "vectors-000001.f32"):
        shutil.copy(path / name, place / name)
        (place / name).chmod(0o444)
    place.chmod(0o555)
    found = finish(run(READER, place, "r"))
    assert re.match(r"StoreReadOnly .*collection\.db-wal holds changes", found)


def test_a_flipped_bit_in_the_database_is_found_or_harmless(path: Path) -> None:
    expected = contents(path)
    database = path / "collection.db"
    with LocalStore.open(path) as store:
        found = answers(store)
    whole = database.read_bytes()
    rng = random.Random(1)
    caught = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        database.write_bytes(damaged)
        try:
            assert contents(path) == expected
            with LocalStore.open(path) as store:
                assert answers(store) == found
        except (StoreCorrupt, FormatVersionError) as error:
            assert "collection.db" in str(error)
            caught += 1
    assert caught > 20


@pytest.mark.parametrize("left", [0, 10, 100, 5_000, 20_000, 100_000])
def test_a_truncated_database_is_named(path: Path, left: int) -> None:
    database = path / "collection.db"
    database.write_bytes(database.read_bytes()[:left])
    with pytest.raises(StoreCorrupt, match=r"collection\.db .*(Restore|restore).* from a copy"):
        contents(path)


def test_another_format_is_refused_with_both_versions(path: Path) -> None:
    with sqlite3.connect(path / "collection.db") as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    for mode in Mode:
        with pytest.raises(FormatVersionError, match=r"format 7 .* reads format 2: upgrade"):
            LocalStore.open(path, mode=mode, timeout=0)
    with sqlite3.connect(path / "collection.db") as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    assert len(contents(path)) == 250


def test_another_sqlite_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.nf").mkdir()
    with sqlite3.connect(tmp_path / "c.nf" / "collection.db") as connection:
        connection.execute("CREATE TABLE cookies (a)")
    connection.close()
    with pytest.raises(StoreCorrupt, match="no collection's database"):
        LocalStore.open(tmp_path / "c.nf")


def test_an_interrupt_in_a_batch_rolls_it_back(path: Path) -> None:
    rows, vectors = batch(40)
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        with pytest.raises(KeyboardInterrupt), store._writer.operation() as connection:
            store._writer.put(connection, rows, vectors, {})
            raise KeyboardInterrupt
        assert store.count() == 250
        store.add(rows, vectors)
        assert store.count() == 275
        assert answers(store)
