"""Ask candidates more and more questions, and stop asking those that are surely worse.

Successive halving (Jamieson and Talwalkar 2016) with a test in the place of a fixed share: a rung
asks a ninth, a third, then all of the questions set aside for choosing, and after each rung a
candidate goes only if the best one is significantly better on the same questions, or if it breaks a
limit. Nothing goes for being unlucky.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TypeAlias

import numpy as np

from nearfield.errors import NearfieldError
from nearfield.search.options import Mode
from nearfield.search.pipeline import Question, find
from nearfield.selection.data import Data
from nearfield.selection.footprint import footprint
from nearfield.selection.journal import Journal
from nearfield.selection.limits import Limits
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.trial import Rung, Trial, halves
from nearfield.selection.verdicts import against_best
from nearfield.selection.workshop import Workshop
from nearfield.selection.yardstick import Yardstick
from nearfield.types import Hit

__all__ = ["Listener", "Trials"]

SHARES = (1 / 9, 1 / 3, 1.0)
_FEWEST = 12
_TIMED = 50
_TURNS = 20

Listener: TypeAlias = Callable[[str, float, int], None]
"""Told what is being done, the share of the work done, and questions asked so far."""


@dataclass(slots=True)
class Trials:
    """Runs the rungs.

    Parameters
    ----------
    data : Data
    workshop : Workshop
    yardstick : Yardstick
    journal : Journal
    limits : Limits
    deadline : float
        By the clock; after it no candidate is begun.
    estimate : callable
        Seconds that making a candidate's vectors takes, as forecast.
    listener : callable, optional
    """

    data: Data
    workshop: Workshop
    yardstick: Yardstick
    journal: Journal
    limits: Limits
    deadline: float
    estimate: Callable[[Pipeline], float]
    listener: Listener | None = None
    clock: Callable[[], float] = time.monotonic
    trials: dict[str, Trial] = field(default_factory=dict)
    rungs: list[Rung] = field(default_factory=list)
    stopped: str = ""
    _asked: int = 0
    spent_before: float = 0.0
    _begun: float = 0.0
    _embedded: set[tuple[str, str, str]] = field(default_factory=set)

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
            Given the trials that stand before the last rung, best first, and the number of its
            questions: more candidates.
        """
        self._begun = self.clock()
        self._add(pipelines)
        choosing, _ = halves(list(self.data.queries))
        sizes = sorted({min(len(choosing), max(_FEWEST, ceil(len(choosing) * s))) for s in SHARES})
        for number, size in enumerate(sizes, start=1):
            if number == len(sizes) and join is not None:
                self._add(join(self._best_first(choosing[: sizes[max(0, number - 2)]]), size))
            self._rung(number, len(sizes), choosing[:size])
            if self.stopped:
                break
        return list(self.trials.values())

    def hold_out(self, chosen: Sequence[Trial], until: float = float("inf")) -> None:
        """Ask some candidates the questions that choosing never saw.

        Parameters
        ----------
        chosen : sequence of Trial
            The first one is asked in any case.
        until : float
            By the clock; after it none of the others is begun.
        """
        _, reporting = halves(list(self.data.queries))
        for number, trial in enumerate(chosen):
            self._tell("Asking held-out questions", number / len(chosen))
            missing = [query for query in reporting if query not in trial.held_out]
            late = number > 0 and self.clock() > until
            if missing and not trial.failed and not late:
                with self._guarded(trial):
                    scores, _ = self._answers(trial.pipeline, missing, timed=0)
                    self._record("held-out", trial, missing, scores, [])

    def take_turns(self, chosen: Sequence[Trial]) -> None:
        """Measure the latency of some candidates again, one question after the other."""
        known = {event["candidate"]: event["seconds"] for event in self.journal.events("timed")}
        for trial in chosen:
            trial.turns = list(known.get(trial.key, trial.turns))
        waiting = [trial for trial in chosen if not trial.turns and not trial.failed]
        taken: dict[str, list[float]] = {trial.key: [] for trial in waiting}
        for number, query in enumerate(list(self.data.queries)[: _TURNS + 1]):
            self._tell("Timing, taking turns", number / (_TURNS + 1))
            for trial in waiting:
                with self._guarded(trial):
                    _, seconds = self.search(trial.pipeline, query, trial.pipeline.search.k)
                    taken[trial.key] += [seconds] if number else []  # the first warms up
        for trial in waiting:
            trial.turns = taken[trial.key]
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
        if number > 1:  # where time runs out, the leading ones have been asked
            standing.sort(key=lambda trial: -float(np.mean([*trial.scores.values()] or [2.0])))
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

    def _measure(self, trial: Trial, queries: Sequence[str]) -> None:
        missing = [query for query in queries if query not in trial.scores]
        if not missing:
            return
        if not self._in_time(trial):
            return
        with self._guarded(trial):
            scores, seconds = self._answers(trial.pipeline, missing, timed=_TIMED)
            built = self.workshop.store(trial.pipeline)
            passages = self.workshop.passages(trial.pipeline)
            trial.passages, trial.tokens = len(passages.chunks), passages.tokens
            trial.build_seconds = built.seconds
            size = self.workshop.card(trial.pipeline.model).size_bytes
            trial.memory, trial.disk = footprint(built.path, trial.pipeline, size)
            self._record("measured", trial, missing, scores, seconds)

    def _in_time(self, trial: Trial) -> bool:
        """Whether a candidate can be begun; sets why not."""
        pipeline = trial.pipeline
        left = self.deadline - self.clock()
        model = pipeline.model
        work = (model.name, model.precision, str(pipeline.chunking))
        needed = 0.0 if work in self._embedded else self.estimate(pipeline)
        if left > needed:
            self._embedded.add(work)
            return True
        if left <= 0:
            self.stopped = self.stopped or "the time was up"
        else:
            trial.skipped = (
                f"embedding for it was forecast at {needed:.0f} s and {left:.0f} s were left"
            )
        return False

    def _answers(
        self, pipeline: Pipeline, queries: Sequence[str], *, timed: int
    ) -> tuple[list[float], list[float]]:
        """Figures of some questions, and the seconds that each took."""
        built, passages = self.workshop.store(pipeline), self.workshop.passages(pipeline)
        depth = self.yardstick.depth(
            len(passages.chunks), len(self.data.documents), passages.characters
        )
        scores, seconds = [], []
        for place, query in enumerate(queries):
            hits, took = self.search(pipeline, query, max(depth, pipeline.search.k))
            if place < timed:
                if depth > pipeline.search.k:
                    _, took = self.search(pipeline, query, pipeline.search.k)
                seconds.append(took)
            scores.append(self.yardstick.score(query, hits))
            self._asked += 1
        del built
        return scores, seconds

    def search(self, pipeline: Pipeline, query: str, k: int) -> tuple[list[Hit], float]:
        """The hits of one question, and the seconds from the question to them."""
        text = self.data.queries[query]
        encoding, vector = 0.0, None
        if pipeline.search.mode is not Mode.LEXICAL:
            asked = self.workshop.ask(pipeline.model, text)
            encoding, vector = asked.seconds, asked.vector
            if not vector.any():
                # The model knows none of its words: a search would refuse it. It finds nothing.
                return [], encoding
        store = self.workshop.store(pipeline).store
        reranker = self.workshop.reranker(pipeline.search.rerank)
        begun = self.workshop.clock()
        with store.view() as view:
            options = replace(pipeline.options, k=k)
            hits = find(view, Question(text, vector), options, reranker=reranker)
        return hits, encoding + self.workshop.clock() - begun

    def _record(
        self,
        kind: str,
        trial: Trial,
        queries: Sequence[str],
        scores: Sequence[float],
        seconds: Sequence[float],
    ) -> None:
        target = trial.scores if kind == "measured" else trial.held_out
        target |= dict(zip(queries, scores, strict=True))
        trial.seconds += seconds
        self.journal.add(
            kind,
            candidate=trial.key,
            label=trial.pipeline.label,
            queries=list(queries),
            scores=list(scores),
            seconds=list(seconds),
            passages=trial.passages,
            tokens=trial.tokens,
            memory=trial.memory,
            disk=trial.disk,
            build_seconds=trial.build_seconds,
            spent=self.spent_before + self.clock() - self._begun,
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
        if isinstance(error, Exception):
            self._trials.fail(self._trial, error)
            return True
        return False
