"""How far two rankings of systems agree, and what choosing by one costs by the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.significance import randomisation_test

__all__ = ["Agreement", "agreement", "halves", "tau_b"]

_SAMPLES = 2000
_SEED = 5
_LEVEL = 0.05

Scores = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a ranking without labels agrees with people's.

    Attributes
    ----------
    tau, low, high : float
        Kendall's τ-b over all pairs of systems, with a 95% bootstrap interval.
    decided : float
        Share of the pairs that people's questions decide (paired test, p < 0.05) on which both
        rankings agree.
    pairs : int
        How many pairs those are.
    winner, best : str
        First system without labels, and by people.
    regret : float
        How much nDCG@10, by people, the winner lacks to the best.
    p : float
        Of the test whether the winner and the best differ, by people.
    """

    tau: float
    low: float
    high: float
    decided: float
    pairs: int
    winner: str
    best: str
    regret: float
    p: float

    @property
    def within_noise(self) -> bool:
        """Whether the winner cannot be told from the best."""
        return self.p >= _LEVEL


def agreement(human: Scores, free: Scores) -> Agreement:
    """Compare a ranking by questions without labels with the ranking by people's."""
    names = list(human)
    by_people = np.array([human[name] for name in names])
    by_itself = np.array([free[name] for name in names])
    means, guesses = by_people.mean(axis=1), by_itself.mean(axis=1)
    taus = _bootstrap(by_people, by_itself)
    agreed, pairs = _decided(by_people, guesses)
    winner, best = int(np.argmax(guesses)), int(np.argmax(means))
    p = 1.0 if winner == best else randomisation_test(by_people[best], by_people[winner])
    low, high = np.quantile(taus, [0.025, 0.975]).tolist()
    return Agreement(
        tau=tau_b(means, guesses),
        low=low,
        high=high,
        decided=agreed,
        pairs=pairs,
        winner=names[winner],
        best=names[best],
        regret=float(means[best] - means[winner]),
        p=p,
    )


def halves(human: Scores) -> tuple[float, float, float]:
    """τ-b of people's questions with themselves: of random halves; mean and 95% range.

    The ceiling: no other questions can be expected to agree more with half of these.
    """
    scores = np.array(list(human.values()))
    chance = np.random.default_rng(_SEED)
    found = []
    for _ in range(_SAMPLES // 4):
        order = chance.permutation(scores.shape[1])
        middle = len(order) // 2
        found.append(
            tau_b(scores[:, order[:middle]].mean(axis=1), scores[:, order[middle:]].mean(axis=1))
        )
    low, high = np.quantile(found, [0.025, 0.975]).tolist()
    return float(np.mean(found)), low, high


def tau_b(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Kendall's rank correlation, corrected for ties, in [-1, 1]; 0 where one ranks nothing.

    References
    ----------
    Kendall, "The treatment of ties in ranking problems", 1945.

    Examples
    --------
    >>> tau_b(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0]))
    0.6666666666666666
    """
    upper = np.triu_indices(len(first), 1)
    a = np.sign(first[:, None] - first[None, :])[upper]
    b = np.sign(second[:, None] - second[None, :])[upper]
    norm = float(np.sqrt(np.abs(a).sum() * np.abs(b).sum()))
    return float((a * b).sum() / norm) if norm else 0.0


def _bootstrap(
    people: npt.NDArray[np.float64], itself: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """τ-b of resampled questions; both sets of questions are samples, so both are resampled."""
    chance = np.random.default_rng(_SEED)
    return np.array(
        [
            tau_b(
                *(
                    scores[:, chance.integers(0, scores.shape[1], scores.shape[1])].mean(axis=1)
                    for scores in (people, itself)
                )
            )
            for _ in range(_SAMPLES)
        ]
    )


def _decided(
    people: npt.NDArray[np.float64], guesses: npt.NDArray[np.float64]
) -> tuple[float, int]:
    agreed = pairs = 0
    for one in range(len(people)):
        for other in range(one + 1, len(people)):
            if randomisation_test(people[one], people[other], 2000) < _LEVEL:
                pairs += 1
                truth = people[one].mean() > people[other].mean()
                agreed += bool((guesses[one] > guesses[other]) == truth)
    return (agreed / pairs if pairs else float("nan")), pairs
