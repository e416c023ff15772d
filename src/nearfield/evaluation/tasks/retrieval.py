"""A judged collection: documents, questions, and which documents answer which question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nearfield.evaluation.tasks.digest import digest_of
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Document, Problem

__all__ = ["Qrels", "RetrievalTask", "whole_text"]

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
        Judgements of those queries, in the same order. Grades above 0 are relevant. Judgements of
        documents that are not there stay: nobody can find these, and leaving them out would make
        another figure.
    split : str
        Part of the judgements, such as ``test``.
    problems : tuple of Problem
        What is wrong with the data: queries without a relevant document and records with the id of
        an earlier one, which are left out; documents without a text; judgements of documents that
        are not there.

    Examples
    --------
    >>> from nearfield.types import Document
    >>> documents = {"d": Document("d", "A parka.")}
    >>> task = RetrievalTask("one", documents, {"q": "coat"}, {"q": {"d": 1}})
    >>> task.relevant("q")
    {'d'}
    """

    kind: ClassVar[TaskKind] = TaskKind.RETRIEVAL

    name: str
    documents: Mapping[str, Document]
    queries: Mapping[str, str]
    qrels: Qrels
    split: str = "test"
    problems: tuple[Problem, ...] = field(default=())

    def relevant(self, query: str) -> set[str]:
        """Ids of the documents that answer a query."""
        return {document for document, grade in self.qrels[query].items() if grade > 0}

    def sizes(self) -> dict[str, int]:
        judged = sum(len(grades) for grades in self.qrels.values())
        return {
            "documents": len(self.documents),
            "queries": len(self.queries),
            "judgements": judged,
        }

    def digest(self) -> str:
        documents = ((id_, whole_text(each)) for id_, each in self.documents.items())
        judgements = (
            (query, id_, str(grade))
            for query, grades in self.qrels.items()
            for id_, grade in grades.items()
        )
        return digest_of(self.kind, documents, self.queries.items(), judgements)


def whole_text(document: Document) -> str:
    """Title and text of a document in one, as MTEB and BEIR give it to a model.

    Examples
    --------
    >>> from nearfield.types import Document
    >>> whole_text(Document("d", "Warm coats.", title="Winter"))
    'Winter Warm coats.'
    """
    return f"{document.title} {document.text}".strip()
