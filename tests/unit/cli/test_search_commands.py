"""Audit, explain, calibrate and graph as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nearfield.cli.main import _run

SUBJECTS = ["snow", "ice", "parka", "gloves", "frost", "knife", "pan", "oven", "steak", "bread",
            "beach", "sun", "umbrella", "sand", "sea", "surf", "swim", "cook", "kitchen", "cold",
            "winter"]  # fmt: skip


class Shell:
    """Runs commands and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = _run([str(argument) for argument in arguments])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str | Path) -> Any:
        assert self(*arguments, "--json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def indexed(shell: Shell, tmp_path: Path, words_file: Path) -> Path:
    """A folder of short files about one subject each."""
    root = tmp_path / "files"
    root.mkdir()
    for subject in SUBJECTS:
        text = (
            f"The {subject} is what we speak of here. People like the {subject} very much today. "
            f"Nobody forgets their first {subject} so soon."
        )
        (root / f"{subject}.txt").write_text(text, encoding="utf-8")
    assert shell("index", root, "--model", str(words_file)) == 0
    return root


def test_audit(shell: Shell, indexed: Path, tmp_path: Path) -> None:
    report = shell.json("audit", indexed, "-k", "3", "--sample", "7")
    assert (report["vectors"], report["k"], report["queries"]) == (21, 3, 7)
    assert [row["condition"] for row in report["rows"]] == ["all", "random 0.5", "random 0.1"]
    assert {(row["path"], row["recall"]) for row in report["rows"]} == {("exact", 1.0)}
    assert shell("audit", indexed) == 0
    assert "recall@10, target 0.99" in shell.out
    assert "1.0000" in shell.out
    questions = tmp_path / "questions.txt"
    questions.write_text("winter snow\n\nsteak in a pan\n", encoding="utf-8")
    assert shell.json("audit", indexed, "--queries", questions)["queries"] == 2
    questions.write_text("\n \n", encoding="utf-8")
    assert shell("audit", indexed, "--queries", questions) == 2
    assert "holds no question" in shell.err


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_explain(shell: Shell, indexed: Path, mode: str) -> None:
    found = shell.json("explain", "steak pan", "--in", indexed, "--mode", mode, "-k", "2")
    assert found["question"] == "steak pan"
    assert len(found["hits"]) == 2
    for each in found["hits"]:
        total = sum(term["score"] for term in each["words"]["terms"])
        assert each["words"]["score"] == pytest.approx(total, rel=1e-5)
    sources = {Path(each["hit"]["chunk"]["source"]).stem for each in found["hits"]}
    assert sources <= {"steak", "pan", "oven", "knife", "cook", "kitchen", "bread"}
    assert shell("explain", "steak", "--in", indexed, "--mode", mode, "-k", "1") == 0
    assert "meaning" in shell.out
    assert "× here, in 1 of 21 passages" in shell.out


@pytest.mark.usefixtures("compiled_search")
def test_the_graph_is_built_and_shown(shell: Shell, indexed: Path) -> None:
    assert shell("explain", "steak", "--in", indexed, "--hnsw") != 0
    assert "nearfield graph" in shell.err
    built = shell.json("graph", indexed, "-m", "4", "--ef-construction", "32")
    assert (built["vectors"], built["m"]) == (21, 4)
    assert shell("graph", indexed) == 0
    assert "21 vectors linked" in shell.out
    trace = shell.json("explain", "steak", "--in", indexed, "--hnsw", "-k", "2")["trace"]
    assert (trace["count"], trace["k"]) == (21, 2)
    assert len(trace["kept"]) <= 21
    assert trace["computed"] <= 22
    assert shell("explain", "steak", "--in", indexed, "--hnsw", "--ef", "8") == 0
    assert "steak is what we speak of" in shell.out


def test_calibrate(shell: Shell, indexed: Path) -> None:
    before = shell.json("search", indexed, "steak")
    assert {hit["confidence"] for hit in before["hits"]} == {None}
    found = shell.json("calibrate", indexed)
    assert found["questions"] == 42
    assert 0.0 <= found["auroc"] <= 1.0
    after = shell.json("search", indexed, "steak")
    assert all(0.0 <= hit["confidence"] <= 1.0 for hit in after["hits"])
    assert shell("calibrate", indexed, "--sample", "20") == 0
    assert "calibrated on 40 examples" in shell.out
    assert shell("search", indexed, "steak", "-k", "1") == 0
    assert "%" in shell.out


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid", "late"])
def test_search_in_every_mode(shell: Shell, indexed: Path, mode: str) -> None:
    found = shell.json("search", indexed, "umbrella", "--mode", mode, "-k", "2")
    assert found["mode"] == mode
    assert Path(found["hits"][0]["source"]).stem == "umbrella"


@pytest.mark.usefixtures("compiled_search")
def test_an_empty_collection(shell: Shell, tmp_path: Path, words_file: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    (root / "a.txt").write_text("snow and ice", encoding="utf-8")
    assert shell("index", root, "--model", str(words_file)) == 0
    (root / "a.txt").unlink()
    assert shell("index", root) == 0
    for command in (["audit", root], ["calibrate", root]):
        assert shell(*command) != 0
        assert "Traceback" not in shell.err
        assert shell.err.strip()
    assert shell("graph", root) == 0
    assert shell("explain", "snow", "--in", root) == 0
    assert shell("explain", "snow", "--in", root, "--hnsw") == 0
