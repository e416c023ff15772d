"""From a folder to a recommendation that runs, and back to a figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nearfield.cli import main
from nearfield.collection import open_collection
from nearfield.errors import InputError
from nearfield.search.options import Mode
from nearfield.selection import applying, toml
from nearfield.selection.pipeline import ModelChoice, Pipeline, SearchChoice, Storage
from nearfield.stores.local import SearchPath
from nearfield.types import Role


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0), capsys.readouterr().out


@pytest.fixture
def questions(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "asked.jsonl"
    rows = [
        {"question": "gloves against frost", "documents": ["winter.txt"]},
        {"question": "bread from the oven", "documents": ["kitchen.txt"]},
        {"question": "swim in the sea", "documents": "sea.txt"},
        {"question": "who knows", "documents": ["nothing.txt"]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_choose_index_search_check(
    folder: Path,
    questions: Path,
    words_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "decision"
    code, said = run(
        capsys, "choose", folder, "--questions", questions, "--models", words_file,
        "--chunkers", "tokens:20", "--modes", "dense,hybrid", "--budget", "5m", "--out", out,
        "--json",
    )  # fmt: skip
    found = json.loads(said)
    assert code == 0
    assert found["data"]["labels"] == "given"
    assert found["points"][found["recommended"]]["quality"] == 1.0
    assert "left out, no document answers it: 'who knows'" in str(found["data"]["problems"])
    assert found["actual"]["repeated"] == 0
    assert {path.name for path in out.iterdir()} == {
        "pipeline.toml", "decision.html", "decision.md", "decision.json", "journal.jsonl",
    }  # fmt: skip
    place = tmp_path / "c.nf"
    pipeline = out / "pipeline.toml"
    code, _ = run(capsys, "index", folder, "--pipeline", pipeline, "--to", place)
    assert code == 0
    code, said = run(capsys, "search", place, "frost", "--json")
    hits = json.loads(said)
    assert hits["mode"] == toml.read(pipeline).search.mode.value
    assert hits["hits"][0]["source"].endswith("winter.txt")
    asked = ("--folder", folder, "--questions", questions)
    code, said = run(capsys, "check", pipeline, *asked, "--min", "mrr@10=0.9")
    assert (code, "passed: mrr@10 is 1.0000" in said) == (0, True)
    report = tmp_path / "report.xml"
    code, said = run(
        capsys, "check", pipeline, *asked, "--min", "precision@10=0.9", "--junit", report, "--json"
    )
    assert (code, json.loads(said)["passed"]) == (1, False)
    assert 'failures="1"' in report.read_text(encoding="utf-8")


def test_forecast_counts(
    folder: Path, words_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "forecast", folder, "--model", words_file, "-m", "none", "--json")
    found = json.loads(said)
    assert (code, found["documents"], found["sampled"]) == (0, 3, 3)
    (model,) = found["models"]
    assert (model["passages"], model["money"]) == (3, 0.0)
    assert model["tokens"] > 0 and model["seconds"] > 0 and model["memory"] > 0
    assert "no model is called 'none'" in found["failed"]["none"]


def test_a_pipeline_is_run_as_it_says(
    folder: Path, words_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = Pipeline(
        ModelChoice(str(words_file), dimensions=8, document_prompt="snow "),
        storage=Storage(path=SearchPath.QUANTISED, recall=0.9),
        search=SearchChoice(k=2, mode=Mode.HYBRID, dense_weight=0.6),
    )
    file, place = tmp_path / "pipeline.toml", tmp_path / "c.nf"
    toml.write(pipeline, file)
    assert run(capsys, "index", folder, "--pipeline", file, "--to", place)[0] == 0
    with open_collection(place) as collection:
        assert collection.encoder.card.dimension == 8
        assert collection.encoder.card.prompts == {Role.DOCUMENT: "snow "}
        hits = collection.search("frost")
        assert (len(hits), hits[0].path) == (2, "quantised+lexical")
        assert collection.search("frost", mode="dense")[0].path == "exact"
    assert run(capsys, "index", folder, "--pipeline", file, "--to", place)[0] == 0
    assert run(capsys, "index", folder, "--pipeline", file, "--model", "x")[0] == 2
    with pytest.raises(InputError) as refused:
        applying.open_as(Pipeline(pipeline.model), place)
    assert str(refused.value) == (
        f"{place} was made otherwise than the pipeline says (k: 2, not 10; mode: hybrid, not dense;"
        " path: quantised, not auto; dense weight: 0.6, not 0.8; recall target: 0.9, not 0.99). "
        "Name a new collection with --to"
    )


def test_a_collection_with_the_usual_search_takes_a_pipeline_that_wants_it(
    folder: Path, words_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "c.nf"
    assert run(capsys, "index", folder, "--model", words_file, "--to", place)[0] == 0
    applying.open_as(Pipeline(ModelChoice(str(words_file))), place).close()
    with pytest.raises(InputError, match=r"\(rerank: none, not overlap\)"):
        search = SearchChoice(rerank="overlap")
        applying.open_as(Pipeline(ModelChoice(str(words_file)), search=search), place)


def test_a_graph_is_built_where_a_pipeline_walks_one(
    folder: Path,
    words_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    compiled_search: None,
) -> None:
    file, place = tmp_path / "pipeline.toml", tmp_path / "c.nf"
    storage = Storage(path=SearchPath.GRAPH)
    toml.write(Pipeline(ModelChoice(str(words_file)), storage=storage), file)
    assert run(capsys, "index", folder, "--pipeline", file, "--to", place)[0] == 0
    with open_collection(place) as collection:
        assert collection.search("frost")[0].path == "graph"
