"""The questions that the recommendation answers worst, with what it found in their place."""

from __future__ import annotations

from dataclasses import dataclass

from nearfield.errors import NearfieldError
from nearfield.selection.data import Data
from nearfield.selection.trial import Trial
from nearfield.selection.trials import Trials
from nearfield.types import Document

__all__ = ["Failing", "find"]

_SHOWN = 8
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Failing:
    """A question with a low figure.

    Attributes
    ----------
    question : str
    score : float
        In [0, 1].
    expected : str
        Title or beginning of a document that answers it.
    found : str
        Beginning of the first passage that came.
    cause : str
        What lost the answer, where a post-mortem was made.
    """

    question: str
    score: float
    expected: str
    found: str
    cause: str = ""


def find(trial: Trial, trials: Trials, data: Data) -> list[Failing]:
    """Look at the questions with the lowest figures again."""
    scores = trial.scores | trial.held_out
    lowest = sorted(scores, key=lambda query: (scores[query], query))[:_SHOWN]
    failing = []
    for query in lowest:
        if scores[query] >= 0.5:
            break
        try:
            hits, _ = trials.search(trial.pipeline, query, trial.pipeline.search.k)
        except (NearfieldError, OSError):
            hits = []
        first = hits[0].chunk.text if hits else "nothing"
        failing.append(
            Failing(data.queries[query], scores[query], _expected(query, data), _short(first))
        )
    return failing


def _expected(query: str, data: Data) -> str:
    grades = data.qrels[query]
    best = max(grades, key=lambda id_: grades[id_])
    span = data.spans.get(query)
    document = data.documents.get(best)
    if document is None:
        return f"{best}, which is not among the documents"
    if span is not None:
        return _short(document.text[span.start : span.end])
    more = sum(1 for grade in grades.values() if grade > 0) - 1
    return _name(document) + (f" (and {more} more)" if more else "")


def _name(document: Document) -> str:
    return _short(document.title or document.text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1].rstrip() + "…"
