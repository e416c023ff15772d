"""Damage is found and named; what is whole is kept, and what is lost is listed."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import FormatVersionError, StoreCorrupt
from nearfield.stores.local import Fault, LocalStore, Mode, SourceState, verify
from nearfield.stores.local import repair as repair_module
from nearfield.stores.local.vectors import HEADER_BYTES, record_bytes
from nearfield.types import Chunk, FloatArray

DIMENSION = 16
RECORD = record_bytes(DIMENSION)
FILES, PER_FILE = 20, 30


def source(number: int) -> str:
    return f"/docs/{number}.md"


def chunks(number: int) -> list[Chunk]:
    name = source(number)
    return [
        Chunk(f"{name}#{n}", name, f"passage {n} of {name} " * 8, n, n + 9, name, ("Title",), n + 1)
        for n in range(PER_FILE)
    ]


def vectors(number: int) -> FloatArray:
    return np.random.default_rng(number).standard_normal((PER_FILE, DIMENSION)).astype(np.float32)


def ledger(number: int) -> SourceState:
    return SourceState(source(number), 9, 9, "ab" * 32, "spec", 1, PER_FILE, (), "2026")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Twenty files of thirty passages; one is deleted, one replaced, and one text is loose."""
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION, properties={"encoder": "m"}) as store:
        for number in range(FILES):
            store.replace([(ledger(number), chunks(number), vectors(number))])
        store.add([Chunk("loose", "loose", "loose text", 0, 10)], vectors(77)[:1])
        store.remove_source(source(3))
        store.upsert(chunks(4)[:1], vectors(99)[:1])
    return path


def contents(path: Path) -> dict[str, tuple[Chunk, list[float]]]:
    with LocalStore.open(path) as store:
        return {chunk.id: (chunk, vector.tolist()) for chunk, vector in store.scan()}


def flip(file: Path, place: int, bit: int = 0) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        (byte,) = opened.read(1)
        opened.seek(place)
        opened.write(bytes([byte ^ 1 << bit]))


def slot_of(path: Path, id_: str) -> int:
    with closing(sqlite3.connect(path / "collection.db")) as connection:
        return connection.execute("SELECT slot FROM chunk WHERE id = ?", (id_,)).fetchone()[0]


def place_of(path: Path, text: bytes) -> int:
    return (path / "collection.db").read_bytes().index(text)


def test_a_whole_collection_has_no_findings(path: Path) -> None:
    report = verify(path)
    assert (report.whole, report.chunks) == (True, (FILES - 1) * PER_FILE + 1)
    before = contents(path)
    repaired = LocalStore.repair(path)
    assert (repaired.lost, repaired.sources, repaired.kept) == ((), (), len(before))
    assert list(contents(path).items()) == list(before.items())
    assert verify(path).whole
    with LocalStore.open(path) as store:
        assert store.sources() == sorted(
            (ledger(n) for n in range(FILES) if n != 3), key=lambda state: state.path
        )
        assert store.properties == {"encoder": "m"}
    assert (repaired.aside / "collection.db").is_file()


def damage_vector(path: Path) -> None:
    flip(path / "vectors-000001.f32", HEADER_BYTES + slot_of(path, "/docs/7.md#5") * RECORD + 20)


def damage_head(path: Path) -> None:
    flip(path / "vectors-000001.f32", HEADER_BYTES + slot_of(path, "/docs/7.md#5") * RECORD)


def damage_text(path: Path) -> None:
    flip(path / "collection.db", place_of(path, b"passage 5 of /docs/7.md"))


def damage_slot(path: Path) -> None:
    with closing(sqlite3.connect(path / "collection.db")) as connection, connection:
        connection.execute("UPDATE chunk SET slot = 0 WHERE id = '/docs/7.md#5'")


def damage_nothing_but_the_header(path: Path) -> None:
    flip(path / "vectors-000001.f32", 11)


def damage_dead_mask(path: Path) -> None:
    with closing(sqlite3.connect(path / "collection.db")) as connection, connection:
        connection.execute("UPDATE dead SET bits = zeroblob(4096)")


FAULTS: list[tuple[Callable[[Path], None], Fault, str, bool]] = [
    (damage_vector, Fault.VECTOR, "vectors-000001.f32", True),
    (damage_head, Fault.SLOT, "vectors-000001.f32", True),
    (damage_text, Fault.ROW, "collection.db", True),
    (damage_slot, Fault.SLOT, "collection.db", True),
    (damage_nothing_but_the_header, Fault.VECTOR, "vectors-000001.f32", False),
    (damage_dead_mask, Fault.SLOT, "collection.db", False),
]


@pytest.mark.parametrize(("damage", "fault", "file", "loses"), FAULTS)
def test_damage_is_named_and_the_rest_recovered(
    path: Path, damage: Callable[[Path], None], fault: Fault, file: str, loses: bool
) -> None:
    before = contents(path)
    damage(path)
    findings = verify(path).findings
    assert (fault, file) in {(one.fault, one.file) for one in findings}
    report = LocalStore.repair(path)
    lost = ["/docs/7.md#5"] if loses else []
    assert [one.id for one in report.lost] == lost
    assert report.sources == (("/docs/7.md",) if loses else ())
    assert contents(path) == {id_: row for id_, row in before.items() if id_ not in lost}
    assert verify(path).whole
    with LocalStore.open(path) as store:
        state = store.source("/docs/7.md")
        assert state is not None
        assert (state.sha256 == "") is loses
    noted = (report.aside / "lost.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in noted] == lost


def test_a_lost_vector_leaves_its_text_in_the_list(path: Path) -> None:
    damage_vector(path)
    (lost,) = LocalStore.repair(path).lost
    assert lost.chunk == chunks(7)[5]


@pytest.mark.parametrize("left", [0, 50, HEADER_BYTES, HEADER_BYTES + 100 * RECORD + 7])
def test_a_truncated_vectors_file_is_named_and_its_start_recovered(path: Path, left: int) -> None:
    before = contents(path)
    slots = {id_: slot_of(path, id_) for id_ in before}
    file = path / "vectors-000001.f32"
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(StoreCorrupt, match=r"vectors-000001\.f32 is damaged.*nearfield repair"):
        contents(path)
    assert not verify(path).whole
    report = LocalStore.repair(path)
    whole = max(0, left - HEADER_BYTES) // RECORD
    assert contents(path) == {id_: row for id_, row in before.items() if slots[id_] < whole}
    assert {one.id for one in report.lost} == {i for i in before if slots[i] >= whole}
    assert verify(path).whole


def test_a_missing_vectors_file_is_named(path: Path) -> None:
    (path / "vectors-000001.f32").unlink()
    with pytest.raises(StoreCorrupt, match=r"vectors-000001\.f32 is damaged: it is missing"):
        contents(path)
    (finding,) = verify(path).findings
    assert finding.file == "vectors-000001.f32"
    assert LocalStore.repair(path).kept == 0


@pytest.mark.parametrize("seed", range(12))
def test_a_broken_page_loses_its_rows_only(path: Path, seed: int) -> None:
    before = contents(path)
    database = path / "collection.db"
    data = bytearray(database.read_bytes())
    page = random.Random(seed).randrange(2, len(data) // 8192)
    data[page * 8192 : (page + 1) * 8192] = random.Random(seed).randbytes(8192)
    database.write_bytes(data)
    try:
        report = LocalStore.repair(path)
    except StoreCorrupt as error:
        assert "description" in str(error) or "damaged" in str(error)
        assert database.read_bytes() == bytes(data)
        return
    after = contents(path)
    assert verify(path).whole
    assert {id_: row for id_, row in before.items() if id_ in after} == after
    # A page holds some thirty rows; no page above them takes more with it.
    assert len(after) > len(before) - 40
    named = {one.id for one in report.lost}
    assert set(before) - set(after) <= named or "" in named
    torn = {before[id_][0].source for id_ in set(before) - set(after)} - {""}
    with LocalStore.open(path) as store:
        known = {state.path for state in store.sources() if state.sha256}
    assert not torn & known


def test_flipped_bits_are_found_or_harmless_and_repaired(path: Path) -> None:
    before = contents(path)
    rng = random.Random(5)
    names = ["collection.db"] * 12 + ["vectors-000001.f32"] * 12
    whole = {name: (path / name).read_bytes() for name in set(names)}
    for name in names:
        flip(path / name, rng.randrange(len(whole[name])), rng.randrange(8))
        found = not verify(path).whole if _opens(path) else True
        if not found:
            assert contents(path) == before
        for other, data in whole.items():
            (path / other).write_bytes(data)


def _opens(path: Path) -> bool:
    try:
        LocalStore.open(path).close()
    except (StoreCorrupt, FormatVersionError):
        return False
    return True


@pytest.mark.parametrize("step", ["replace", "rename", "rmtree", "unlink"])
def test_a_repair_that_is_interrupted_is_finished_or_left(
    path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(path)
    damage_vector(path)
    expected = {id_: row for id_, row in before.items() if id_ != "/docs/7.md#5"}

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step == "rmtree":
            patch.setattr(repair_module, "finish_repair", _only_once(stop))
        else:
            patch.setattr(Path, step, stop)
        with pytest.raises(KeyboardInterrupt):
            LocalStore.repair(path)
    with LocalStore.open(path, mode=Mode.WRITE):
        pass
    if not verify(path).whole:
        LocalStore.repair(path)
    assert contents(path) == expected
    assert verify(path).whole


def _only_once(stop: Callable[..., None]) -> Callable[..., None]:
    calls: list[int] = []

    def called(*arguments: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            stop(*arguments)

    return called
