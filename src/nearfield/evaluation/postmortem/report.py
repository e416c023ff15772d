"""What a post-mortem says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nearfield.evaluation.postmortem.cause import Cause

__all__ = ["Failure", "PostMortem", "Ranks"]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Rank of the best passage that answers, from 1, stage by stage; None where it is not found.

    Attributes
    ----------
    dense : int or None
        By meaning alone, exactly.
    lexical : int or None
        By words alone.
    first_stage : int or None
        Before reranking and spreading, by the path in use.
    final : int or None
        In what the search returns.
    """

    dense: int | None = None
    lexical: int | None = None
    first_stage: int | None = None
    final: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A question without an answer among its hits.

    Attributes
    ----------
    query, text : str
        Id and words of the question.
    cause : Cause
    evidence : str
        What shows it, in one line.
    relevant : tuple of str
        Documents that answer it.
    found : tuple of str
        Documents that were found instead, best first.
    ranks : Ranks
    """

    query: str
    text: str
    cause: Cause
    evidence: str
    relevant: tuple[str, ...]
    found: tuple[str, ...]
    ranks: Ranks


@dataclass(frozen=True, slots=True)
class PostMortem:
    """All questions, and why some of them failed.

    Attributes
    ----------
    questions, answered : int
    k : int
        Hits within which an answer counts.
    failures : tuple of Failure
        In the order of the questions.
    """

    questions: int
    answered: int
    k: int
    failures: tuple[Failure, ...]

    @property
    def by_cause(self) -> Mapping[Cause, int]:
        """How many failures each cause has, most frequent first."""
        counts = Counter(failure.cause for failure in self.failures)
        order = list(Cause)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], order.index(pair[0]))))
