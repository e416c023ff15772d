"""The commands that look at vectors and move them to another model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nearfield.cli import main
from nearfield.collection import open_collection
from nearfield.protocols import Encoder

WORDS = ["snow", "ice", "parka", "gloves", "knife", "pan", "oven", "bread", "beach", "sun", "surf"]


@pytest.fixture
def place(tmp_path: Path, words_file: Path) -> Path:
    place = tmp_path / "c.nf"
    chance = np.random.default_rng(2)
    with open_collection(place, encoder=str(words_file)) as collection:
        collection.add([f"{' '.join(chance.choice(WORDS, 4))} {at}" for at in range(60)])
    return place


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_health(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "health", place)
    assert code == 0
    for said in ("60 passages", "anisotropy", "hubness", "usual ≤ 1.4", "ledger: 0 passages cut"):
        assert said in out
    code, out = run(capsys, "health", place, "--json")
    found = json.loads(out)
    figures = {each["name"]: each for each in found["figures"]}
    assert figures["unusable vectors"]["value"] == 0
    assert figures["unusable vectors"]["usual"] is True
    assert found["ledger"] == {"truncated": 0, "left_out": 0, "by_hand": 60}
    assert len(found["hubs"]) == 3


def test_drift(
    place: Path, tmp_path: Path, words_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "before.nf"
    assert run(capsys, "snapshot", place, copy)[0] == 0
    code, out = run(capsys, "drift", copy, place)
    assert (code, "no drift" in out) == (0, True)
    assert "60 passages in both, 0.0% with another vector, 100.0% of their 10 nearest stayed" in out
    with open_collection(place, encoder=str(words_file)) as collection:
        collection.add([f"oven bread pan {at}" for at in range(80)])
    code, out = run(capsys, "drift", copy, place, "--json")
    found = json.loads(out)
    assert found["drift"]["discrepancy"]["p"] < 0.05
    assert found["drift"]["moved"]["common"] == 60
    assert "drifted" in run(capsys, "drift", copy, place)[1]


def test_migrate_there_and_back(
    place: Path, words_file: Path, capsys: pytest.CaptureFixture[str], encoder: Encoder
) -> None:
    model = ("--model", words_file, "--dimensions", 6)
    code, out = run(capsys, "migrate", place, *model, "--dry-run")
    assert (code, "(16 dimensions)" in out, "60 passages, 0 copied already" in out) == (
        0,
        True,
        True,
    )
    code, out = run(capsys, "migrate", place, *model, "--prepare")
    assert (code, "60 passages embedded" in out, "of the ten nearest stay" in out) == (
        0,
        True,
        True,
    )
    assert "--finish switches" in out
    code, out = run(capsys, "migrate", place, "--finish", "--json")
    found = json.loads(out)
    assert (code, found["switched"]["passages"]) == (0, 60)
    assert found["copied"]["kept"] == 60
    with open_collection(place) as collection:
        assert collection.store.dimension == 6
        assert collection.search("parka and snow", k=1)
    assert run(capsys, "migrate", place, "--rollback")[0] == 0
    with open_collection(place) as collection:
        assert collection.store.dimension == 16
    code, out = run(capsys, "migrate", place, "--forget")
    assert (code, "given back" in out) == (0, True)
    assert run(capsys, "migrate", place, "--rollback")[0] == 2
    assert run(capsys, "migrate", place, "--finish", "--forget")[0] == 2
