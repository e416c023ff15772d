"""The parts of the benchmarks of stores and retrieval that need no peer: data, measures, page."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.harness import Context, DataMissing
from benchmarks.retrieval.reranking import Remembering
from benchmarks.retrieval.tasks import read
from benchmarks.stores import Settings, run
from benchmarks.stores.charts import Curve, curves
from benchmarks.stores.growth import reached
from benchmarks.stores.phases import recall
from benchmarks.stores.targets import checks
from benchmarks.stores.workload import HELD_OUT, SHARES, Workload
from benchmarks.stores_page import drawings, render

from nearfield.evaluation.significance import compare, holm, randomisation_test
from nearfield.types import FloatArray

_ROWS, _DIMENSION = 2000, 8


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentences")
    count = _ROWS + HELD_OUT
    vectors = np.random.default_rng(3).standard_normal((count, _DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.save(folder / "vectors.npy", vectors)
    with (folder / "texts.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(
            json.dumps(f"Some words about thing{n}, it's plain") + "\n" for n in range(count)
        )
    return folder


@pytest.fixture(scope="module")
def workload(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    return Workload.prepare(source, tmp_path_factory.mktemp("home"), _ROWS, 50)


class TestWorkload:
    def test_queries_are_held_out(self, workload: Workload, source: Path) -> None:
        stored = np.load(source / "vectors.npy")
        assert np.array_equal(workload.queries, stored[_ROWS : _ROWS + 50])

    def test_regions_are_of_equal_size_at_every_level(self, workload: Workload) -> None:
        regions = workload.fields["region"]
        for width, parts in ((500, 2), (100, 10), (10, 100), (1, 1000)):
            sizes = np.bincount(regions // width, minlength=parts)
            assert len(sizes) == parts
            assert sizes.min() == sizes.max() == _ROWS // parts

    def test_regions_are_parts_of_the_space(self, workload: Workload) -> None:
        near = next(f for f in workload.filters(50) if (f.kind, f.share) == ("near", "10%"))
        exact = workload.truth(50, None, 10)
        inside = [
            workload.matches(condition)[sorted(rows)].mean()
            for condition, rows in zip(near.conditions, exact, strict=True)
        ]
        assert np.mean(inside) > 0.25  # a random tenth would hold 0.1

    def test_far_parts_hold_none_of_the_nearest(self, workload: Workload) -> None:
        far = next(f for f in workload.filters(50) if (f.kind, f.share) == ("far", "1%"))
        exact = workload.truth(50, None, 10)
        inside = [
            workload.matches(condition)[sorted(rows)].any()
            for condition, rows in zip(far.conditions, exact, strict=True)
        ]
        assert not any(inside)

    def test_shares_are_what_they_are_called(self, workload: Workload) -> None:
        for filters in workload.filters(50):
            matching = np.mean([workload.matches(each).mean() for each in filters.conditions])
            share = float(filters.share.rstrip("%")) / 100
            # A random value that occurs is drawn by row, so frequent ones come more often.
            assert matching == pytest.approx(share, rel=0.6)

    def test_every_kind_and_share_once(self, workload: Workload) -> None:
        made = [(filters.kind, filters.share) for filters in workload.filters(5)]
        assert sorted(made) == sorted(itertools.product(("random", "near", "far"), SHARES))

    def test_truth_equals_sorting(self, workload: Workload) -> None:
        for query, rows in enumerate(workload.truth(20, None, 10)):
            scores = workload.vectors @ workload.queries[query]
            assert rows == set(np.argsort(-scores)[:10].tolist())

    def test_truth_of_a_filter_holds_matching_rows_only(self, workload: Workload) -> None:
        filters = next(f for f in workload.filters(20) if (f.kind, f.share) == ("near", "0.1%"))
        for condition, rows in zip(
            filters.conditions, workload.truth(20, filters, 10), strict=False
        ):
            # Two rows of a thousandth of 2,000 match: all of them are the answer.
            assert rows == set(np.flatnonzero(workload.matches(condition)).tolist())

    def test_equally_near_rows_all_count(self, workload: Workload) -> None:
        vectors = np.tile(workload.vectors[:1], (30, 1))
        same = Workload(workload.folder, 30, vectors, workload.queries, {})
        assert same.truth(1, None, 10) == [set(range(30))]

    def test_words_are_plain(self, workload: Workload) -> None:
        words = json.loads((workload.folder / "words.json").read_text(encoding="utf-8"))
        assert len(words) == 50
        assert all(each.replace(" ", "").isalpha() for each in words)

    def test_an_earlier_preparation_is_taken(self, workload: Workload, source: Path) -> None:
        again = Workload.prepare(source, workload.folder.parent, _ROWS, 50)
        assert again.folder == workload.folder
        assert np.array_equal(again.fields["author"], workload.fields["author"])

    def test_too_few_rows_are_named(self, source: Path, tmp_path: Path) -> None:
        with pytest.raises(DataMissing, match="12,000 vectors"):
            Workload.prepare(source, tmp_path, _ROWS + 1, 50)

    def test_another_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataMissing, match=r"benchmarks\.sentences"):
            Workload.prepare(tmp_path, tmp_path, 10, 5)


class TestRecall:
    def test_hand_worked(self) -> None:
        ten = set(range(10))
        assert recall([list(range(10)), list(range(5, 15))], [ten, ten]) == 0.75

    def test_fewer_matches_than_asked_for(self) -> None:
        assert recall([[4, 7]], [{4, 7}]) == 1.0
        assert recall([[]], [{4, 7}]) == 0.0

    def test_ties_do_not_lift_it_above_one(self) -> None:
        assert recall([list(range(10))], [set(range(30))]) == 1.0

    def test_questions_without_an_answer_do_not_count(self) -> None:
        assert recall([[], [1]], [set(), {1}]) == 1.0


class TestSignificance:
    def test_every_difference_the_same(self) -> None:
        # Of the 2^10 equally likely signs two are as extreme: all plus and all minus.
        first = np.full(10, 0.5)
        p = randomisation_test(first, first - 0.1, 20_000)
        assert p == pytest.approx(2 / 1024, abs=0.001)

    def test_equals_the_exact_distribution(self) -> None:
        a = np.array([0.9, 0.3, 0.6, 0.8, 0.2, 0.7])
        b = np.array([0.5, 0.4, 0.1, 0.6, 0.3, 0.2])
        signs = np.array(list(itertools.product((-1, 1), repeat=6)))
        exact = (np.abs(signs @ (a - b)) >= abs((a - b).sum()) - 1e-12).mean()
        assert randomisation_test(a, b, 50_000) == pytest.approx(exact, abs=0.01)

    def test_holm_hand_worked(self) -> None:
        # 0.005 × 4; 0.011 × 3; 0.02 × 2; 0.04 × 1, made monotone.
        assert holm([0.02, 0.005, 0.04, 0.011]) == pytest.approx([0.04, 0.02, 0.04, 0.033])

    def test_holm_never_exceeds_one(self) -> None:
        assert holm([0.9, 0.8]) == [1.0, 1.0]

    def test_verdicts(self) -> None:
        chance = np.random.default_rng(7)
        weak = chance.uniform(0, 0.5, 60)
        systems = {"weak": weak, "same": weak[::-1].copy(), "strong": weak + 0.3}
        verdicts = {(each.first, each.second): each.verdict for each in compare(systems, 2000)}
        assert verdicts == {
            ("weak", "same"): "tie",
            ("weak", "strong"): "strong better",
            ("same", "strong"): "strong better",
        }


class TestTasks:
    def test_reads_a_split(self, tmp_path: Path) -> None:
        import gzip

        folder = tmp_path / "tiny"
        (folder / "qrels").mkdir(parents=True)
        documents = [
            {"_id": "1", "title": "A", "text": "one"},
            {"_id": "2", "title": "", "text": ""},
        ]
        with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as out:
            out.writelines(json.dumps(each) + "\n" for each in documents)
        asked = '{"_id": "q", "text": "what"}\n{"_id": "r", "text": "unjudged"}\n'
        (folder / "queries.jsonl").write_text(asked, encoding="utf-8")
        judged = "query-id\tcorpus-id\tscore\nq\t1\t3\nr\t1\t0\n"
        (folder / "qrels" / "test.tsv").write_text(judged, encoding="utf-8")
        task = read(tmp_path, "tiny")
        assert list(task.documents) == ["1"] and task.documents["1"].title == "A"
        assert (task.queries, task.qrels) == ({"q": "what"}, {"q": {"1": 3}})
        with pytest.raises(DataMissing, match=r"train\.tsv"):
            read(tmp_path, "tiny", "train")


class _Counting:
    name = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def score(self, query: str, texts: list[str]) -> FloatArray:
        self.asked += texts
        return np.array([len(query) + len(text) for text in texts], dtype=np.float32)


def test_a_pair_is_scored_once(tmp_path: Path) -> None:
    inner = _Counting()
    first = Remembering(inner, tmp_path)
    assert first.score("ab", ["c", "dd"]).tolist() == [3, 4]
    again = Remembering(inner, tmp_path)
    assert again.score("ab", ["dd", "eee", "c"]).tolist() == [4, 5, 3]
    assert inner.asked == ["c", "dd", "eee"]


def test_sizes_that_the_data_suffices_for() -> None:
    assert reached((10, 30, 100), 99) == (10, 30, 99)
    assert reached((10, 30, 100), 36) == (10, 30)
    assert reached((10, 30, 100), 5) == ()


class TestPage:
    def test_nothing_gives_nothing(self) -> None:
        assert render({}) == ""
        assert drawings({}) == {}

    def test_curves_end_inside_the_frame(self) -> None:
        given = [Curve(name, [(1.0, 0.9), (20.0, 0.99)], name == "a") for name in "abc"]
        drawn = curves("t", "<s>", given, x_label="ms", y_label="recall", logarithmic=False)
        assert drawn.count('<circle class="ours"') == 2
        assert drawn.count('<circle class="theirs"') == 4
        assert "&lt;s&gt;" in drawn


@pytest.fixture(scope="module")
def figures(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    context = Context(peers_home=tmp_path_factory.mktemp("peers"), quick=True)
    settings = Settings(source, _ROWS, ("nearfield",), growth=False)
    found: dict[str, Any] = json.loads(json.dumps(run(context, settings).figures))
    return found


class TestEndToEnd:
    """Nearfield alone, a few thousand rows: every phase, then the table."""

    def test_exact_answers(self, figures: dict[str, Any]) -> None:
        assert figures["left out"] == {}
        ours = figures["engines"]["nearfield"]
        assert ours["search"]["recall"] == 1.0
        assert all(
            each["recall"] == 1.0 for kind in ours["filtered"].values() for each in kind.values()
        )

    def test_everything_was_measured(self, figures: dict[str, Any]) -> None:
        ours = figures["engines"]["nearfield"]
        assert ours["ingest"]["rows per second"] > 0
        assert ours["memory"]["searches"] == 200
        assert len(ours["open and first query ms"]["runs"]) == 2
        assert set(ours["threads"]) == {"1", "2", "ratio"}

    def test_the_table(self, figures: dict[str, Any]) -> None:
        page = render({"stores": {"figures": figures}})
        assert "| **Nearfield** | 1.000 |" in page
        assert set(drawings({"stores": {"figures": figures}})) == {"stores-latency.svg"}

    def test_targets_are_checked(self, figures: dict[str, Any]) -> None:
        by_name = {check.what: check for check in checks(figures)}
        assert by_name["recall@10"].holds
        assert by_name["recall@10, filter far 0.1%"].holds
