"""The measures that the published figures are compared with, and the page made from results."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
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
from benchmarks.metrics import ndcg, spearman
from benchmarks.page import files, filled, render
from benchmarks.results import RESULTS, newest, origin, record, save


class TestNdcg:
    def test_hand_worked(self) -> None:
        # gains 2, 0, 1 at ranks 1, 2, 3; ideal 2, 1.
        found = ndcg(["a", "x", "b"], {"a": 2, "b": 1})
        dcg = 2 / 1 + 1 / 2  # log2(2) = 1, log2(4) = 2
        ideal = 2 / 1 + 1 / math.log2(3)
        assert found == pytest.approx(dcg / ideal, abs=1e-15)

    def test_ideal_ranking_is_one(self) -> None:
        assert ndcg(["a", "b", "c"], {"a": 3, "b": 2, "c": 1}) == 1.0

    def test_only_the_first_k_ranks_count(self) -> None:
        assert ndcg(["x", "y", "a"], {"a": 1}, k=2) == 0.0
        # Three relevant, two ranks: the ideal has two as well.
        assert ndcg(["a", "b", "x"], {"a": 1, "b": 1, "c": 1}, k=2) == 1.0

    def test_nothing_relevant_is_zero(self) -> None:
        assert ndcg(["a"], {}) == 0.0
        assert ndcg(["a"], {"a": 0}) == 0.0

    def test_equals_trec_eval(self) -> None:
        trec = pytest.importorskip("pytrec_eval", reason="pip install --group reference")
        chance = random.Random(5)
        documents = [f"d{number}" for number in range(40)]
        judged = {
            f"q{number}": {each: chance.randint(0, 3) for each in chance.sample(documents, 15)}
            for number in range(30)
        }
        rankings = {query: chance.sample(documents, 25) for query in judged}
        run = {q: {d: float(-rank) for rank, d in enumerate(r)} for q, r in rankings.items()}
        expected = trec.RelevanceEvaluator(judged, {"ndcg_cut.10"}).evaluate(run)
        for query, ranking in rankings.items():
            measured = ndcg(ranking, judged[query])
            assert measured == pytest.approx(expected[query]["ndcg_cut_10"], abs=1e-12)


class TestSpearman:
    def test_hand_worked(self) -> None:
        # Ranks 1 2 3 4 5 against 2 1 4 3 5: Σd² = 4, 1 - 6·4 / (5·24) = 0.8.
        assert spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50]) == pytest.approx(0.8, abs=1e-12)

    def test_ties_share_their_mean_rank(self) -> None:
        # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: cov 4.5 / sqrt(4.5 · 5).
        expected = 4.5 / math.sqrt(4.5 * 5)
        assert spearman([0, 7, 7, 9], [1, 2, 3, 4]) == pytest.approx(expected, abs=1e-12)

    def test_equals_scipy(self) -> None:
        stats = pytest.importorskip("scipy.stats", reason="pip install --group reference")
        numbers = np.random.default_rng(3)
        a = numbers.normal(size=500)
        b = numbers.integers(0, 6, size=500)
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


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
        assert task.documents == {"7": "A title and text"}
        assert task.queries == {"1": "asked"}
        assert task.judged == {"1": {"7": 1}}

    def test_pair_layout_keeps_quotes(self, tmp_path: Path) -> None:
        (tmp_path / "stsb").mkdir()
        (tmp_path / "stsb" / "test.tsv").write_text(
            'sentence1\tsentence2\tscore\n"Quoted" he said\tother\t2.5\n'
        )
        task = stsbenchmark(tmp_path)
        assert (task.left, task.right, task.scores) == (['"Quoted" he said'], ["other"], [2.5])


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
