"""Rankings with their grades as arrays: what every measure of a ranking is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Self

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.run import Run
from nearfield.evaluation.tasks.retrieval import Qrels

__all__ = ["Judged", "judge"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """The grades of what was found and of what could have been found, one row a query.

    Attributes
    ----------
    gains : ndarray of int64, shape (queries, width)
        Grade of the document at each rank; 0 for unjudged documents, for grades below 0, and
        beyond the end of a ranking.
    ideal : ndarray of int64, shape (queries, most)
        Grades above 0 of the judged documents, highest first, filled up with 0.
    relevant : ndarray of int64, shape (queries,)
        How many documents have a grade above 0.
    """

    gains: npt.NDArray[np.int64]
    ideal: npt.NDArray[np.int64]
    relevant: npt.NDArray[np.int64]

    @classmethod
    def of(cls, ranking: Sequence[str], grades: Mapping[str, int]) -> Self:
        """One ranking, best first, beside its judgements.

        Examples
        --------
        >>> Judged.of(["x", "b"], {"b": 2, "c": 1}).gains.tolist()
        [[0, 2]]
        """
        return cls.of_all([ranking], [grades])

    @classmethod
    def of_all(cls, rankings: Sequence[Iterable[str]], grades: Sequence[Mapping[str, int]]) -> Self:
        """Several rankings, each beside its judgements."""
        looked_up = [list(map(g.get, r, repeat(0))) for r, g in zip(rankings, grades, strict=True)]
        ideal = [sorted((g for g in known.values() if g > 0), reverse=True) for known in grades]
        relevant = np.array([len(row) for row in ideal], dtype=np.int64)
        return cls(np.maximum(_filled(looked_up), 0), _filled(ideal), relevant)

    def found(self, k: int | None) -> npt.NDArray[np.bool_]:
        """Whether the document at each of the first `k` ranks is relevant."""
        return self.gains[:, :k] > 0


def judge(run: Run, qrels: Qrels) -> Judged:
    """Look up the grades of a run, in the order of the judgements.

    Queries of the run that nobody judged are passed over.

    Raises
    ------
    InputError
        The run lacks a judged query: a mean over the others would be another figure.

    Examples
    --------
    >>> judge(Run("dense", {"q": {"b": 0.9, "a": 0.4}}), {"q": {"a": 1}}).gains.tolist()
    [[0, 1]]
    """
    missing = [query for query in qrels if query not in run.rankings]
    if missing:
        more = "" if len(missing) <= _SHOWN else f" and {len(missing) - _SHOWN} more"
        raise InputError(
            f"the run {run.name!r} has no ranking for {', '.join(map(repr, missing[:_SHOWN]))}"
            f"{more} of {len(qrels)} judged queries: a query that found nothing needs an empty "
            "ranking, and a part of the queries needs a part of the judgements"
        )
    return Judged.of_all([run.rankings[query] for query in qrels], list(qrels.values()))


def _filled(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Rows of unequal length as one array, filled up with 0."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    width = int(lengths.max(initial=0))
    filled = np.zeros((len(rows), width), dtype=np.int64)
    values = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum()))
    filled[np.arange(width) < lengths[:, None]] = values
    return filled
