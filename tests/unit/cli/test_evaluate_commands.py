"""``nearfield evaluate`` and ``nearfield leaderboard`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.unit.evaluation.letters import Letters

from nearfield.cli.app import app
from nearfield.errors import UnknownName


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, **_: object) -> Letters:
        if name == "broken":
            raise UnknownName("no model is called 'broken'")
        return Letters(name, "abcdefghijklmnopqrstuvwxyz"[: 26 if name != "half" else 5])

    monkeypatch.setattr("nearfield.models.resolve.load", load)


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    rows = ["sentence1\tsentence2\tscore"]
    rows += [f"xyzw{c}\tx{c}{c}{'pq'[n % 2]}{'z' * n}\t{n}" for n, c in enumerate("abcdefghij")]
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_one_model(pairs: str) -> None:
    found = run("evaluate", "letters", pairs)
    assert found.exit_code == 0, found.output
    assert found.output.startswith("letters on pairs (sts, pairs): 10 pairs")
    assert "spearman" in found.output and "95% interval" in found.output
    assert "seed 42" in found.output


def test_several_models_one_of_which_fails(pairs: str) -> None:
    found = run("evaluate", "letters", "same", "broken", pairs, "--compare")
    assert found.exit_code == 1
    assert found.output.count("tie for best") == 2
    assert "letters − same" in found.output and "paired bootstrap" in found.output
    assert "failed: broken: UnknownName: no model is called 'broken'" in found.output


def test_json_holds_reports_tests_and_failures(pairs: str) -> None:
    found = run("evaluate", "letters", "half", "broken", pairs, "--json", "--seed", "7")
    whole = json.loads(found.stdout)
    assert {report["system"]["name"] for report in whole["reports"]} == {"letters", "half"}
    assert {report["options"]["seed"] for report in whole["reports"]} == {7}
    assert whole["comparisons"][0]["verdict"] and whole["failures"][0]["system"] == "broken"
    assert whole["level"] == 0.05


def test_what_is_recorded_is_ranked(pairs: str) -> None:
    assert "no figures in" in run("leaderboard").output
    saved = run("evaluate", "letters", "half", pairs, "--save")
    assert saved.output.count("recorded: ") == 2
    shown = run("leaderboard")
    assert shown.output.startswith("sts by spearman")
    board = json.loads(run("leaderboard", "--json", "--method", "mean-rank").stdout)["boards"][0]
    assert board["tasks"] == ["pairs"]
    assert {place["system"] for place in board["places"]} == {"letters", "half"}
    assert "no figures" in run("leaderboard", "--kind", "retrieval").output


def test_results_of_mteb_are_imported(tmp_path: Path) -> None:
    folder = tmp_path / "org__model" / "rev"
    folder.mkdir(parents=True)
    part = {"cosine_spearman": 0.5, "main_score": 0.5, "hf_subset": "default"}
    whole = {"task_name": "STS12", "scores": {"test": [part]}}
    (folder / "STS12.json").write_text(json.dumps(whole))
    found = run("leaderboard", "--import", str(tmp_path))
    assert "imported: 1 figure" in found.output and "0.5000*" in found.output
    assert "* imported, not measured here" in found.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["PAIRS"], "name a model before the task, or a --collection"),
        (["letters", "nowhere"], "does not exist"),
        (["letters", "PAIRS", "--measure", "spearmann"], "did you mean 'spearman'"),
        (["letters", "PAIRS", "--kind", "clustering"], "cannot be clustering"),
    ],
)
def test_wrong_usage(pairs: str, arguments: list[str], told: str) -> None:
    found = run("evaluate", *(pairs if each == "PAIRS" else each for each in arguments))
    assert found.exit_code != 0
    assert told in found.output + str(found.exception)
