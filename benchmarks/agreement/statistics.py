"""How far two rankings of systems agree, and what choosing by one costs by the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.significance import LEVEL, kendall, randomisation_test

__all__ = ["Agreement", "agreement", "halves", "leaderboard"]

_SAMPLES = 2000
_HALVES = 500
_SEED = 5

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
        return self.p >= LEVEL


def agreement(human: Scores, free: Scores) -> Agreement:
    """Compare a ranking by questions without labels with the ranking by people's."""
    names = list(human)
    by_people = np.array([human[name] for name in names])
    by_itself = np.array([free[name] for name in names])
    means, guesses = by_people.mean(axis=1), by_itself.mean(axis=1)
    tau = kendall(by_people, by_itself, samples=_SAMPLES, seed=_SEED)
    agreed, pairs = _decided(by_people, guesses)
    winner, best = int(np.argmax(guesses)), int(np.argmax(means))
    p = 1.0 if winner == best else randomisation_test(by_people[best], by_people[winner])
    return Agreement(
        tau=tau.value,
        low=tau.low,
        high=tau.high,
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
    for _ in range(_HALVES):
        order = chance.permutation(scores.shape[1])
        middle = len(order) // 2
        one, other = scores[:, order[:middle]], scores[:, order[middle:]]
        found.append(kendall(one.mean(axis=1), other.mean(axis=1), samples=1).value)
    low, high = np.quantile(found, [0.025, 0.975]).tolist()
    return float(np.mean(found)), low, high


def _decided(
    people: npt.NDArray[np.float64], guesses: npt.NDArray[np.float64]
) -> tuple[float, int]:
    agreed = pairs = 0
    for one in range(len(people)):
        for other in range(one + 1, len(people)):
            if randomisation_test(people[one], people[other], 2000) < LEVEL:
                pairs += 1
                truth = people[one].mean() > people[other].mean()
                agreed += bool((guesses[one] > guesses[other]) == truth)
    return (agreed / pairs if pairs else float("nan")), pairs


def leaderboard(
    name: str, means: Mapping[str, npt.NDArray[np.float64]], systems: list[str]
) -> dict[str, float | str]:
    """What somebody gets who chooses by the mean over other people's collections.

    Returns
    -------
    dict
        ``tau`` with the ranking on this collection, the ``winner`` and its ``regret``; empty where
        there is no other collection.
    """
    others = [scores for other, scores in means.items() if other != name]
    if not others:
        return {}
    guess = np.mean(others, axis=0)
    winner = int(np.argmax(guess))
    return {
        "tau": round(kendall(means[name], guess, samples=1).value, 4),
        "winner": systems[winner],
        "regret": round(float(means[name].max() - means[name][winner]), 4),
    }
