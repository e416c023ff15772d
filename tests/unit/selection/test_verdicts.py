from __future__ import annotations

import numpy as np
import pytest

from nearfield.evaluation.significance import holm, randomisation_test
from nearfield.selection.verdicts import against_best


def test_values_are_those_of_single_tests_corrected_together() -> None:
    chance = np.random.default_rng(3)
    best = chance.uniform(0.4, 1.0, 60)
    scores = {"best": best, "near": best - chance.normal(0.01, 0.1, 60), "far": best - 0.2}
    verdicts = against_best(scores)
    alone = [randomisation_test(best, scores[name]) for name in ("near", "far")]
    for name, p in zip(("near", "far"), holm(alone), strict=True):
        assert verdicts[name].p == pytest.approx(p, abs=0.02)
    assert verdicts["far"].is_worse and verdicts["far"].word == "worse"
    assert verdicts["far"].loss == pytest.approx(0.2)
    assert verdicts["far"].low <= 0.2 + 1e-9 and verdicts["far"].high >= 0.2 - 1e-9


def test_equals_tie_and_one_alone_is_the_best() -> None:
    same = np.linspace(0, 1, 20)
    verdicts = against_best({"a": same, "b": same.copy()})
    assert [verdicts[name].word for name in "ab"] == ["tie", "tie"]
    assert against_best({"a": same})["a"].p == 1.0


def test_few_questions_prove_nothing() -> None:
    verdicts = against_best({"a": np.array([1.0, 1.0]), "b": np.array([0.0, 0.0])})
    assert verdicts["b"].word == "tie"
