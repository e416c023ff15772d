"""Collections as systems, several systems, recorded figures, and their ranking."""

import json
from dataclasses import replace

import pytest
from tests.unit.evaluation.letters import Letters

import nearfield as nf
from nearfield.errors import InputError
from nearfield.evaluation.collections import evaluate_collection
from nearfield.evaluation.evaluate import evaluate
from nearfield.evaluation.leaderboard import Method, leaderboard
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.records import Origin, Record, import_mteb, record, records
from nearfield.evaluation.tasks import RetrievalTask, StsTask, TaskKind
from nearfield.evaluation.tournament import tournament
from nearfield.types import Document

FEW = EvaluationOptions(samples=50)
TEXTS = {"one": "apples and pears", "two": "boats on lakes", "three": "maps of towns"}


@pytest.fixture
def task():
    queries = {"q1": "pears", "q2": "boats", "q3": "towns"}
    qrels = {"q1": {"one": 1}, "q2": {"two": 1}, "q3": {"three": 1, "gone": 1}}
    documents = {id_: Document(id_, text) for id_, text in TEXTS.items()}
    documents["gone"] = Document("gone", "nothing of that")
    return RetrievalTask("tiny", documents, queries, qrels)


class TestCollection:
    def test_by_id(self, tmp_path, task):
        encoder = Letters()
        with nf.open(tmp_path / "c.nf", encoder=encoder) as collection:
            collection.add([*TEXTS.values(), "a stranger"], ids=[*TEXTS, "x"])
            report = evaluate_collection(collection, task, mode="lexical", options=FEW)
            dense = evaluate_collection(collection, task, options=FEW)
        assert report.system.name == "c.nf (lexical)" and report.system.search == "lexical"
        assert report.each["mrr@10"] == (1.0, 1.0, 1.0)
        assert report.scores["recall@10"].mean == pytest.approx((1 + 1 + 0.5) / 3)
        told = [problem.reason for problem in report.problems]
        assert told == [
            "1 of 4 documents are not in the collection; they count as never found",
            "1 documents of the collection are not in the task; they count as wrong",
        ]
        assert dense.system.fingerprint == encoder.card.fingerprint
        assert dense.options.depth == 100

    def test_by_file_and_by_record(self, tmp_path, task):
        folder = tmp_path / "files"
        folder.mkdir()
        (folder / "one.txt").write_text(TEXTS["one"])
        rows = [{"_id": id_, "text": TEXTS[id_]} for id_ in ("two", "three")]
        (folder / "rest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        encoder = nf.load(str(_static()))
        with nf.open(tmp_path / "f.nf", encoder=encoder) as collection:
            collection.index(folder)
            report = evaluate_collection(collection, task, mode="lexical", options=FEW)
        assert report.each["success@1"] == (1.0, 1.0, 1.0)

    def test_a_collection_of_something_else(self, tmp_path, task):
        with nf.open(tmp_path / "c.nf", encoder=Letters()) as collection:
            collection.add(["a stranger"], ids=["x"])
            with pytest.raises(InputError, match=r"none of the 4 documents of tiny: .*'one'.*'x'"):
                evaluate_collection(collection, task)


def _static():
    from nearfield.models.install import installed

    found = [folder for folder in installed() if "wordllama" in folder.name]
    if not found:
        pytest.skip("needs the model wordllama-l2-supercat-256")
    return found[0]


def pairs():
    return StsTask("near", ("abc",) * 4, ("cab", "abd", "axy", "xyz"), (4.0, 3.0, 2.0, 1.0))


def test_a_system_that_fails_is_reported_and_the_rest_goes_on():
    def broken():
        raise RuntimeError("the model broke in the middle")

    found = tournament(
        {
            "broken": broken,
            "good": lambda: evaluate(Letters("good"), pairs(), options=FEW),
            "same": lambda: evaluate(Letters("same"), pairs(), options=FEW),
        }
    )
    assert [report.system.name for report in found.reports] == ["good", "same"]
    assert found.tied_with_best() == ("good", "same")
    assert [(f.system, f.reason) for f in found.failures] == [
        ("broken", "RuntimeError: the model broke in the middle")
    ]
    assert tournament({"broken": broken}).reports == ()


def test_one_model_by_two_names_is_told_apart():
    measure = lambda: evaluate(Letters("same"), pairs(), options=FEW)  # noqa: E731
    found = tournament({"same": measure, "models/same": measure})
    assert [report.system.name for report in found.reports] == ["same", "models/same"]
    assert found.comparisons[0].verdict == "tie"


class TestRecords:
    def test_there_and_back(self, tmp_path):
        report = evaluate(Letters(), pairs(), options=FEW)
        path = record(report, tmp_path)
        assert record(report, tmp_path) == path  # the same system on the same data
        (tmp_path / "broken.json").write_text("{")
        found, problems = records(tmp_path)
        assert [(r.system, r.task, r.kind, r.value, r.origin) for r in found] == [
            ("letters", "near", TaskKind.STS, report.score, Origin.MEASURED)
        ]
        assert found[0].digest == pairs().digest()
        assert len(problems) == 1 and problems[0].source.endswith("broken.json")

    def test_results_of_mteb(self, tmp_path):
        source = tmp_path / "results" / "org__small-model" / "abc"
        source.mkdir(parents=True)
        sts = {"cosine_spearman": 0.8, "manhattan_spearman": 0.7, "main_score": 0.8}
        deep = {"ndcg_at_10": 0.6, "main_score": 0.6}
        for name, part in {"STSBenchmark": sts, "SciFact": deep}.items():
            whole = {"task_name": name, "scores": {"test": [part | {"hf_subset": "default"}]}}
            (source / f"{name}.json").write_text(json.dumps(whole))
        (source / "other.json").write_text("[1]")
        taken, problems = import_mteb(tmp_path / "results", tmp_path / "home")
        assert {(r.system, r.task, r.kind, r.measure, r.value) for r in taken} == {
            ("small-model", "STSBenchmark", TaskKind.STS, "spearman", 0.8),
            ("small-model", "SciFact", TaskKind.RETRIEVAL, "ndcg@10", 0.6),
        }
        assert len(problems) == 1
        assert records(tmp_path / "home")[0] == sorted(taken, key=lambda r: r.task)
        (source / "model_meta.json").write_text('{"name": "org/named"}')
        assert import_mteb(source / "SciFact.json", tmp_path / "home")[0][0].system == "named"
        with pytest.raises(InputError, match="holds no result of MTEB"):
            import_mteb(source / "other.json")
        with pytest.raises(InputError, match="does not exist"):
            import_mteb(tmp_path / "nowhere")


class TestLeaderboard:
    def figures(self, *rows, origin=Origin.MEASURED):
        return [
            Record(system, task, TaskKind.STS, "spearman", value, origin)
            for system, task, value in rows
        ]

    def test_borda_and_mean_rank_with_ties(self):
        rows = self.figures(
            ("a", "x", 0.9), ("b", "x", 0.8), ("c", "x", 0.8), ("d", "x", 0.1),
            ("a", "y", 0.2), ("b", "y", 0.3), ("c", "y", 0.3), ("d", "y", 0.1),
        )  # fmt: skip
        (board,) = leaderboard(rows)
        # Of x: 3, 1.5, 1.5 and 0 beaten; of y: 1, 2.5, 2.5 and 0. So three tie, each at place 2.
        assert [(p.system, p.place, p.points) for p in board.places] == [
            ("a", 2.0, 4.0),
            ("b", 2.0, 4.0),
            ("c", 2.0, 4.0),
            ("d", 4.0, 0.0),
        ]
        (means,) = leaderboard(rows, method=Method.MEAN_RANK)
        assert {p.system: p.points for p in means.places} == {
            "a": 2.0,
            "b": 2.0,
            "c": 2.0,
            "d": 4.0,
        }

    def test_a_system_that_lacks_a_task_is_not_ranked(self):
        rows = self.figures(("a", "x", 0.9), ("b", "x", 0.8), ("b", "y", 0.3))
        (board,) = leaderboard(rows)
        assert [(p.system, p.place, p.missing) for p in board.places] == [
            ("b", 1.0, ()),
            ("a", None, ("y",)),
        ]

    def test_measured_goes_before_imported_and_names_of_mteb_are_known(self):
        measured = self.figures(("a", "stsb", 0.9))
        imported = self.figures(("a", "STSBenchmark", 0.1), ("b", "STSBenchmark", 0.5),
                                origin=Origin.IMPORTED)  # fmt: skip
        (board,) = leaderboard([*measured, *imported])
        (task,) = board.tasks
        assert [(p.system, p.figures[task].value) for p in board.places] == [("a", 0.9), ("b", 0.5)]
        assert board.places[0].figures[task].origin is Origin.MEASURED

    def test_different_measures_are_refused(self):
        one, other = self.figures(("a", "x", 0.9), ("b", "x", 0.8))
        with pytest.raises(InputError, match="a was measured by spearman and b by pearson"):
            leaderboard([one, replace(other, measure="pearson")])

    def test_kinds_are_apart(self):
        rows = self.figures(("a", "x", 0.9))
        rows += [replace(rows[0], kind=TaskKind.RETRIEVAL, measure="map")]
        assert [b.kind for b in leaderboard(rows)] == [TaskKind.RETRIEVAL, TaskKind.STS]
        assert [b.kind for b in leaderboard(rows, kind="sts")] == [TaskKind.STS]
        assert leaderboard([]) == []
