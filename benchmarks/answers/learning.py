"""Learn from half of the articles when there is an answer, and measure it on the other half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.answers.data import Question
from nearfield.collection import Collection
from nearfield.evaluation.intervals import Interval, bootstrap_statistic
from nearfield.rag.evidence import Weights, signals
from nearfield.rag.extractive import choose_sentences
from nearfield.search.calibration import auroc
from nearfield.search.options import Mode

__all__ = ["SETS", "Seen", "auroc_of", "fit", "look"]

SETS = {
    "words": ("words", "passage", "names", "kind"),
    "similarity": ("similarity", "words", "passage", "names", "kind"),
}
_REFUSED = 0.05
_RIDGE = 1.0
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """The signals of one question, and whether there is an answer."""

    signals: dict[str, float]
    answerable: bool
    absent: bool
    article: str


def look(collection: Collection, questions: Sequence[Question]) -> list[Seen]:
    """Signals of every question; answerable ones once more without their whole article."""
    found = []
    for question in questions:
        asked = [(None, bool(question.answers), False)]
        if question.answers:
            asked.append((f"article != '{question.article}'", False, True))
        for where, answerable, absent in asked:
            hits = collection.search(question.text, k=5, where=where, mode=Mode.HYBRID)
            best = choose_sentences(question.text, [hit.chunk for hit in hits], collection.encoder)
            found.append(
                Seen(signals(question.text, best[0]), answerable, absent, question.article)
            )
    return found


def fit(seen: Sequence[Seen], names: Sequence[str]) -> Weights:
    """Logistic regression with a ridge; the threshold refuses one answerable question in twenty."""
    rows, labels = _rows(seen, names), np.array([each.answerable for each in seen], dtype=float)
    design = np.column_stack([rows, np.ones(len(rows))])
    ridge = _RIDGE * np.diag([1.0] * rows.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (chance - labels) + ridge @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        weights -= np.linalg.solve(curvature, gradient)
    chance = 1 / (1 + np.exp(-design @ weights))
    threshold = float(np.quantile(chance[labels == 1], _REFUSED))
    of = {name: round(float(w), 4) for name, w in zip(names, weights, strict=False)}
    return Weights(of, round(float(weights[-1]), 4), round(threshold, 4))


def auroc_of(seen: Sequence[Seen], weights: Weights) -> Interval:
    """How well the probabilities tell answerable questions from the others."""
    scores = np.array([weights.probability(each.signals) for each in seen])
    labels = np.array([each.answerable for each in seen])
    return bootstrap_statistic(
        lambda places: auroc(scores[places], labels[places]), len(seen), samples=500
    )


def _rows(seen: Sequence[Seen], names: Sequence[str]) -> Matrix:
    return np.array([[each.signals[name] for name in names] for each in seen])
