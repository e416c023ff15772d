"""Which candidates are surely worse than the best one, and which only seem to be.

Every candidate is asked the same questions, so differences are paired. The test is Fisher's
randomisation test on the differences; Holm's correction covers all comparisons with the best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.significance import LEVEL, SEED, bootstrap, holm

__all__ = ["Verdict", "against_best"]

_PERMUTATIONS = 10_000
_SLICE = 1_000

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate beside the best one.

    Attributes
    ----------
    candidate : str
    loss : float
        Mean of the best minus mean of this one.
    low, high : float
        95% interval of the loss.
    p : float
        Of the two-sided test, after Holm's correction.
    """

    candidate: str
    loss: float
    low: float
    high: float
    p: float

    @property
    def is_worse(self) -> bool:
        """Whether the best is significantly better."""
        return self.loss > 0 and self.p < LEVEL

    @property
    def word(self) -> str:
        """Worse, or a tie."""
        return "worse" if self.is_worse else "tie"


def against_best(scores: Mapping[str, Scores]) -> dict[str, Verdict]:
    """Compare every candidate with the one of the highest mean; the first of equals is the best.

    Parameters
    ----------
    scores : mapping of str to ndarray, shape (questions,)
        Of the same questions in the same order.

    Examples
    --------
    >>> high, low = np.full(20, 0.9), np.full(20, 0.2)
    >>> verdicts = against_best({"a": low, "b": high})
    >>> verdicts["a"].word, verdicts["b"].word
    ('worse', 'tie')
    """
    names = list(scores)
    best = max(names, key=lambda name: float(scores[name].mean()))
    others = [name for name in names if name != best]
    itself = Verdict(best, 0.0, 0.0, 0.0, 1.0)
    if not others:
        return {best: itself}
    differences = np.stack([scores[best] - scores[name] for name in others], axis=1)
    adjusted = holm(_randomised(differences).tolist())
    found = {best: itself}
    for column, name in enumerate(others):
        loss = bootstrap(differences[:, column])
        found[name] = Verdict(name, loss.mean, loss.low, loss.high, adjusted[column])
    return {name: found[name] for name in names}


def _randomised(differences: Scores) -> Scores:
    """Each column's p: how often random signs are as far from 0; the same signs for all."""
    observed = np.abs(differences.sum(axis=0)) - 1e-9
    chance = np.random.default_rng(SEED)
    extreme = np.zeros(differences.shape[1])
    for start in range(0, _PERMUTATIONS, _SLICE):
        count = min(_SLICE, _PERMUTATIONS - start)
        signs = chance.integers(0, 2, (count, len(differences))) * 2.0 - 1.0
        extreme += (np.abs(signs @ differences) >= observed).sum(axis=0)
    p: Scores = (extreme + 1) / (_PERMUTATIONS + 1)
    return p
