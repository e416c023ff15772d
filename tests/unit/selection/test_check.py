from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.unit.selection.doubles import collection, loader, models

from nearfield.collection.options import Chunking
from nearfield.errors import FingerprintMismatch, InputError, UnknownName
from nearfield.evaluation.significance import Interval
from nearfield.models.cache import VectorCache
from nearfield.selection.check import Gate, GateReport, GateResult, check, junit, minimum_of
from nearfield.selection.pipeline import ModelChoice, Pipeline

PIPELINE = Pipeline(ModelChoice("good"), Chunking("tokens", 50))


def run(folder: Path, tmp_path: Path, *gates: str, pipeline: Pipeline = PIPELINE) -> GateReport:
    return check(
        pipeline,
        [minimum_of(gate) for gate in gates],
        folder,
        cache=VectorCache(tmp_path / "vectors"),
        load=loader(models()),
    )


def test_figures_pass_and_fail(tmp_path: Path) -> None:
    report = run(collection(tmp_path / "data"), tmp_path, "ndcg@10=0.5", "mrr@10=1.0")
    first, second = report.results
    assert first.passed and not first.within_noise and "reached" in first.sentence
    assert second.passed is (second.found.mean >= 1.0)
    assert (report.questions, report.documents) == (80, 80)


def test_a_miss_within_the_noise_is_called_one() -> None:
    result = GateResult(Gate("ndcg@10", 0.6), Interval(0.58, 0.52, 0.64))
    assert not result.passed and result.within_noise
    assert result.sentence.endswith("below, but within the noise of these questions")
    surely = GateResult(Gate("ndcg@10", 0.8), Interval(0.58, 0.52, 0.64))
    assert surely.sentence.endswith("missed, and not by chance")


def test_another_model_than_the_measured_one_is_refused(tmp_path: Path) -> None:
    other = Pipeline(ModelChoice("good", fingerprint="0" * 64), Chunking("tokens", 50))
    with pytest.raises(FingerprintMismatch, match="the pipeline's good"):
        run(collection(tmp_path / "data"), tmp_path, "ndcg@10=0.5", pipeline=other)


def test_gates_are_read_strictly(tmp_path: Path) -> None:
    for text in ("ndcg@10", "ndcg@10=1.5", "ndcg@10=x", "=0.5"):
        with pytest.raises(InputError):
            minimum_of(text)
    with pytest.raises(UnknownName, match="did you mean"):
        minimum_of("ndgc@10=0.5")
    with pytest.raises(InputError, match="reading gain needs"):
        run(collection(tmp_path / "data"), tmp_path, "reading=0.5")
    with pytest.raises(InputError, match="no figure"):
        run(collection(tmp_path / "data"), tmp_path)


def test_junit_says_what_failed() -> None:
    results = (
        GateResult(Gate("ndcg@10", 0.5), Interval(0.6, 0.55, 0.65)),
        GateResult(Gate("mrr", 0.9), Interval(0.6, 0.55, 0.65)),
    )
    root = ElementTree.fromstring(junit(GateReport(PIPELINE, results, 80, 80, 1.5)).encode())
    suite = root.find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "2", "failures": "1", "errors": "0",
    }  # fmt: skip
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["ndcg@10 >= 0.5", "mrr >= 0.9"]
    assert cases[0].find("failure") is None
    failure = cases[1].find("failure")
    assert failure is not None and failure.get("type") == "BelowMinimum"
    assert "0.6000" in (failure.text or "")
