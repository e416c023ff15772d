"""From scores to probabilities: how sure a hit is, and when nothing here is relevant.

A cosine of 0.4 means much in one collection and nothing in another. A logistic regression, fitted
on questions whose answers in this collection are known, turns two numbers of a ranking into the
probability that its best hit is relevant: its score, and its lead over the rest (Platt 1999). The
questions come from a person, or from the collection itself
(:mod:`nearfield.collection.calibrating`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.types import Hit

__all__ = ["RANKED", "Calibration", "Evidence", "Verdict", "auroc", "evidence", "fit"]

_REST = 10
"""A hit is compared with the mean of so many scores that follow it."""

RANKED = 1 + _REST
"""Hits that a ranking should have for its best one to be judged."""

_FOLDS = 5
_RIDGE = 1e-2
_STEPS = 50

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a ranking says about its best hit.

    Attributes
    ----------
    score : float
    lead : float
        How far the score lies above the mean of those that follow; 0 where none does.
    """

    score: float
    lead: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether anything relevant was found.

    Attributes
    ----------
    relevant : bool
    confidence : float
        Probability that the best hit is relevant, in [0, 1].
    threshold : float
        Below it, nothing counts as relevant.
    """

    relevant: bool
    confidence: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted map from evidence to probability.

    Attributes
    ----------
    weights : tuple of float
        Of the standardised score and the standardised lead.
    bias : float
    centre, scale : tuple of float
        Mean and standard deviation of the evidence it was fitted on.
    questions : int
        How many it was fitted on, answerable and not.
    auroc : float
        How well it tells the two apart, cross-validated: 0.5 is chance, 1 perfect.
    threshold : float
        Probability at which errors of both kinds were fewest.
    mode : str
        Search mode it belongs to; scores of another mode mean something else.
    """

    weights: tuple[float, float]
    bias: float
    centre: tuple[float, float]
    scale: tuple[float, float]
    questions: int
    auroc: float
    threshold: float
    mode: str = "dense"

    def probability(self, found: Evidence) -> float:
        """Probability, in [0, 1], that a hit of this evidence is relevant."""
        row = np.array([[found.score, found.lead]])
        standard = (row - np.array(self.centre)) / np.array(self.scale)
        return float(_sigmoid(standard @ np.array(self.weights) + self.bias)[0])

    def judge(self, hits: Sequence[Hit]) -> Verdict:
        """Whether the best of `hits` is relevant; an empty list is not."""
        if hits and hits[0].confidence is not None:
            confidence = hits[0].confidence  # of the whole ranking, whatever was cut off since
        else:
            found = evidence([hit.score for hit in hits])
            confidence = self.probability(found) if found is not None else 0.0
        return Verdict(confidence >= self.threshold, confidence, self.threshold)

    def annotate(self, hits: Sequence[Hit]) -> list[Hit]:
        """The same hits, each with its confidence; they never rise from hit to hit."""
        scores = [hit.score for hit in hits]
        annotated: list[Hit] = []
        ceiling = 1.0
        for at, hit in enumerate(hits):
            # Every hit is judged as if it were the best: against what the first one leads.
            found = evidence(
                [hit.score, *(scores[1:] if at == 0 else scores[1:at] + scores[at + 1 :])]
            )
            ceiling = min(ceiling, self.probability(found)) if found is not None else 0.0
            annotated.append(replace(hit, confidence=ceiling))
        return annotated

    def to_json(self) -> str:
        """One line of JSON; see :meth:`from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read what :meth:`to_json` wrote."""
        values = json.loads(text)
        pairs = {name: tuple(values[name]) for name in ("weights", "centre", "scale")}
        return cls(**{**values, **pairs})


def evidence(scores: Sequence[float]) -> Evidence | None:
    """Evidence of a ranking's scores, best first; None for an empty one.

    Examples
    --------
    >>> evidence([0.9, 0.5, 0.3])
    Evidence(score=0.9, lead=0.5)
    """
    if not scores:
        return None
    rest = scores[1 : 1 + _REST]
    lead = scores[0] - sum(rest) / len(rest) if rest else 0.0
    return Evidence(float(scores[0]), float(lead))


def fit(found: Sequence[Evidence], relevant: Sequence[bool], *, mode: str = "dense") -> Calibration:
    """Fit a calibration.

    Parameters
    ----------
    found : sequence of Evidence
        Of the best hit of each question.
    relevant : sequence of bool
        Whether that hit was relevant.

    Raises
    ------
    InputError
        Fewer than ten examples of either kind: too few to say anything.
    """
    rows = np.array([[each.score, each.lead] for each in found], dtype=np.float64).reshape(-1, 2)
    labels = np.array(relevant, dtype=np.float64)
    positive = int(labels.sum())
    if min(positive, len(labels) - positive) < 10:
        raise InputError(
            f"{positive} relevant and {len(labels) - positive} irrelevant examples: a calibration "
            "needs at least 10 of each"
        )
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale == 0] = 1.0
    standard = (rows - centre) / scale
    held_out = _cross_validated(standard, labels)
    weights = _rising(standard, labels)
    return Calibration(
        weights=(float(weights[0]), float(weights[1])),
        bias=float(weights[2]),
        centre=(float(centre[0]), float(centre[1])),
        scale=(float(scale[0]), float(scale[1])),
        questions=len(labels),
        auroc=auroc(held_out, labels),
        threshold=_balanced_threshold(held_out, labels),
        mode=mode,
    )


def auroc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Probability that a positive example scores above a negative one; ties count half.

    Examples
    --------
    >>> auroc([0.9, 0.8, 0.1], [1, 0, 0])
    1.0
    >>> auroc([0.5, 0.5], [1, 0])
    0.5
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)
    positive, negative = values[truth], np.sort(values[~truth])
    below = np.searchsorted(negative, positive, side="left")
    equal = np.searchsorted(negative, positive, side="right") - below
    return float((below + 0.5 * equal).sum() / (len(positive) * len(negative)))


def _cross_validated(rows: Matrix, labels: Matrix) -> Matrix:
    """Probability of each example by a fit that has not seen it."""
    fold = np.empty(len(labels), dtype=np.int64)
    for value in (0.0, 1.0):  # each fold has its share of both kinds
        places = np.flatnonzero(labels == value)
        fold[places] = np.arange(len(places)) % _FOLDS
    held_out = np.empty(len(labels))
    for number in range(_FOLDS):
        here = fold == number
        weights = _rising(rows[~here], labels[~here])
        held_out[here] = _sigmoid(rows[here] @ weights[:2] + weights[2])
    return held_out


def _rising(rows: Matrix, labels: Matrix) -> Matrix:
    """Logistic regression in which no evidence counts against a hit.

    Score and lead rise together, so that a free fit may give one of them a negative weight, and a
    better score a lower confidence.
    """
    weights = _logistic(rows, labels)
    for column in (0, 1):
        if weights[column] < 0:
            alone = _logistic(rows[:, [1 - column]], labels)
            weights = np.zeros(3)
            weights[1 - column], weights[2] = max(alone[0], 0.0), alone[1]
            break
    return weights


def _logistic(rows: Matrix, labels: Matrix) -> Matrix:
    """Logistic regression with a small ridge, by Newton's method; the bias comes last."""
    design = np.column_stack([rows, np.ones(len(rows))])
    ridge = _RIDGE * np.diag([1.0] * rows.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = _sigmoid(design @ weights)
        gradient = design.T @ (chance - labels) + ridge @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(weights)), gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _balanced_threshold(chance: Matrix, labels: Matrix) -> float:
    """The probability at which the mean of both error rates is least (Youden's index)."""
    candidates = np.unique(chance)
    positive, negative = np.sort(chance[labels == 1]), np.sort(chance[labels == 0])
    missed = np.searchsorted(positive, candidates, side="left") / len(positive)
    false = 1.0 - np.searchsorted(negative, candidates, side="left") / len(negative)
    best = int(np.argmin(missed + false))
    lower = candidates[best - 1] if best else 0.0
    # Half way to the next lower one: what lies in between was never seen.
    return float((candidates[best] + lower) / 2)


def _sigmoid(x: Matrix) -> Matrix:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
