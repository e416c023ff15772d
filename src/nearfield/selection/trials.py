"""Ask candidates more and more questions, and stop asking those that are surely worse.

Successive halving (Jamieson and Talwalkar 2016) with a test in the place of a fixed share: a rung
asks a ninth, a third, then all of the questions set aside for choosing, and after each rung a
candidate goes only if the best one is significantly better on the same questions, or if it breaks a
limit. Nothing goes for being unlucky.

When time is up whatever is being done stops. A candidate that was not asked all questions of a rung
has no figure of it; what it was asked is kept in the journal, so that a run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from nearfield.errors import NearfieldError
from nearfield.models import catalog
from nearfield.selection.budget import NOT_MEASURED, OutOfTime, Phase
from nearfield.selection.data import Data
from nearfield.selection.footprint import footprint
from nearfield.selection.journal import Journal
from nearfield.selection.limits import Limits
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.searching import Searching
from nearfield.selection.trial import Begun, Rung, Trial, halves, rungs
from nearfield.selection.verdicts import against_best
from nearfield.selection.workshop import Workshop
from nearfield.selection.yardstick import Yardstick

__all__ = ["Listener", "Trials"]

_TIMED = 50
_TURNS = 20
_LAST_SHARE = 0.8
"""Most of the time left that the next rung of a late step may take."""

Listener: TypeAlias = Callable[[str, float, int], None]
"""Told what is being done, the share of the work done, and questions asked so far."""


@dataclass(slots=True)
class Trials:
    """Runs the rungs.

    Parameters
    ----------
    data : Data
    workshop : Workshop
        Its budget says when time is up.
    yardstick : Yardstick
    journal : Journal
    limits : Limits
    estimate : callable
        Seconds that making a candidate's vectors takes, as forecast.
    listener : callable, optional
    """

    data: Data
    workshop: Workshop
    yardstick: Yardstick
    journal: Journal
    limits: Limits
    estimate: Callable[[Pipeline], float]
    listener: Listener | None = None
    trials: dict[str, Trial] = field(default_factory=dict)
    rungs: list[Rung] = field(default_factory=list)
    stopped: str = ""
    _asked: int = 0

    @property
    def searching(self) -> Searching:
        """How candidates are asked."""
        return Searching(self.data.queries, self.workshop)

    def run(
        self,
        pipelines: Sequence[Pipeline],
        *,
        join: Callable[[Sequence[Trial], int], Sequence[Pipeline]] | None = None,
    ) -> list[Trial]:
        """Ask all rungs.

        Parameters
        ----------
        pipelines : sequence of Pipeline
            Cheap ones first: where time runs out, the later ones are missing.
        join : callable, optional
            Given the trials that stand before the last rung, best first, and the number of
            questions of the first: more candidates, which are asked the earlier rungs as well.
        """
        self._add(pipelines)
        choosing, _ = halves(list(self.data.queries))
        sizes = rungs(len(choosing))
        for number, size in enumerate(sizes, start=1):
            if number == len(sizes) and join is not None:
                self._add(join(self._best_first(choosing[: sizes[max(0, number - 2)]]), sizes[0]))
                self._catch_up(sizes, choosing)
            self._rung(number, len(sizes), choosing[:size])
            if self.stopped:
                break
        return list(self.trials.values())

    def hold_out(self, chosen: Sequence[Trial]) -> None:
        """Ask some candidates the questions that choosing never saw, as long as there is time.

        Parameters
        ----------
        chosen : sequence of Trial
            The first one may take all that is left of the budget.
        """
        _, reporting = halves(list(self.data.queries))
        for number, trial in enumerate(chosen):
            self._tell("Asking held-out questions", number / len(chosen))
            if trial.failed or all(query in trial.held_out for query in reporting):
                continue
            self.workshop.budget.phase = Phase.REPORTING if number else Phase.ENDING
            found = Begun()
            with suppress(OutOfTime), self._guarded(trial):
                self._answers(trial.pipeline, reporting, found, timed=0)
                self._record("held-out", trial, found)

    def take_turns(self, chosen: Sequence[Trial]) -> None:
        """Measure the latency of some candidates again, one question after the other."""
        known = {event["candidate"]: event["seconds"] for event in self.journal.events("timed")}
        for trial in chosen:
            trial.turns = list(known.get(trial.key, trial.turns))
        waiting = [trial for trial in chosen if not trial.turns and not trial.failed]
        search = self.searching.search
        taken: dict[str, list[float]] = {trial.key: [] for trial in waiting}
        self.workshop.budget.phase = Phase.REPORTING
        for number, query in enumerate(list(self.data.queries)[: _TURNS + 1]):
            if not waiting or self.workshop.budget.left <= 0:
                break
            self._tell("Timing, taking turns", number / (_TURNS + 1))
            for trial in waiting:
                with self._guarded(trial):
                    _, seconds = search(trial.pipeline, query, trial.pipeline.search.k)
                    taken[trial.key] += [seconds] if number else []  # the first warms up
        for trial in waiting:
            trial.turns = taken[trial.key]
            if trial.turns:
                self.journal.add("timed", candidate=trial.key, seconds=trial.turns)

    def _add(self, pipelines: Sequence[Pipeline]) -> None:
        fresh = [Trial(pipeline) for pipeline in pipelines if pipeline.key not in self.trials]
        self.workshop.announce([trial.pipeline for trial in fresh])
        self.trials |= {trial.key: trial for trial in fresh}
        self._recall()

    def _recall(self) -> None:
        """Take over what an earlier run of the same experiment measured."""
        for event in self.journal.events("measured"):
            trial = self.trials.get(event["candidate"])
            if trial is not None and event["queries"][0] not in trial.scores:
                trial.scores |= dict(zip(event["queries"], event["scores"], strict=True))
                trial.seconds += event["seconds"]
                for name in ("passages", "tokens", "memory", "disk", "build_seconds"):
                    setattr(trial, name, event[name])
        for event in self.journal.events("interrupted"):
            trial = self.trials.get(event["candidate"])
            if trial is not None and event["queries"][0] not in trial.scores:
                trial.begun = Begun(
                    dict(zip(event["queries"], event["scores"], strict=True)), event["seconds"]
                )
        for event in self.journal.events("held-out"):
            trial = self.trials.get(event["candidate"])
            if trial is not None:
                trial.held_out |= dict(zip(event["queries"], event["scores"], strict=True))
        for event in self.journal.events("failed"):
            trial = self.trials.get(event["candidate"])
            if trial is not None:
                trial.failed = event["reason"]

    def _rung(self, number: int, of: int, queries: Sequence[str]) -> None:
        standing = [trial for trial in self.trials.values() if trial.stands]
        if number > 1:  # where time runs out, the leading ones were asked; what is slow comes last
            standing.sort(key=lambda trial: (trial.pipeline.is_late, -trial.mean))
        for place, trial in enumerate(standing):
            title = f"Rung {number} of {of}, {len(queries)} questions"
            self._tell(title, place / max(1, len(standing)))
            if trial.stands:  # another one of its model may have failed meanwhile
                self._measure(trial, queries)
            if all(query in trial.scores for query in queries) and trial.stands:
                trial.rung = max(trial.rung, number)
        self._judge(number, queries)
        if number < of and not self.stopped:
            self.workshop.release([t.pipeline for t in self.trials.values() if t.stands])

    def _catch_up(self, sizes: Sequence[int], choosing: Sequence[str]) -> None:
        """Ask who joined late what the others were asked on the rungs before."""
        for size in sizes[:-1]:
            for trial in self.trials.values():
                if trial.pipeline.is_late and trial.stands:
                    self._tell(f"{trial.pipeline.late_step}, {size} questions", size / sizes[-1])
                    self._measure(trial, choosing[:size])

    def _measure(self, trial: Trial, queries: Sequence[str]) -> None:
        missing = [query for query in queries if query not in trial.scores]
        if not missing or not self._in_time(trial, len(missing)):
            return
        try:
            with self._guarded(trial):
                self._answers(trial.pipeline, missing, trial.begun, timed=_TIMED)
                self._weigh(trial)
                self._record("measured", trial, trial.begun)
                trial.begun = Begun()
        except OutOfTime as stopped:
            self._out_of_time(trial, str(stopped))
            if trial.begun.scores:
                self._record("interrupted", trial, trial.begun)

    def _weigh(self, trial: Trial) -> None:
        """Note what its store takes."""
        built = self.workshop.store(trial.pipeline)
        passages = self.workshop.passages(trial.pipeline)
        trial.passages, trial.tokens = len(passages.chunks), passages.tokens
        trial.build_seconds = built.seconds
        size = self.workshop.card(trial.pipeline.model).size_bytes
        trial.memory, trial.disk = footprint(built.path, trial.pipeline, size)
        beside = catalog.get(trial.pipeline.search.rerank or trial.pipeline.ask.generator)
        trial.memory += beside.size_bytes if beside is not None else 0

    def _in_time(self, trial: Trial, questions: int) -> bool:
        """Whether a candidate can be begun; notes why not."""
        pipeline = trial.pipeline
        left = self.workshop.budget.left
        if left <= 0:
            self._out_of_time(trial, "the time was up before it was begun")
            return False
        needed = 0.0 if self.workshop.has_passages(pipeline) else self.estimate(pipeline)
        if needed > left:  # for all of its passages; the cache may have some
            needed *= self.workshop.missing(pipeline)
        if needed > left:
            trial.skipped = (
                f"{NOT_MEASURED}; embedding for it was forecast at {needed:.0f} s and {left:.0f} s "
                "were left"
            )
            return False
        if pipeline.is_late and trial.scores:
            needed = questions * trial.quantile(0.5)
            if needed > left * _LAST_SHARE:
                trial.skipped = (
                    f"{NOT_MEASURED}; after {len(trial.scores)} questions {questions} more would "
                    f"have taken {needed:.0f} s and {left:.0f} s were left"
                )
                return False
        return True

    def _out_of_time(self, trial: Trial, how_far: str) -> None:
        """Note how far a candidate came; without a figure of any rung it is out of the decision.

        So is a late one: what is slow must not cost the others the questions that they were asked.
        """
        self.stopped = self.stopped or "the time was up"
        trial.interrupted = f"{NOT_MEASURED}; {how_far}"
        if not trial.scores or trial.pipeline.is_late:
            trial.skipped = trial.interrupted

    def _answers(
        self, pipeline: Pipeline, queries: Sequence[str], found: Begun, *, timed: int
    ) -> None:
        """Add the figures of some questions that are not there yet, and the seconds of the first.

        Raises
        ------
        OutOfTime
            In the middle; what was found until then is there.
        """
        passages = self.workshop.passages(pipeline, self._embedding(pipeline))
        self.workshop.store(pipeline)
        k = pipeline.search.k
        depth = pipeline.search.depth(
            self.yardstick.depth(
                len(passages.chunks), len(self.data.documents), passages.characters
            )
        )
        # A reranker reads the same passages however many are asked for: once is enough.
        again = depth > k and not pipeline.search.rerank
        for place, query in enumerate(queries):
            if query in found.scores:
                continue
            self.workshop.budget.look(f"{place} of {len(queries)} questions were asked")
            hits, took = self.searching.search(pipeline, query, depth)
            if place < timed:
                if again:
                    _, took = self.searching.search(pipeline, query, k)
                found.seconds.append(took)
            found.scores[query] = self.yardstick.score(query, hits)
            self._asked += 1

    def _embedding(self, pipeline: Pipeline) -> Callable[[int, int], None]:
        name = pipeline.model_label
        return lambda done, of: self._tell(f"Embedding for {name}", done / max(1, of))

    def _record(self, kind: str, trial: Trial, found: Begun) -> None:
        """Keep what was found: for good, or where it was interrupted to go on from."""
        if kind != "interrupted":
            target = trial.scores if kind == "measured" else trial.held_out
            target |= found.scores
            trial.seconds += found.seconds
        self.journal.add(
            kind,
            candidate=trial.key,
            label=trial.pipeline.label,
            queries=list(found.scores),
            scores=list(found.scores.values()),
            seconds=list(found.seconds),
            passages=trial.passages,
            tokens=trial.tokens,
            memory=trial.memory,
            disk=trial.disk,
            build_seconds=trial.build_seconds,
            spent=self.workshop.budget.elapsed,
        )

    def _guarded(self, trial: Trial) -> _Guard:
        return _Guard(self, trial)

    def fail(self, trial: Trial, error: Exception) -> None:
        """A candidate failed: it goes, and others of its model where the model is to blame."""
        said = (
            str(error) if isinstance(error, NearfieldError) else f"{type(error).__name__}: {error}"
        )
        reason = " ".join(said.split())[:400]
        model = (trial.pipeline.model.name, trial.pipeline.model.precision)
        loaded = model in self.workshop.models
        for other in self.trials.values():
            same = (other.pipeline.model.name, other.pipeline.model.precision) == model
            # A model that cannot be loaded, or fails to encode, fails for all of its candidates.
            blamed = same and (not loaded or not self.workshop.has_passages(trial.pipeline))
            if other is trial or (blamed and not other.failed and not other.scores):
                other.failed = reason
                self.journal.add("failed", candidate=other.key, reason=reason)

    def _judge(self, number: int, queries: Sequence[str]) -> None:
        """Drop what is significantly worse, or over a limit."""
        asked = {
            trial.key: trial.vector(queries)
            for trial in self.trials.values()
            if trial.stands and trial.rung >= number
        }
        if not asked:
            return
        standing = [trial for trial in self.trials.values() if trial.stands]
        before = sum(1 for trial in standing if trial.key in asked)
        for key in list(asked):
            trial = self.trials[key]
            trial.dropped = self.limits.broken(trial.quantile(0.5), trial.memory)
        within = {key: scores for key, scores in asked.items() if not self.trials[key].dropped}
        verdicts = against_best(within or asked)
        for key, verdict in verdicts.items():
            if verdict.is_worse and not self.trials[key].dropped:
                self.trials[key].dropped = (
                    f"significantly worse after {len(queries)} questions (−{verdict.loss:.3f}, "
                    f"p = {verdict.p:.4f})"
                )
        best = next(
            key for key, verdict in verdicts.items() if verdict.p == 1.0 and not verdict.loss
        )
        gone = before - sum(1 for key in asked if self.trials[key].stands)
        complete = len(asked) == len(standing)
        self.rungs.append(Rung(len(queries), len(asked), gone, best, verdicts, complete))

    def _best_first(self, queries: Sequence[str]) -> list[Trial]:
        standing = [
            trial
            for trial in self.trials.values()
            if trial.stands and all(query in trial.scores for query in queries)
        ]
        return sorted(standing, key=lambda trial: -float(trial.vector(queries).mean()))

    def _tell(self, what: str, share: float) -> None:
        if self.listener is not None:
            self.listener(what, share, self._asked)


class _Guard:
    """Whatever goes wrong with one candidate is told, and the rest goes on."""

    def __init__(self, trials: Trials, trial: Trial) -> None:
        self._trials = trials
        self._trial = trial

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Exception) and not isinstance(error, OutOfTime):
            self._trials.fail(self._trial, error)
            return True
        return False
