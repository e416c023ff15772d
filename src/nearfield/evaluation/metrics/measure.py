"""Measures of rankings by name: ``ndcg@10``, ``map``, ``recall@100``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError, UnknownName
from nearfield.evaluation.metrics import ranking
from nearfield.evaluation.metrics.judged import Judged, judge
from nearfield.evaluation.run import Run
from nearfield.evaluation.tasks.retrieval import Qrels
from nearfield.registry import suggest

__all__ = ["Measure"]

_WITH_CUT: dict[str, Callable[[Judged, int | None], npt.NDArray[np.float64]]] = {
    "ndcg": ranking.ndcg,
    "mrr": ranking.reciprocal_rank,
    "recip_rank": ranking.reciprocal_rank,
    "map": ranking.average_precision_at,
    "recall": ranking.recall,
    "hit_rate": ranking.success,
    "success": ranking.success,
}
_NEEDS_CUT = {"precision", "recall", "hit_rate", "success"}
_NAMES = (*_WITH_CUT, "precision", "r_precision")
_FORM = re.compile(r"([a-z_]+)(?:@([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of rankings, perhaps cut at a rank.

    Make one with :meth:`of`.

    Attributes
    ----------
    kind : str
        ``ndcg``, ``mrr`` (also ``recip_rank``), ``map``, ``recall``, ``precision``, ``success``
        (also ``hit_rate``) or ``r_precision``.
    k : int or None
        Ranks that count; None for the whole ranking.

    Examples
    --------
    >>> run = Run("dense", {"q1": {"b": 0.9, "a": 0.4}, "q2": {}})
    >>> Measure.of("mrr@10").scores(run, {"q1": {"a": 1}, "q2": {"a": 1}}).tolist()
    [0.5, 0.0]
    """

    kind: str
    k: int | None = None

    @classmethod
    def of(cls, name: str) -> Self:
        """The measure of that name.

        Raises
        ------
        UnknownName
            There is none; the message suggests neighbours.
        InputError
            A rank is missing, superfluous or 0.
        """
        form = _FORM.fullmatch(name.strip().lower())
        kind, cut = (form[1], form[2]) if form else (name, None)
        if kind not in _NAMES:
            raise UnknownName(f"no measure is called {name!r}; {suggest(kind, _NAMES)}")
        if kind == "r_precision" and cut is not None:
            raise InputError(f"{name!r}: r_precision has a rank of its own, write it without @")
        if kind in _NEEDS_CUT and cut is None:
            raise InputError(f"{name!r} needs a rank, such as {kind}@10")
        if cut is not None and int(cut) < 1:
            raise InputError(f"{name!r}: the rank is at least 1")
        return cls(kind, int(cut) if cut is not None else None)

    @property
    def name(self) -> str:
        """As :meth:`of` takes it."""
        return self.kind if self.k is None else f"{self.kind}@{self.k}"

    def scores(self, run: Run, qrels: Qrels) -> npt.NDArray[np.float64]:
        """The value of each query.

        Parameters
        ----------
        run : Run
        qrels : mapping of str to mapping of str to int

        Returns
        -------
        ndarray of float64, shape (queries,)
            In the order of `qrels`, in [0, 1]. An empty ranking scores 0.

        Raises
        ------
        InputError
            The run lacks a judged query.
        """
        return self.of_judged(judge(run, qrels))

    def of_judged(self, judged: Judged) -> npt.NDArray[np.float64]:
        """The value of each query, of grades that were looked up before."""
        if self.kind == "precision":
            assert self.k is not None  # `of` asks for it
            return ranking.precision(judged, self.k)
        if self.kind == "r_precision":
            return ranking.r_precision(judged)
        return _WITH_CUT[self.kind](judged, self.k)
