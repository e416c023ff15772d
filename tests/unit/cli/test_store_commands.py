"""The commands that look after a collection's files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nearfield.cli import main
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "c.nf"
    with LocalStore.create(place, dimension=4) as store:
        vectors = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
        store.add([Chunk(f"p{n}", f"p{n}", f"text {n}", 0, 6) for n in range(20)], vectors)
        store.delete(["p3"])
    return place


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0), capsys.readouterr().out


def texts(place: Path) -> Sequence[str]:
    with LocalStore.open(place) as store:
        return [chunk.text for chunk, _ in store.scan()]


def test_verify_and_repair(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "verify", place)
    assert (code, out.startswith("19 passages in"), out.endswith(": whole\n")) == (0, True, True)
    with (place / "vectors-000001.f32").open("r+b") as file:
        file.seek(4096 + 20)
        file.write(b"\xff")
    code, out = run(capsys, "verify", place, "--json")
    report = json.loads(out)
    assert (code, report["whole"]) == (5, False)
    assert report["findings"][0]["file"] == "vectors-000001.f32"
    code, out = run(capsys, "verify", place)
    assert (code, "nearfield repair" in out) == (5, True)
    code, out = run(capsys, "repair", place)
    assert code == 0
    assert "lost p0: its vector" in out
    assert "18 passages kept, 1 lost" in out
    assert run(capsys, "verify", place)[0] == 0
    assert len(texts(place)) == 18


def test_copies_and_exports(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run(capsys, "compact", place, "--json")
    sizes = json.loads(out)
    assert (code, sizes["bytes_after"] < sizes["bytes_before"]) == (0, True)
    assert run(capsys, "snapshot", place, tmp_path / "s.nf")[0] == 0
    assert run(capsys, "export", place, tmp_path / "out.jsonl")[0] == 0
    assert run(capsys, "import", tmp_path / "out.jsonl", tmp_path / "i.nf")[0] == 0
    assert texts(tmp_path / "s.nf") == texts(tmp_path / "i.nf") == texts(place)
    assert run(capsys, "snapshot", place, tmp_path / "s.nf")[0] == 5
    assert run(capsys, "export", place, tmp_path / "out.jsonl")[0] == 2
