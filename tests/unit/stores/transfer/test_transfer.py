"""Export and import give the same collection, whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError, StoreError
from nearfield.metric import Metric
from nearfield.stores.local import LocalStore, SourceState, verify
from nearfield.stores.transfer import Form, export_store, import_store
from nearfield.types import Chunk, FloatArray, Problem

NAMES = {Form.PARQUET: "out.parquet", Form.NPY: "out", Form.JSONL: "out.jsonl"}
STATE = SourceState(
    "/docs/caf\udce9.md", 2**40, 7, "ab" * 32, "spec", 1, 2, (Problem("x", "half"),), "2026"
)


def vectors(count: int) -> FloatArray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((count, 5)) * 10.0 ** rng.integers(-30, 30, (count, 1))).astype(
        np.float32
    )


CHUNKS = [
    Chunk("a", "a", "plain text", 0, 10),
    Chunk("", "", "", 0, 0),
    Chunk("caf\udce9#0", "/docs/caf\udce9.md", "bad \ud800 text\0", 1, 11, "/docs/caf\udce9.md"),
    Chunk("日本", "日本", "🙂 e\u0301\r\n\u2028", 5, 10, headings=("T", "日"), page=3),
    Chunk(
        "m",
        "m",
        "x" * 5000,
        2**40,
        2**40 + 1,
        metadata={"big": 2**80, "float": 0.1 + 0.2, "no": False, "list": [1, "a", None], "": "q"},
    ),
]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    with LocalStore.create(
        tmp_path / "c.nf",
        dimension=5,
        metric=Metric.EUCLIDEAN,
        fingerprint="f" * 64,
        properties={"encoder": "m", "odd": "\ud800"},
    ) as store:
        store.add([*CHUNKS, Chunk("gone", "gone", "gone", 0, 4)], vectors(len(CHUNKS) + 1))
        store.record_source(STATE)
        store.delete(["gone"])
        yield store


@pytest.mark.parametrize("form", Form)
def test_what_goes_out_comes_in(store: LocalStore, tmp_path: Path, form: Form) -> None:
    path, again = tmp_path / NAMES[form], tmp_path / "again.nf"
    assert export_store(store, path) == len(CHUNKS)
    assert import_store(path, again) == len(CHUNKS)
    with LocalStore.open(again) as copy:
        assert [chunk for chunk, _ in copy.scan()] == CHUNKS
        ids = [chunk.id for chunk in CHUNKS]
        assert copy.vectors(ids).tobytes() == store.vectors(ids).tobytes()
        assert copy.properties == store.properties
        assert copy.sources() == [STATE]
        assert (copy.metric, copy.fingerprint) == (Metric.EUCLIDEAN, "f" * 64)
    assert verify(again).whole
    with pytest.raises(InputError, match="exists already"):
        export_store(store, path)
    with pytest.raises(StoreError, match=r"holds|already"):
        import_store(path, again)
    assert verify(again).whole


@pytest.mark.parametrize("form", Form)
def test_an_empty_collection_travels_too(tmp_path: Path, form: Form) -> None:
    with LocalStore.create(tmp_path / "c.nf", dimension=3) as store:
        export_store(store, tmp_path / NAMES[form])
    assert import_store(tmp_path / NAMES[form], tmp_path / "again.nf") == 0


def test_other_programs_read_the_vectors(store: LocalStore, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    ids = [chunk.id for chunk in CHUNKS]
    expected = store.vectors(ids)
    export_store(store, tmp_path / "out")
    assert np.load(tmp_path / "out" / "vectors.npy").tobytes() == expected.tobytes()
    lines = (tmp_path / "out" / "chunks.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["text"] == "plain text"
    export_store(store, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert np.array(table["vector"].to_pylist(), np.float32).tobytes() == expected.tobytes()
    assert table["id"].to_pylist()[3] == "日本"


def test_a_cut_off_export_is_refused_and_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    path, target = tmp_path / "out.jsonl", tmp_path / "again.nf"
    export_store(store, path)
    lines = path.read_bytes().splitlines(keepends=True)
    for data, message in (
        (b"".join(lines[:-1]), "4 of its 5 passages"),
        (b"".join(lines)[:-40], "line 6"),
        (b"{}\n", "no export of a collection"),
        (b'{"id": 1}\n', "no export"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=message):
            import_store(path, target)
        assert not target.exists()
    (tmp_path / "out.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="no whole Parquet"):
        import_store(tmp_path / "out.parquet", target)
    with pytest.raises(InputError, match="does not exist"):
        import_store(tmp_path / "nowhere.jsonl", target)
    with pytest.raises(InputError, match=r"ends in '\.csv'"):
        export_store(store, tmp_path / "out.csv")


def test_a_failed_export_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    data = tmp_path / "c.nf" / "vectors-000001.f32"
    whole = bytearray(data.read_bytes())
    whole[-5] ^= 1
    data.write_bytes(whole[: -36 * 1])
    for name in NAMES.values():
        with pytest.raises(StoreError), LocalStore.open(tmp_path / "c.nf") as reader:
            export_store(reader, tmp_path / name)
        assert not (tmp_path / name).exists()
    data.write_bytes(whole)
    assert [p.name for p in tmp_path.iterdir()] == ["c.nf"]
