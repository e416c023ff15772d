"""Rerankers join late: behind the leading candidates, where limits and time allow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nearfield.errors import NearfieldError
from nearfield.selection.candidates import Grid, NotTried
from nearfield.selection.journal import Journal
from nearfield.selection.limits import Limits
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.trial import Trial
from nearfield.selection.workshop import Workshop

__all__ = ["Reranking"]

_SHARE = 0.3
"""Most of the time left that trying rerankers may take."""

_LEADING = 2


@dataclass(slots=True)
class Reranking:
    """Decides which rerankers are tried.

    Parameters
    ----------
    grid : Grid
    workshop : Workshop
    journal : Journal
        Remembers the decision.
    limits : Limits

    Attributes
    ----------
    not_tried : list of NotTried
        Rerankers that did not join, and why.
    """

    grid: Grid
    workshop: Workshop
    journal: Journal
    limits: Limits
    not_tried: list[NotTried] = field(default_factory=list)

    def join(self, best: Sequence[Trial], questions: int) -> list[Pipeline]:
        """The leading candidates with rerankers behind them.

        Parameters
        ----------
        best : sequence of Trial
            Best first.
        questions : int
            That each will be asked.
        """
        event = self.journal.last("joined")
        if event is not None and event["budget"] == self.workshop.budget.seconds:
            self.not_tried += [NotTried(what, why) for what, why in event["not_tried"]]
            behind = [each for trial in best for each in self.grid.reranked(trial.pipeline)]
            return [pipeline for pipeline in behind if pipeline.key in event["candidates"]]
        joined: list[Pipeline] = []
        for name in self.grid.rerankers:
            joined += self._behind(name, best, questions)
        self.journal.add(
            "joined",
            budget=self.workshop.budget.seconds,
            candidates=[pipeline.key for pipeline in joined],
            not_tried=[[each.what, each.why] for each in self.not_tried],
        )
        return joined

    def _behind(self, name: str, best: Sequence[Trial], questions: int) -> list[Pipeline]:
        seconds, why = self._pair_seconds(name)
        left = self.workshop.budget.left
        joined: list[Pipeline] = []
        for trial in _distinct(best):
            behind = self.grid.reranked(trial.pipeline)
            pipeline = next(each for each in behind if each.search.rerank == name)
            each = seconds * pipeline.search.candidates
            limit = self.limits.latency
            if not why and limit is not None and each > limit:
                why = (
                    f"reads {pipeline.search.candidates} passages in {each * 1e3:.0f} ms, the "
                    f"limit is {limit * 1e3:g} ms"
                )
            if not why and each * questions > left * _SHARE:
                why = (
                    f"{questions} questions take about {each * questions:,.0f} s with it, "
                    f"{max(0.0, left):,.0f} s are left"
                )
            if why:
                self.not_tried.append(NotTried(f"{name} behind {trial.pipeline.label}", why))
                break
            joined.append(pipeline)
            left -= each * questions
        return joined

    def _pair_seconds(self, name: str) -> tuple[float, str]:
        """Seconds for one question and one passage, or why there are none."""
        try:
            reranker = self.workshop.reranker(name)
            texts = [each.text[:1000] for each in list(self.workshop.documents.values())[:4]]
            if reranker is None or not texts:
                return 0.0, "there is nothing to read"
            reranker.score("warm up", texts[:1])
            begun = self.workshop.budget.clock()
            reranker.score("how long does this take", texts)
            return (self.workshop.budget.clock() - begun) / len(texts), ""
        except (NearfieldError, OSError, RuntimeError) as error:
            return 0.0, " ".join(str(error).split())


def _distinct(best: Sequence[Trial]) -> list[Trial]:
    """Leading candidates that differ in more than how vectors are stored."""
    found: dict[tuple[object, ...], Trial] = {}
    for trial in best:
        pipeline = trial.pipeline
        found.setdefault((pipeline.model, pipeline.chunking, pipeline.search), trial)
    return list(found.values())[:_LEADING]
