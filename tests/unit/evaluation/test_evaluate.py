"""Every kind of task, from an encoder to a report and back from JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.evaluation.letters import Letters

from nearfield.errors import InputError, UnknownName
from nearfield.evaluation.comparing import compare_reports
from nearfield.evaluation.evaluate import evaluate
from nearfield.evaluation.measuring.classification import draws
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.report import Report
from nearfield.evaluation.tasks import (
    BitextTask,
    ClassificationTask,
    ClusteringTask,
    PairTask,
    RerankingTask,
    RetrievalTask,
    StsTask,
    SummarisationTask,
)
from nearfield.types import Document, Problem

FEW = EvaluationOptions(samples=50)
WORDS = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "honeydew", "kiwi", "lime"]


def retrieval():
    documents = {word: Document(word, word * 2) for word in WORDS}
    queries = {f"q{n}": word for n, word in enumerate(WORDS)}
    qrels = {f"q{n}": {word: 1} for n, word in enumerate(WORDS)}
    problem = Problem("qrels", "1 judged query has no relevant document and is left out: q99")
    return RetrievalTask("fruit", documents, queries, qrels, problems=(problem,))


def sts():
    left, right = ("apple",) * 5, ("apple", "pale", "lap", "lot", "sun")
    return StsTask("near", left, right, (5.0, 4.5, 3.0, 2.5, 0.5))


def tasks():
    labels = tuple("vowels" if word[0] in "aei" else "others" for word in WORDS)
    texts = ("aaee", "eiia", "bcdb", "ddbb") * 5
    groups = ("vowels", "vowels", "others", "others") * 5
    return [
        retrieval(),
        RerankingTask(
            "re", {"q": "abc"}, {"q": {"p0": "cba", "n0": "xyz", "n1": "cbz"}}, {"q": {"p0": 1}}
        ),
        sts(),
        PairTask("pairs", ("abc",) * 4, ("cab", "acb", "xyz", "axy"), (True, True, False, False)),
        ClassificationTask("kinds", texts, groups, ("aie", "ccd"), ("vowels", "others")),
        ClusteringTask("groups", texts, groups),
        BitextTask("both", tuple(WORDS), tuple(word[::-1] for word in WORDS)),
        SummarisationTask("sum", (("abcd",),), (("dcba", "abxy", "wxyz"),), ((3.0, 2.0, 1.0),)),
    ], labels


@pytest.mark.parametrize("task", tasks()[0], ids=lambda task: task.kind.value)
def test_an_easy_task_of_each_kind_is_solved(task):
    report = evaluate(Letters(), task, options=FEW)
    assert report.score == pytest.approx(1.0), report.scores
    interval = report.scores[report.main]
    assert interval.low <= interval.mean <= interval.high
    assert report.task.digest == task.digest() and report.task.kind is task.kind
    assert sum(report.encoded.texts.values()) > 0
    assert {"python", "numpy"} <= set(report.versions)
    assert report.seconds["encode"] <= report.seconds["total"]
    assert report.options.seed == 42 and "T" in report.date


@pytest.mark.parametrize("task", tasks()[0], ids=lambda task: task.kind.value)
def test_a_report_comes_back_from_json(task):
    report = evaluate(Letters(), task, options=FEW)
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("task", tasks()[0], ids=lambda task: task.kind.value)
def test_the_same_seed_gives_the_same_figures(task):
    first, second = (evaluate(Letters(), task, options=FEW) for _ in range(2))
    assert first.scores == second.scores and first.each == second.each


def test_the_text_says_what_was_lost():
    report = evaluate(Letters(limit=10, alphabet="abcdefgh"), retrieval(), options=FEW)
    text = str(report)
    assert text.startswith("letters on fruit (retrieval, test): 10 documents · 10 queries")
    assert "ndcg@10" in text and "95% interval" in text
    assert "4 of 10 texts (document) were cut at 10 tokens" in text
    assert "1 texts (query) have no word that the model knows" in text  # kiwi
    assert "1 judged query has no relevant document and is left out: q99" in text


def test_measures_are_chosen_by_name_before_anything_is_encoded():
    options = replace(FEW, measures=("mrr", "recall@5"), depth=3)
    report = evaluate(Letters(), retrieval(), options=options)
    assert list(report.scores) == ["mrr", "recall@5"]
    assert report.notes == ("only 3 documents are ranked: recall@5",)
    encoder = Letters()
    with pytest.raises(UnknownName, match="did you mean 'ndcg'"):
        evaluate(encoder, retrieval(), options=replace(FEW, measures=("ncdg@10",)))
    with pytest.raises(UnknownName, match="sts has no measure 'spearmen'; did you mean"):
        evaluate(encoder, sts(), options=replace(FEW, measures=("spearmen",)))
    assert encoder.seen == []
    only = evaluate(encoder, sts(), options=replace(FEW, measures=("pearson",)))
    assert list(only.scores) == ["pearson"]


def test_progress_ends_at_the_whole():
    told = []
    evaluate(Letters(), retrieval(), options=FEW, progress=lambda done, of: told.append((done, of)))
    assert told == [(10, 20), (20, 20)]


def test_classification_draws_eight_of_each_label():
    labels = [n % 3 for n in range(90)] + [7] * 5
    found = draws(labels, seed=42)
    assert len(found) == 10
    for places in found:
        assert np.bincount(np.array(labels)[places]).tolist() == [8, 8, 8, 0, 0, 0, 0, 5]
    assert len({tuple(places) for places in found}) == 10
    assert draws(labels, seed=42) == found != draws(labels, seed=43)


def test_equal_candidates_earn_nothing_by_their_place():
    candidates = {"q": {"p0": "abc", "n0": "cab"}}
    task = RerankingTask("re", {"q": "abc"}, candidates, {"q": {"p0": 1}})
    assert evaluate(Letters(), task, options=FEW).score == 0.5


def test_damaged_reports():
    whole = json.loads(evaluate(Letters(), sts(), options=FEW).to_json())
    with pytest.raises(InputError, match="format 99"):
        Report.from_json(json.dumps(whole | {"format": 99}))
    for text in ("{", "[]", "{}", json.dumps({k: v for k, v in whole.items() if k != "scores"})):
        with pytest.raises(InputError, match="no report"):
            Report.from_json(text)


class TestComparing:
    def test_a_worse_system_loses_and_an_equal_one_ties(self):
        documents = {f"d{n}": Document(f"d{n}", f"{a}{b}") for n, (a, b) in enumerate(
            (a, b) for a in "abcdef" for b in "ghijkl")}  # fmt: skip
        queries = {f"q{d}": document.text for d, document in documents.items()}
        qrels = {f"q{d}": {d: 1} for d in documents}
        task = RetrievalTask("letters", documents, queries, qrels)
        reports = [
            evaluate(encoder, task, options=FEW)
            for encoder in (Letters(), Letters("same"), Letters("half", "abcdef"))
        ]
        verdicts = [c.verdict for c in compare_reports(reports)]
        assert verdicts == ["tie", "letters better", "same better"]

    def test_correlations_are_compared_pair_by_pair(self):
        rng = np.random.default_rng(3)
        words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(80)]
        other = [word[: n % 7] + "zzzzzz"[n % 7 :] for n, word in enumerate(words)]
        task = StsTask("cut", tuple(words), tuple(other), tuple(float(n % 7) for n in range(80)))
        good, same = evaluate(Letters(), task), evaluate(Letters("same"), task)
        bad = evaluate(Letters("bad", "ab"), task)
        found = compare_reports([good, same, bad])
        assert [c.verdict for c in found] == ["tie", "letters better", "same better"]
        assert found[1].difference == pytest.approx(good.score - bad.score)

    def test_different_data_is_refused(self):
        one = evaluate(Letters(), sts(), options=FEW)
        other = evaluate(Letters("b"), replace(sts(), scores=(1, 2, 3, 4, 5)), options=FEW)
        with pytest.raises(InputError, match="different data"):
            compare_reports([one, other])
        with pytest.raises(InputError, match="same name"):
            compare_reports([one, one])
        with pytest.raises(InputError, match="cannot be compared"):
            compare_reports([one, evaluate(Letters("b"), sts(), options=FEW)], "map")


def test_all_zero_runs_are_figures_like_any_other():
    nothing = RetrievalTask(
        "none", {"a": Document("a", "b"), "c": Document("c", "b")}, {"q": "b"},
        {"q": {"missing": 1}},
    )  # fmt: skip
    report = evaluate(Letters(), nothing, options=FEW)
    assert {each.mean for each in report.scores.values()} == {0.0}
    assert compare_reports([report, evaluate(Letters("b"), nothing, options=FEW)])[0].p == 1.0
