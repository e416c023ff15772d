"""A judged collection: documents, questions, and which documents answer which question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.types import Document, Problem

__all__ = ["Qrels", "RetrievalTask"]

Qrels = Mapping[str, Mapping[str, int]]
"""Question id → document id → grade; a document that is not there has grade 0."""


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """Documents, questions and judgements.

    Attributes
    ----------
    name : str
    documents : mapping of str to Document
        By id.
    queries : mapping of str to str
        By id; exactly those with at least one relevant document, in the order of the file.
    qrels : mapping of str to mapping of str to int
        Judgements of those queries. Grades above 0 are relevant.
    split : str
        Part of the judgements, such as ``test``.
    problems : tuple of Problem
        What was left out and why: queries without a relevant document, judgements of unknown
        documents, duplicate ids.

    Examples
    --------
    >>> from nearfield.types import Document
    >>> task = RetrievalTask("one", {"d": Document("d", "A parka.")}, {"q": "coat"}, {"q": {"d": 1}})
    >>> task.relevant("q")
    {'d'}
    """

    name: str
    documents: Mapping[str, Document]
    queries: Mapping[str, str]
    qrels: Qrels
    split: str = "test"
    problems: tuple[Problem, ...] = field(default=())

    def relevant(self, query: str) -> set[str]:
        """Ids of the documents that answer a query."""
        return {document for document, grade in self.qrels[query].items() if grade > 0}
