"""Calibration on scores whose true probabilities are known."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.search.calibration import Calibration, Evidence, auroc, evidence, fit
from nearfield.types import Chunk, Hit


def _sample(count: int, seed: int) -> tuple[list[Evidence], list[bool], np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.5, 0.2, count)
    leads = rng.normal(0.1, 0.05, count)
    truth = 1 / (1 + np.exp(-(8 * (scores - 0.5) + 20 * (leads - 0.1))))
    found = [Evidence(float(s), float(lead)) for s, lead in zip(scores, leads, strict=True)]
    return found, (rng.uniform(size=count) < truth).tolist(), truth


def test_probabilities_are_recovered() -> None:
    found, relevant, _ = _sample(5000, 1)
    fitted = fit(found, relevant)
    fresh, _, truth = _sample(500, 2)
    guessed = np.array([fitted.probability(each) for each in fresh])
    assert np.abs(guessed - truth).mean() < 0.02
    assert 0.7 < fitted.auroc < 0.95
    assert fitted.questions == 5000


def test_auroc_equals_counting_pairs() -> None:
    rng = np.random.default_rng(3)
    scores, labels = rng.integers(0, 6, 60) / 6, rng.integers(0, 2, 60)
    pairs = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p in scores[labels == 1]
        for n in scores[labels == 0]
    ]
    assert auroc(scores, labels) == pytest.approx(np.mean(pairs))


def test_separable_and_hopeless_evidence() -> None:
    good = [Evidence(0.9 + i / 1000, 0.3) for i in range(20)]
    bad = [Evidence(0.1 + i / 1000, 0.0) for i in range(20)]
    sure = fit(good + bad, [True] * 20 + [False] * 20)
    assert sure.auroc == 1.0
    assert sure.probability(good[0]) > 0.95
    assert sure.probability(bad[0]) < 0.05
    assert sure.probability(bad[-1]) < sure.threshold < sure.probability(good[0])
    same = [Evidence(0.5, 0.1)] * 40
    unsure = fit(same, [True] * 20 + [False] * 20)
    assert unsure.auroc == 0.5
    assert unsure.probability(same[0]) == pytest.approx(0.5)


def _hits(*scores: float) -> list[Hit]:
    return [
        Hit(Chunk(str(at), "d", "t", 0, 1), score, at + 1, "exact")
        for at, score in enumerate(scores)
    ]


def test_hits_are_annotated_and_judged() -> None:
    found, relevant, _ = _sample(2000, 4)
    calibration = fit(found, relevant)
    hits = calibration.annotate(_hits(0.9, 0.5, 0.45, 0.2))
    confidences = [hit.confidence for hit in hits]
    assert confidences == sorted(confidences, reverse=True)
    first = evidence([0.9, 0.5, 0.45, 0.2])
    assert first is not None
    assert confidences[0] == pytest.approx(calibration.probability(first))
    assert calibration.judge(hits).relevant
    assert not calibration.judge(_hits(0.05, 0.04)).relevant
    assert calibration.judge([]).confidence == 0.0


def test_it_survives_json() -> None:
    found, relevant, _ = _sample(200, 5)
    calibration = fit(found, relevant, mode="hybrid")
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(InputError, match="5 relevant and 50 irrelevant"):
        fit([Evidence(0.1, 0.1)] * 55, [True] * 5 + [False] * 50)
