"""What a system answered: a ranking of documents for each question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from nearfield.types import Hit

__all__ = ["Run", "documents_of"]


@dataclass(frozen=True, slots=True)
class Run:
    """The rankings of one system.

    Attributes
    ----------
    name : str
        The system.
    rankings : mapping of str to mapping of str to float
        Question id → document id → score, best first; higher scores are better. Questions that
        found nothing have an empty ranking, never no ranking.

    Examples
    --------
    >>> run = Run("dense", {"q": {"b": 0.9, "a": 0.4}})
    >>> run.ranking("q")
    ('b', 'a')
    """

    name: str
    rankings: Mapping[str, Mapping[str, float]]

    @classmethod
    def by_score(cls, name: str, scores: Mapping[str, Mapping[str, float]]) -> Self:
        """Rank by score; equal scores by document id, last first, as ``trec_eval`` does.

        Examples
        --------
        >>> Run.by_score("dense", {"q": {"a": 0.4, "c": 0.9, "b": 0.9}}).ranking("q")
        ('c', 'b', 'a')
        """
        return cls(
            name,
            {
                query: dict(
                    sorted(found.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
                )
                for query, found in scores.items()
            },
        )

    def ranking(self, query: str) -> tuple[str, ...]:
        """Document ids of one question, best first."""
        return tuple(self.rankings[query])


def documents_of(hits: Iterable[Hit]) -> dict[str, float]:
    """Rank documents by their best passage.

    Parameters
    ----------
    hits : iterable of Hit
        Passages, best first.

    Returns
    -------
    dict of str to float
        Document id → score of its first passage, best first.

    Examples
    --------
    >>> from nearfield.types import Chunk
    >>> first, second = Chunk("a#0-1", "a", "x", 0, 1), Chunk("a#1-2", "a", "y", 1, 2)
    >>> documents_of([Hit(first, 0.9, 1, "exact"), Hit(second, 0.8, 2, "exact")])
    {'a': 0.9}
    """
    found: dict[str, float] = {}
    for hit in hits:
        found.setdefault(hit.chunk.document_id, hit.score)
    return found
