"""The questions that the recommendation answers worst, with what it found in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nearfield.collection import Collection
from nearfield.errors import NearfieldError
from nearfield.evaluation.postmortem import postmortem
from nearfield.selection.applying import refined
from nearfield.selection.budget import OutOfTime
from nearfield.selection.data import Data
from nearfield.selection.pipeline import AskChoice
from nearfield.selection.trial import Trial
from nearfield.selection.trials import Trials
from nearfield.types import Document

__all__ = ["Failing", "find"]

_SHOWN = 8
_EXCERPT = 160
_LOW = 0.5


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
    lowest = [query for query in lowest if scores[query] < _LOW]
    causes = _causes(trial, trials, data, lowest)
    failing: list[Failing] = []
    for query in lowest:
        try:
            hits, _ = trials.searching.search(trial.pipeline, query, trial.pipeline.search.k)
        except OutOfTime:
            return failing
        except (NearfieldError, OSError):
            hits = []
        first = hits[0].chunk.text if hits else "nothing"
        failing.append(
            Failing(
                _short(data.queries[query], 2 * _EXCERPT),
                scores[query],
                _expected(query, data),
                _short(first),
                causes.get(query, ""),
            )
        )
    return failing


def _causes(trial: Trial, trials: Trials, data: Data, queries: Sequence[str]) -> dict[str, str]:
    """Which stage lost each answer; empty where that cannot be looked at."""
    pipeline = trial.pipeline
    if trials.workshop.budget.left <= 0 or pipeline.ask != AskChoice():
        return {}
    try:
        encoder = refined(trials.workshop.counted(pipeline.model).inner, pipeline.model)
        place = trials.workshop.store(pipeline).path
        with Collection(place, encoder=encoder) as collection:
            found = postmortem(
                collection,
                {query: data.queries[query] for query in queries},
                {query: data.qrels[query] for query in queries},
                options=pipeline.options,
                rerank=pipeline.search.rerank or None,
                spans={query: data.spans[query] for query in queries if query in data.spans},
            )
    except OutOfTime:
        return {}
    except (NearfieldError, OSError) as error:
        return dict.fromkeys(queries, f"not examined: {error}"[:_EXCERPT])
    lost = {each.query: f"{each.cause.value}: {each.evidence}" for each in found.failures}
    return {query: lost.get(query, "found, but low") for query in queries}


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


def _short(text: str, most: int = _EXCERPT) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
