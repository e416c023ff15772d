"""Learn from half of the articles when there is an answer, and measure it on the other half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.answers.data import Question
from nearfield.collection import Collection
from nearfield.evaluation.intervals import Interval, bootstrap_statistic
from nearfield.models.reading import PassageReader
from nearfield.rag.evidence import JUDGED, Regression, Weights, signals
from nearfield.rag.extractive import choose_sentences
from nearfield.rag.reading import read_passages
from nearfield.search.calibration import auroc
from nearfield.search.options import Mode

__all__ = ["SETS", "Seen", "auroc_of", "fit", "look", "regression", "was_read"]

_ABOUT = ("words", "passage", "names")
_SAYS = ("words", "kind", "denies", "missing", "opposites", "numbers", "names")
SETS = {
    "words": (_ABOUT, _SAYS),
    "similarity": (("similarity", *_ABOUT), ("similarity", *_SAYS)),
    "words-read": ((*_ABOUT, "answered"), (*_SAYS, "answered")),
    "similarity-read": (("similarity", *_ABOUT, "answered"), ("similarity", *_SAYS, "answered")),
}
"""By what to tell whether the documents are about it, and whether they say it."""

_REFUSED = 0.05
# Signals are of different sizes, so a ridge pulls at some of them only: leaving out one after the
# other of the articles that teach, less of it is better, down to about this.
_RIDGE = 0.001
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """The signals of one question, and whether there is an answer."""

    signals: dict[str, float]
    answerable: bool
    absent: bool
    article: str


def look(
    collection: Collection, questions: Sequence[Question], reader: PassageReader
) -> list[Seen]:
    """Signals of every question; answerable ones once more without their whole article."""
    found = []
    for question in questions:
        asked = [(None, bool(question.answers), False)]
        if question.answers:
            asked.append((f"article != '{question.article}'", False, True))
        for where, answerable, absent in asked:
            hits = collection.search(question.text, k=5, where=where, mode=Mode.HYBRID)
            chunks = [hit.chunk for hit in hits]
            best = choose_sentences(question.text, chunks, collection.encoder, most=JUDGED)
            read = read_passages(question.text, hits, best, lambda: reader)
            seen = signals(question.text, best, read)
            found.append(Seen(seen, answerable, absent, question.article))
    return found


def fit(seen: Sequence[Seen], about: Sequence[str], says: Sequence[str]) -> Weights:
    """Learn both regressions; the threshold refuses one answerable question in twenty.

    Whether documents are about a question is learned from articles taken away, whether they say it
    from the rest.
    """
    near = [each for each in seen if not each.absent]
    first = regression(seen, about, [not each.absent for each in seen])
    second = regression(near, says, [each.answerable for each in near])
    both = Weights(first, second, 0.0)
    right = [both.probability(each.signals) for each in near if each.answerable]
    return replace(both, threshold=round(float(np.quantile(right, _REFUSED)), 4))


def regression(seen: Sequence[Seen], names: Sequence[str], labels: Sequence[bool]) -> Regression:
    """Logistic regression with a ridge, by Newton's method."""
    rows, wanted = _rows(seen, names), np.array(labels, dtype=float)
    design = np.column_stack([rows, np.ones(len(rows))])
    ridge = _RIDGE * np.diag([1.0] * rows.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (chance - wanted) + ridge @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        weights -= np.linalg.solve(curvature, gradient)
    of = {name: round(float(w), 4) for name, w in zip(names, weights, strict=False)}
    return Regression(of, round(float(weights[-1]), 4))


def auroc_of(seen: Sequence[Seen], weights: Weights | Regression) -> Interval:
    """How well the probabilities tell answerable questions from the others."""
    scores = np.array([weights.probability(each.signals) for each in seen])
    labels = np.array([each.answerable for each in seen])
    return bootstrap_statistic(
        lambda places: auroc(scores[places], labels[places]), len(seen), samples=500
    )


def _rows(seen: Sequence[Seen], names: Sequence[str]) -> Matrix:
    return np.array([[each.signals[name] for name in names] for each in seen])


def was_read(seen: Sequence[Seen]) -> list[Seen]:
    """Those whose passages a reader has read; it reads no question without an English word."""
    return [each for each in seen if "answered" in each.signals]
