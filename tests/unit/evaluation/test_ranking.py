"""Measures of rankings: by hand, and beside pytrec_eval and ir-measures."""

import math

import numpy as np
import pytest

from nearfield.errors import InputError, UnknownName
from nearfield.evaluation.metrics import Judged, Measure, judge
from nearfield.evaluation.run import Run

TREC = {
    "ndcg": "ndcg",
    "ndcg@10": "ndcg_cut_10",
    "ndcg@3": "ndcg_cut_3",
    "map": "map",
    "map@10": "map_cut_10",
    "mrr": "recip_rank",
    "recip_rank": "recip_rank",
    "recall@5": "recall_5",
    "recall@100": "recall_100",
    "precision@5": "P_5",
    "precision@100": "P_100",
    "success@5": "success_5",
    "hit_rate@10": "success_10",
    "r_precision": "Rprec",
}
IR = {
    "mrr@10": "RR@10",
    "mrr@3": "RR@3",
    "ndcg@10": "nDCG@10",
    "map@5": "AP@5",
    "map": "AP",
    "precision@3": "P@3",
    "recall@3": "R@3",
    "success@1": "Success@1",
    "r_precision": "Rprec",
}


def random_run(seed, *, ties):
    """Grades from -1 to 3, empty rankings, rankings shorter and longer than what is relevant."""
    rng = np.random.default_rng(seed)
    qrels, scores = {}, {}
    for query in range(40):
        documents = [f"d{n}" for n in rng.permutation(150)]
        judged = documents[: rng.integers(1, 40)]
        grades = {d: int(rng.integers(-1, 4)) for d in judged}
        grades[judged[0]] = max(grades[judged[0]], 1)
        found = [f"d{n}" for n in rng.permutation(150)[: rng.choice([0, 1, 3, 60, 150])]]
        values = rng.integers(0, 9, len(found)) if ties else rng.permutation(len(found))
        qrels[f"q{query}"] = grades
        scores[f"q{query}"] = {d: float(v) for d, v in zip(found, values, strict=True)}
    return Run.by_score("random", scores), scores, qrels


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_to_pytrec_eval(seed, ties):
    trec = pytest.importorskip("pytrec_eval", reason="compares with pytrec-eval-terrier")
    run, scores, qrels = random_run(seed, ties=ties)
    asked = {"ndcg", "ndcg_cut", "map", "map_cut", "recip_rank", "recall", "P", "success", "Rprec"}
    asked |= {"ndcg_cut.3,10", "recall.5,100", "P.5,100", "success.5,10", "map_cut.10"}
    wanted = trec.RelevanceEvaluator(qrels, asked - {"ndcg_cut", "recall", "P", "success",
                                                     "map_cut"}).evaluate(scores)  # fmt: skip
    for name, theirs in TREC.items():
        ours = Measure.of(name).scores(run, qrels)
        # trec_eval leaves out queries that found nothing; here they score 0.
        expected = [wanted.get(query, {}).get(theirs, 0.0) for query in qrels]
        assert ours == pytest.approx(expected, abs=1e-12), name


@pytest.mark.parametrize("seed", [4, 5])
def test_equal_to_ir_measures(seed):
    ir = pytest.importorskip("ir_measures", reason="compares with ir-measures")
    # Without ties: its providers break them in different ways.
    run, scores, qrels = random_run(seed, ties=False)
    for name, theirs in IR.items():
        measure = ir.parse_measure(theirs)
        found = {each.query_id: each.value for each in ir.iter_calc([measure], qrels, scores)}
        ours = Measure.of(name).scores(run, qrels)
        expected = [found.get(query, 0.0) for query in qrels]
        assert ours == pytest.approx(expected, abs=1e-9), name


def test_by_hand():
    # Found: a (grade 2), x (unjudged), b (1), y (0), c (1); not found: e (3).
    grades = {"a": 2, "b": 1, "y": 0, "c": 1, "e": 3}
    run = Run("hand", {"q": dict.fromkeys("axbyc", 0.0)})
    best = 3 + 2 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
    reached = 2 + 1 / math.log2(4) + 1 / math.log2(6)
    expected = {
        "ndcg@10": reached / best,
        "ndcg@1": 2 / 3,
        "mrr": 1.0,
        "map": (1 + 2 / 3 + 3 / 5) / 4,
        "map@3": (1 + 2 / 3) / 4,
        "precision@2": 0.5,
        "precision@10": 0.3,
        "recall@3": 0.5,
        "success@1": 1.0,
        "r_precision": 0.5,
    }
    for name, value in expected.items():
        assert Measure.of(name).scores(run, {"q": grades})[0] == pytest.approx(value), name


def test_order_of_the_judgements_decides_the_order_of_the_scores():
    run = Run("r", {"b": {"x": 1.0}, "a": {"y": 1.0}, "unjudged": {}})
    qrels = {"a": {"x": 1}, "b": {"x": 1}}
    assert Measure.of("mrr").scores(run, qrels).tolist() == [0.0, 1.0]


def test_an_empty_ranking_scores_0_and_a_missing_one_is_an_error():
    qrels = {f"q{n}": {"x": 1} for n in range(5)}
    with pytest.raises(InputError, match=r"no ranking for 'q1', 'q2', 'q3' and 1 more of 5 judged"):
        Measure.of("ndcg@10").scores(Run("r", {"q0": {"x": 1.0}}), qrels)
    empty = Run("r", {query: {} for query in qrels})
    for name in ("ndcg@10", "mrr", "map", "recall@5", "precision@5", "success@5", "r_precision"):
        assert Measure.of(name).scores(empty, qrels).tolist() == [0.0] * 5, name


def test_nothing_relevant_and_nothing_asked():
    run = Run("r", {"q": {"x": 1.0}})
    assert Measure.of("ndcg@10").scores(run, {"q": {"x": 0}}).tolist() == [0.0]
    assert Measure.of("ndcg@10").scores(run, {"q": {}}).tolist() == [0.0]
    assert Measure.of("ndcg@10").scores(run, {}).tolist() == []


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("ncdg@10", UnknownName, r"did you mean 'ndcg'\?"),
        ("bleu", UnknownName, "known: hit_rate, map"),
        ("ndcg@0", InputError, "at least 1"),
        ("recall", InputError, "recall@10"),
        ("r_precision@5", InputError, "without @"),
        ("ndcg@ten", UnknownName, "no measure"),
    ],
)
def test_names_that_are_none(name, error, told):
    with pytest.raises(error, match=told):
        Measure.of(name)


def test_names_come_back():
    names = ("ndcg@10", "ndcg", "recip_rank", "hit_rate@5", "r_precision", "precision@3")
    for name in names:
        assert Measure.of(name).name == name
    assert Measure.of(" NDCG@10 ") == Measure("ndcg", 10)


def test_the_ideal_ranking_is_worth_1():
    rng = np.random.default_rng(8)
    for _ in range(20):
        grades = {f"d{n}": int(g) for n, g in enumerate(rng.integers(0, 4, 30))} | {"top": 1}
        best = sorted(grades, key=lambda d: -grades[d])
        assert Measure.of("ndcg@10").of_judged(Judged.of(best, grades))[0] == pytest.approx(1.0)
        assert Measure.of("map").of_judged(Judged.of(best, grades))[0] == pytest.approx(1.0)


def test_judging_once_serves_all_measures():
    run, _, qrels = random_run(9, ties=True)
    judged = judge(run, qrels)
    for name in TREC:
        measure = Measure.of(name)
        assert (measure.of_judged(judged) == measure.scores(run, qrels)).all()
