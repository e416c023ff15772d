"""Which late steps are tried, and behind which candidates.

What makes a question a hundred times slower is not combined with everything. It stands behind the
leading candidates and climbs the rungs from the first one, so that a few questions are asked even
where time does not suffice for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nearfield.errors import NearfieldError
from nearfield.passage import embedding_text
from nearfield.selection.budget import NOT_MEASURED
from nearfield.selection.candidates import NotTried
from nearfield.selection.journal import Journal
from nearfield.selection.late.extra import Extra
from nearfield.selection.limits import Limits
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.trial import Trial, rungs
from nearfield.selection.workshop import Workshop

__all__ = ["Joining", "LateForecast"]

_SHARE = 0.5
"""Most of the time left that the first rung of one step may take."""

_RESERVED = 0.2
"""Most of the budget that embedding leaves for them."""

_LEADING = 2
_READ = 8


@dataclass(frozen=True, slots=True)
class LateForecast:
    """What a late step will take.

    Attributes
    ----------
    name : str
    seconds : float
        For a question; 0 where it cannot be tried.
    money : float
        US dollars for all questions, at most.
    why : str
        Why it cannot be tried; empty where it can.
    """

    name: str
    seconds: float
    money: float = 0.0
    why: str = ""


@dataclass(slots=True)
class Joining:
    """Decides which late steps are tried.

    Parameters
    ----------
    extras : sequence of Extra
    workshop : Workshop
    journal : Journal
        Remembers the decision.
    limits : Limits

    Attributes
    ----------
    not_tried : list of NotTried
        What did not join, and why.
    """

    extras: Sequence[Extra]
    workshop: Workshop
    journal: Journal
    limits: Limits
    not_tried: list[NotTried] = field(default_factory=list)

    def forecast(self, texts: Sequence[str], questions: Sequence[str]) -> list[LateForecast]:
        """What each step will take, measured on some texts that are as long as passages.

        Parameters
        ----------
        texts : sequence of str
        questions : sequence of str
            That will be asked.
        """
        found = []
        for extra in self.extras:
            try:
                money = extra.money(questions)
            except (NearfieldError, OSError) as error:
                found.append(LateForecast(extra.name, 0.0, 0.0, " ".join(str(error).split())))
                continue
            seconds, why = self._seconds(extra, texts)
            found.append(LateForecast(extra.name, seconds, money, why))
        return found

    def reserve(self, forecasts: Sequence[LateForecast], questions: int) -> float:
        """Seconds that embedding should leave: for the rungs before the last one.

        Parameters
        ----------
        forecasts : sequence of LateForecast
        questions : int
            To choose by.
        """
        sizes = rungs(questions)
        asked = sizes[max(0, len(sizes) - 2)]
        wanted = sum(forecast.seconds for forecast in forecasts) * asked
        return min(wanted, self.workshop.budget.seconds * _RESERVED)

    def join(
        self, best: Sequence[Trial], questions: int, forecasts: Sequence[LateForecast]
    ) -> list[Pipeline]:
        """The leading candidates with late steps behind them.

        Parameters
        ----------
        best : sequence of Trial
            Best first.
        questions : int
            Of the first rung, which each will be asked.
        forecasts : sequence of LateForecast
            Those that cannot be tried are left out.
        """
        event = self.journal.last("joined")
        if event is not None and event["budget"] == self.workshop.budget.seconds:
            self.not_tried += [NotTried(what, why) for what, why in event["not_tried"]]
            behind = [extra.behind(trial.pipeline) for trial in best for extra in self.extras]
            return [each for each in behind if each and each.key in event["candidates"]]
        joined: list[Pipeline] = []
        impossible = {forecast.name: forecast.why for forecast in forecasts if forecast.why}
        self.not_tried += [NotTried(name, why) for name, why in impossible.items()]
        for extra in self.extras:
            if extra.name not in impossible:
                joined += self._behind(extra, best, questions)
        self.journal.add(
            "joined",
            budget=self.workshop.budget.seconds,
            candidates=[pipeline.key for pipeline in joined],
            not_tried=[[each.what, each.why] for each in self.not_tried],
        )
        return joined

    def _behind(self, extra: Extra, best: Sequence[Trial], questions: int) -> list[Pipeline]:
        left = self.workshop.budget.left
        joined: list[Pipeline] = []
        for trial in _distinct(best):
            pipeline = extra.behind(trial.pipeline)
            if pipeline is None:
                continue
            chunks = self.workshop.passages(trial.pipeline).chunks[:_READ]
            seconds, why = self._seconds(extra, [embedding_text(chunk) for chunk in chunks])
            limit = self.limits.latency
            if not why and limit is not None and seconds > limit:
                why = f"takes {seconds * 1e3:,.0f} ms a question, the limit is {limit * 1e3:g} ms"
            if not why and seconds * questions > left * _SHARE:
                why = (
                    f"{NOT_MEASURED}; {questions} questions take about {seconds * questions:,.0f} "
                    f"s with it, {max(0.0, left):,.0f} s are left"
                )
            if why:
                self.not_tried.append(NotTried(f"{extra.name} behind {trial.pipeline.label}", why))
                break
            joined.append(pipeline)
            left -= seconds * questions
        return joined

    def _seconds(self, extra: Extra, texts: Sequence[str]) -> tuple[float, str]:
        try:
            return extra.seconds(texts), ""
        except (NearfieldError, OSError, RuntimeError) as error:
            return 0.0, " ".join(str(error).split())


def _distinct(best: Sequence[Trial]) -> list[Trial]:
    """Leading candidates that differ in more than how vectors are stored."""
    found: dict[tuple[object, ...], Trial] = {}
    for trial in best:
        pipeline = trial.pipeline
        found.setdefault((pipeline.model, pipeline.chunking, pipeline.search), trial)
    return list(found.values())[:_LEADING]
