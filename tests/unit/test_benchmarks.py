"""The measures that the published figures are compared with, and the page made from results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.data import passages, scifact, stsbenchmark
from benchmarks.harness import (
    BenchmarkError,
    Check,
    Context,
    DataMissing,
    Outcome,
    at_least,
    at_most,
    clean_environment,
    interleave,
    run_process,
    summary,
    within,
)
from benchmarks.page import files, filled, render
from benchmarks.results import RESULTS, newest, origin, record, save

from nearfield.evaluation.tasks.retrieval import whole_text


class TestChecks:
    def test_within_counts_the_border_in(self) -> None:
        assert within("x", 64.61, 64.51, 0.1).holds
        assert not within("x", 64.612, 64.51, 0.1).holds
        assert within("x", 64.61, 64.51, 0.1).target == "64.51 ± 0.1"

    def test_limits(self) -> None:
        assert at_most("x", 0.29, 0.3, "s") == Check("x", 0.29, "s", "< 0.3 s", True)
        assert not at_most("x", 0.3, 0.3).holds
        assert at_least("x", 1.0, 1.0).holds
        assert at_least("x", 0.99, 1.0, required=False).required is False

    def test_summary_is_the_median_with_every_run(self) -> None:
        assert summary([3.0, 1.0, 2.00004], 3) == {"median": 2.0, "runs": [3.0, 1.0, 2.0]}

    def test_contenders_take_turns(self) -> None:
        order: list[str] = []

        def contender(name: str) -> float:
            order.append(name)
            return float(len(order))

        found = interleave(
            2, {"a": lambda: contender("a"), "b": lambda: contender("b")}, warm_up=False
        )
        assert order == ["a", "b", "b", "a"]
        assert found == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


class TestProcesses:
    def test_environment_holds_no_blas_pin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
        found = clean_environment({"MINE": "1"})
        assert "OPENBLAS_CORETYPE" not in found
        assert found["MINE"] == "1"
        assert found["HF_HUB_OFFLINE"] == "1"

    def test_failure_says_what_the_process_said(self) -> None:
        import sys

        with pytest.raises(BenchmarkError, match=r"exits with 3: gone"):
            run_process([sys.executable, "-c", "import sys; sys.stderr.write('gone'); sys.exit(3)"])


class TestData:
    def test_generated_passages_are_the_same_every_time(self) -> None:
        first, second = passages(None, 20), passages(None, 20)
        assert first == second
        assert first.origin == "generated"
        assert len(set(first.texts)) == 20

    def test_missing_data_names_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataMissing, match=r"scifact: --data FOLDER"):
            scifact(tmp_path)

    def test_retrieval_layout(self, tmp_path: Path) -> None:
        import gzip

        folder = tmp_path / "scifact"
        (folder / "qrels").mkdir(parents=True)
        with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as out:
            out.write('{"_id": "7", "title": "A title", "text": "and text"}\n')
        (folder / "queries.jsonl").write_text(
            '{"_id": "1", "text": "asked"}\n{"_id": "2", "text": "of another split"}\n'
        )
        (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\t7\t1\n")
        task = scifact(tmp_path)
        assert [whole_text(each) for each in task.documents.values()] == ["A title and text"]
        assert task.queries == {"1": "asked"}
        assert task.qrels == {"1": {"7": 1}}

    def test_pair_layout_keeps_quotes(self, tmp_path: Path) -> None:
        (tmp_path / "stsb").mkdir()
        (tmp_path / "stsb" / "test.tsv").write_text(
            'sentence1\tsentence2\tscore\n"Quoted" he said\tother\t2.5\nno\tyes\t1\n'
        )
        task = stsbenchmark(tmp_path)
        assert (task.left, task.right, task.scores) == (
            ('"Quoted" he said', "no"),
            ("other", "yes"),
            (2.5, 1.0),
        )


class TestResults:
    def test_no_path_of_the_machine_is_kept(self, tmp_path: Path) -> None:
        context = Context(data=tmp_path / "sets", peer_python=tmp_path / "bin" / "python")
        figures = {"note": f"{tmp_path}/sets/scifact and {Path.home()}/x", "at": ["no", 1]}
        result = record(
            "size", "python -m benchmarks size", Outcome((), figures), context, origin()
        )
        assert result["figures"] == {"note": "DATA/scifact and ~/x", "at": ["no", 1]}
        assert str(Path.home()) not in json.dumps(result)
        saved = save(result, tmp_path / "results")
        assert saved.name == f"{result['commit']}-size.json"
        assert newest(tmp_path / "results") == {"size": json.loads(saved.read_text("utf-8"))}

    def test_page_shows_checks_medians_and_origin(self) -> None:
        outcome = Outcome(
            (at_most("search", 0.5, 1.0, "s"), at_most("search", 0.7, 0.6, "s", required=False)),
            {"seconds": {"search": summary([0.4, 0.5, 0.6])}, "fingerprint": "f" * 64},
        )
        text = render(
            {"startup": record("startup", "python -m benchmarks", outcome, Context(), origin())}
        )
        assert "| search | 0.5 s | < 1 s | yes |" in text
        assert "| search | 0.7 s | < 0.6 s (aim) | not yet |" in text
        assert "| seconds · search | 0.5 |" in text
        assert "### startup\n\n`python -m benchmarks`, 20" in text
        assert "ffff" not in text

    def test_markers_are_needed(self) -> None:
        with pytest.raises(ValueError, match="both markers"):
            filled("# Benchmarks\n", "")

    def test_page_is_made_from_the_newest_results(self) -> None:
        for path, made in files(newest(RESULTS)).items():
            assert path.read_text(encoding="utf-8") == made, f"python -m benchmarks.page: {path}"
