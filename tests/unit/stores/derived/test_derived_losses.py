"""Derived parts may be lost, damaged or of someone else: searches stay right, and it is told."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import StoreCorrupt, UnsupportedOperation
from nearfield.filters import parse
from nearfield.stores.local import Fault, LocalStore, SearchPath
from nearfield.stores.local.derived import following
from nearfield.types import Chunk

pytestmark = pytest.mark.usefixtures("low_limits", "every_candidate")

DIMENSION = 8
COUNT = 900
ODD = parse("odd = true and n < 800")
QUERIES = np.random.default_rng(1).standard_normal((4, DIMENSION)).astype(np.float32)


def fill(path: Path, seed: int = 0, count: int = COUNT) -> None:
    rng = np.random.default_rng(seed)
    chunks = [
        Chunk(f"p{n}", f"d{n % 9}", f"word{n % 7} all s{seed}n{n}", 0, 9,
              metadata={"n": n, "odd": n % 2 == 1})
        for n in range(count)
    ]  # fmt: skip
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add(chunks, rng.standard_normal((count, DIMENSION)).astype(np.float32))
        store.delete([f"p{n}" for n in range(0, count, 10)])
        store.build_graph(m=4, ef_construction=32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, compiled_search: None) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        from nearfield.stores.local import paths
        from nearfield.stores.local.derived import building

        patch.setattr(building, "EXACT_MOST", 300)
        patch.setattr(paths, "EXACT_MOST", 300)
        patch.setattr(building, "_STEP", 256)
        path = tmp_path_factory.mktemp("made") / "c.nf"
        fill(path)
        yield path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "c.nf"))


def parts(path: Path) -> Path:
    (folder,) = (path / "derived").glob("[0-9]*")
    return folder


def files(path: Path) -> list[Path]:
    return sorted(p for p in parts(path).rglob("*") if p.is_file())


def agree(store: LocalStore) -> None:
    """By vectors and by fields the answers are those of a look at everything."""
    wanted = store.search(QUERIES, 20, path=SearchPath.EXACT)
    found = store.search(QUERIES, 20)
    assert [[(h.chunk, h.score) for h in hits] for hits in found] == [
        [(h.chunk, h.score) for h in hits] for hits in wanted
    ]
    rows = [chunk for chunk, _ in store.scan()]
    odd = {c.id for c in rows if c.metadata["odd"] and c.metadata["n"] < 800}
    assert {h.chunk.id for h in store.search(QUERIES[:1], 10**6, where=ODD)[0]} == odd
    assert store.count(where=ODD) == len(odd)


def words_agree(store: LocalStore) -> None:
    with store.view() as view:
        ranking = view.lexical("word3", 10**6)
        found = {chunk.id for chunk in view.chunks(ranking.keys)}
    assert found == {chunk.id for chunk, _ in store.scan() if "word3 " in chunk.text}


def words_agree_or_are_refused(store: LocalStore) -> None:
    try:
        words_agree(store)
    except (UnsupportedOperation, StoreCorrupt) as error:
        assert "compact" in str(error) or "again" in str(error) or "build" in str(error), error


def whole(path: Path) -> None:
    """Everything is there, whole, and used."""
    with LocalStore.open(path) as store:
        assert store.verify().findings == ()
        assert store.problems == ()
        agree(store)
        words_agree(store)
        assert store.search(QUERIES, 3)[0][0].path == "quantised"
        assert store.search(QUERIES, 3, path=SearchPath.GRAPH)[0][0].path == "graph"


def test_the_whole_collection_is_whole(path: Path) -> None:
    whole(path)


def test_everything_derived_is_gone(path: Path) -> None:
    shutil.rmtree(path / "derived")
    with LocalStore.open(path) as store:
        agree(store)
        words_agree(store)
        assert store.verify().whole
    LocalStore.open(path, mode="w").close()
    with LocalStore.open(path) as store:
        assert (parts(path) / "text").is_dir()
        assert store.search(QUERIES, 3)[0][0].path == "quantised"
        words_agree(store)
        with pytest.raises(UnsupportedOperation, match="nearfield graph"):
            store.search(QUERIES, 3, path=SearchPath.GRAPH)


def test_too_many_texts_to_index_for_one_search(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(parts(path) / "text")
    monkeypatch.setattr(following, "_INDEXED_MOST", COUNT - 1)
    with (
        LocalStore.open(path) as store,
        store.view() as view,
        pytest.raises(UnsupportedOperation, match="nearfield compact"),
    ):
        view.lexical("word3", 3)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(path.stat().st_size))


def first_page_flipped(path: Path) -> None:
    with path.open("r+b") as file:
        byte = file.read(20)[19]
        file.seek(19)
        file.write(bytes([byte ^ 0x40]))


def removed(path: Path) -> None:
    path.unlink()


LOSSES = [emptied, halved, cut, garbage, first_page_flipped, removed]
PARTS = ["codes.nfc", "graph.nfg", "columns", "text", "text/manifest.json", "tuning.json"]


def victim(path: Path, part: str) -> Path:
    place = parts(path) / part
    return (
        next(p for p in files(path) if place in p.parents and p.suffix != ".json")
        if (place.is_dir())
        else place
    )


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_file_is_lost(path: Path, part: str, loss: Callable[[Path], None]) -> None:
    """Readers go on, verify names it, and the next writer makes it whole."""
    target = victim(path, part)
    with LocalStore.open(path) as before:
        agree(before)
        loss(target)
        with LocalStore.open(path) as store:
            agree(store)
            words_agree_or_are_refused(store)
            findings = store.verify().findings
            assert {finding.fault for finding in findings} <= {Fault.DERIVED}
            named = {finding.file for finding in findings}
        if loss is not removed or part in {"text", "text/manifest.json"}:
            assert named == {f"derived/000001/{Path(part).parts[0]}"}
        with LocalStore.open(path, mode="w") as writer:
            writer.upsert([Chunk("p1", "d1", "word1 all", 0, 9, metadata={"n": 1, "odd": True})],
                          QUERIES[:1])  # fmt: skip
        with LocalStore.open(path) as store:
            agree(store)
            words_agree(store)
            assert store.verify().findings == ()
            assert store.search(QUERIES, 3)[0][0].path == "quantised"
            if not (part == "graph.nfg" and loss is removed):
                store.search(QUERIES, 3, path=SearchPath.GRAPH)
        agree(before)
        words_agree(before)


@pytest.mark.parametrize("part", ["codes.nfc", "graph.nfg", "columns", "text"])
def test_flipped_bytes_are_named_and_compacting_makes_all_afresh(path: Path, part: str) -> None:
    """One byte somewhere inside: it may spoil proposals, never scores, and verify sees it."""
    target = victim(path, part)
    data = bytearray(target.read_bytes())
    used = np.flatnonzero(np.frombuffer(data, dtype=np.uint8))
    rng = random.Random(part)
    for at in rng.sample(used.tolist(), 6):
        target.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
        with LocalStore.open(path) as store:
            agree(store)
            words_agree_or_are_refused(store)
            (finding,) = store.verify().findings
            assert (finding.fault, finding.file) == (Fault.DERIVED, f"derived/000001/{part}")
            try:
                (hits,) = store.search(QUERIES[:1], 5, path=SearchPath.GRAPH)
            except UnsupportedOperation:
                assert part == "graph.nfg"
            else:
                exact = {h.chunk.id: h.score for h in store.search(QUERIES[:1], 10**6)[0]}
                assert all(exact[hit.chunk.id] == hit.score for hit in hits)
    with LocalStore.open(path, mode="w") as store:
        store.compact()
        assert len(store.problems) <= 1
    with LocalStore.open(path) as store:
        store.search(QUERIES[:1], 5, path=SearchPath.GRAPH)
    whole(path)


@pytest.mark.parametrize("part", ["codes.nfc", "graph.nfg", "columns", "text"])
def test_parts_of_another_collection_are_not_believed(
    path: Path, tmp_path: Path, part: str
) -> None:
    other = tmp_path / "other.nf"
    fill(other, seed=5)
    theirs, ours = parts(other) / part, parts(path) / part
    if ours.is_dir():
        shutil.rmtree(ours)
        shutil.copytree(theirs, ours)
    else:
        shutil.copy(theirs, ours)
    with LocalStore.open(path) as store:
        agree(store)
        words_agree_or_are_refused(store)
        (finding,) = store.verify().findings
        assert (finding.fault, finding.file) == (Fault.DERIVED, f"derived/000001/{part}")
        assert "collection" in finding.what
    LocalStore.open(path, mode="w").close()
    whole(path)


def test_parts_of_another_generation_are_not_believed(path: Path) -> None:
    earlier = path.parent / "earlier"
    shutil.copytree(parts(path), earlier)
    with LocalStore.open(path, mode="w") as store:
        store.compact()
    ours = parts(path)
    assert ours.name != "000001"
    shutil.rmtree(ours)
    shutil.copytree(earlier, ours)
    with LocalStore.open(path) as store:
        agree(store)
        words_agree_or_are_refused(store)
        named = {Path(finding.file).name for finding in store.verify().findings}
    assert named == {"codes.nfc", "graph.nfg", "columns", "text"}
    LocalStore.open(path, mode="w").close()
    whole(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("part", ["codes.nfc", "graph.nfg", "columns", "text"])
def test_files_that_may_not_be_read(path: Path, part: str) -> None:
    place = parts(path) / part
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        with LocalStore.open(path) as store:
            agree(store)
            words_agree_or_are_refused(store)
            assert {f.fault for f in store.verify().findings} == {Fault.DERIVED}
    finally:
        place.chmod(mode)


@pytest.mark.parametrize("part", ["codes.nfc", "columns", "text"])
def test_a_directory_where_a_file_should_be_and_the_reverse(path: Path, part: str) -> None:
    place = parts(path) / part
    if place.is_dir():
        shutil.rmtree(place)
        place.write_bytes(b"not a folder")
    else:
        place.unlink()
        place.mkdir()
    with LocalStore.open(path) as store:
        agree(store)
        assert [f.file for f in store.verify().findings] == [f"derived/000001/{part}"]
    LocalStore.open(path, mode="w").close()
    whole(path)


def test_damage_that_a_merge_meets_is_made_good(path: Path) -> None:
    """Purging deleted words reads all of the index: what is damaged is then made afresh."""
    target = max(parts(path).glob("text/segment-*"), key=lambda p: p.stat().st_size)
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 255
    target.write_bytes(data)
    with LocalStore.open(path, mode="w") as store:
        store.delete(["p1"])
    assert any("segment" in problem for problem in store.problems)
    whole(path)


def test_a_long_lived_reader_takes_up_what_was_made_good(path: Path) -> None:
    garbage(parts(path) / "codes.nfc")
    garbage(parts(path) / "text" / "manifest.json")
    with LocalStore.open(path) as reader:
        assert reader.search(QUERIES, 3)[0][0].path == "exact"
        assert len(reader.problems) == 2
        LocalStore.open(path, mode="w").close()
        agree(reader)
        words_agree(reader)
        assert reader.search(QUERIES, 3)[0][0].path == "quantised"
        assert reader.problems == ()


LIMITED = """
import resource, sys
import numpy as np
from nearfield.stores.local import LocalStore, paths
from nearfield.stores.local.derived import building
from nearfield.types import Chunk

building.EXACT_MOST = paths.EXACT_MOST = 300
building._STEP = 1000
path, limit = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(3)
with LocalStore.create(path, dimension=8) as store:
    for start in range(0, 400, 100):
        fields = [{"n": n, "odd": n % 2 == 1} for n in range(start, start + 100)]
        chunks = [Chunk(f"p{f['n']}", "d", f"word{f['n'] % 7} all", 0, 9, metadata=f)
                  for f in fields]
        store.add(chunks, rng.standard_normal((100, 8)).astype("f4"))
    store._builder.pause()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
print(*store.problems, sep="\\n")
"""


@pytest.mark.usefixtures("compiled_search")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file sizes are POSIX")
@pytest.mark.parametrize("limit", [270_000, 3000], ids=["codes", "all"])
def test_a_full_disk_leaves_derived_parts_out(tmp_path: Path, limit: int) -> None:
    """What is written is acknowledged and kept; what could not be derived is told."""
    path = tmp_path / "c.nf"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(limit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "derived could not be brought up to date" in done.stdout
    with LocalStore.open(path) as store:
        assert store.count() == 400
        assert store.search(QUERIES, 3)[0][0].path == "exact"
        agree(store)
        assert store.verify().whole
    LocalStore.open(path, mode="w").close()
    with LocalStore.open(path) as store:
        assert store.search(QUERIES, 3)[0][0].path == "quantised"
        agree(store)
        words_agree(store)


def test_limits_are_as_they_were() -> None:
    """The limit on file sizes belongs to the other process alone."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
