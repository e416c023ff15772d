"""What every task says of itself, whatever is measured on it."""

from __future__ import annotations

from typing import Protocol

from nearfield.types import Problem, Word

__all__ = ["Task", "TaskKind"]


class TaskKind(Word):
    """What is asked of a model."""

    RETRIEVAL = "retrieval"
    RERANKING = "reranking"
    STS = "sts"
    PAIRS = "pair-classification"
    CLASSIFICATION = "classification"
    CLUSTERING = "clustering"
    BITEXT = "bitext-mining"
    SUMMARISATION = "summarisation"


class Task(Protocol):
    """Judged data of one kind; the room ``measuring`` knows how each kind is measured."""

    @property
    def name(self) -> str:
        """As reports call it."""

    @property
    def kind(self) -> TaskKind:
        """What is asked of a model."""

    @property
    def split(self) -> str:
        """Part of the data, such as ``test``."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the data and what was made of it."""

    def sizes(self) -> dict[str, int]:
        """How much there is, by what it is, such as ``{"documents": 5183, "queries": 300}``."""

    def digest(self) -> str:
        """SHA-256 (hexadecimal) of everything that decides the figures."""
