"""Whether two systems differ on the same questions, or only seem to.

References
----------
Smucker, Allan and Carterette, "A comparison of statistical significance tests for information
retrieval evaluation", 2007. Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.agreement import Tau, kendall
from nearfield.evaluation.intervals import Interval, bootstrap

__all__ = [
    "LEVEL",
    "SEED",
    "Comparison",
    "Interval",
    "Tau",
    "bootstrap",
    "compare",
    "holm",
    "kendall",
    "randomisation_test",
]

LEVEL = 0.05
"""Below this a difference is called one."""

SEED = 31
"""Of the random swaps; the same swaps again for the same number of questions."""

_SLICE = 1000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems, how far apart their means are, and how surely.

    Attributes
    ----------
    first, second : str
    difference : float
        Mean of the first minus mean of the second.
    p, adjusted : float
        Of the two-sided test, alone and after Holm's correction.
    """

    first: str
    second: str
    difference: float
    p: float
    adjusted: float

    @property
    def verdict(self) -> str:
        """Who is better at the 5% level, or that nobody can tell."""
        if self.adjusted >= LEVEL:
            return "tie"
        return f"{self.first if self.difference > 0 else self.second} better"


def compare(
    systems: Mapping[str, npt.NDArray[np.float64]], permutations: int = 10_000, *, seed: int = SEED
) -> list[Comparison]:
    """Test every pair of systems; the correction covers all of them.

    Parameters
    ----------
    systems : mapping of str to ndarray, shape (questions,)
        Score of each question, in the same order for all.
    permutations : int
        Random swaps that are tried; p is never below 1 / (permutations + 1).
    seed : int

    Raises
    ------
    InputError
        Systems were asked different numbers of questions, or none.
    """
    sizes = {name: len(scores) for name, scores in systems.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name!r} has {size}" for name, size in sizes.items())
        raise InputError(f"scores of different questions cannot be paired: {told}")
    pairs = list(itertools.combinations(systems, 2))
    alone = [randomisation_test(systems[a], systems[b], permutations, seed=seed) for a, b in pairs]
    return [
        Comparison(a, b, float((systems[a] - systems[b]).mean()), p, adjusted)
        for (a, b), p, adjusted in zip(pairs, alone, holm(alone), strict=True)
    ]


def randomisation_test(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    permutations: int = 10_000,
    *,
    seed: int = SEED,
) -> float:
    """Share of random swaps of the two scores of each question that are as far apart as these.

    Two-sided. The systems as they are count as one of the permutations, so p is never 0.

    Raises
    ------
    InputError
        The two have different lengths, or hold something that is no number, or nothing.

    Examples
    --------
    >>> same = np.array([0.5, 0.25, 1.0])
    >>> randomisation_test(same, same)
    1.0
    """
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1 or not len(left):
        raise InputError(
            f"the scores have the shapes {left.shape} and {right.shape}: expected one score a "
            "question, of the same questions"
        )
    differences = left - right
    if not np.isfinite(differences).all():
        raise InputError("a score is no number: every question needs one")
    # Sums of the same numbers in another order differ in their last bits: those count as equal.
    observed = abs(differences.sum()) - 1e-9
    chance, extreme = np.random.default_rng(seed), 0
    for start in range(0, permutations, _SLICE):
        count = min(_SLICE, permutations - start)
        signs = chance.integers(0, 2, (count, len(differences))) * 2 - 1
        extreme += int((np.abs(signs @ differences) >= observed).sum())
    return (extreme + 1) / (permutations + 1)


def holm(values: Sequence[float]) -> list[float]:
    """Correct p-values of several tests for there being several.

    Examples
    --------
    >>> [round(value, 2) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda each: values[each])):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = least
    return adjusted
