"""The phases of a run in which everyone takes turns, and what they give."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import BenchmarkError, summary
from benchmarks.stores.session import Session
from benchmarks.stores.workload import Filters

__all__ = ["TARGET", "K", "Plan", "Running", "Turns", "cold", "recall", "times"]

K = 10
TARGET = 0.99
_WARM = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of everyone in each phase.
    queries : int
        Single queries of a turn, unless the time is up before.
    seconds : float
        Most that a turn may take.
    tuning, filtered : int
        Queries for choosing the knob, and for each kind of filter.
    searches : int
        After which memory is read.
    """

    rounds: int
    queries: int
    seconds: float
    tuning: int
    filtered: int
    searches: int


@dataclass(slots=True)
class Running:
    """An opened engine with what it reached so far."""

    session: Session
    knob: str
    figures: dict[str, Any]


class Turns:
    """Engines that still run; one that fails is left out of all that follows.

    Parameters
    ----------
    plan : Plan
    tell : callable
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self.plan, self.tell = plan, tell
        self.running: dict[str, Running] = {}
        self.left_out: dict[str, str] = {}

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Leave the engine out if what follows fails."""
        try:
            yield
        except BenchmarkError as error:
            self.left_out[name] = str(error)
            self.running.pop(name, None)
            self.tell(f"left out: {name}: {error}")

    def tune(self, truth: Sequence[set[int]]) -> None:
        """Take each engine's fastest setting that reaches the target, or its most thorough one."""
        for name, each in list(self.running.items()):
            with self.attempt(name):
                curve = []
                for knob in each.session.ready["knobs"]:
                    answer = self._search(each, range(self.plan.tuning), knob)
                    curve.append(
                        {"knob": knob, "recall": recall(answer["found"], truth), **times(answer)}
                    )
                    each.knob = knob
                    if curve[-1]["recall"] >= TARGET:
                        break
                each.figures |= {"curve": curve, "knob": each.knob}
                self.tell(f"{name}: {each.knob} reaches {curve[-1]['recall']:.4f}")

    def search(self, truth: Sequence[set[int]]) -> None:
        """Single queries in rounds."""

        def ask(each: Running, queries: range) -> dict[str, Any]:
            return self._search(each, queries, each.knob)

        self._rounds("search", ask, truth)

    def lexical(self) -> None:
        """Single queries of three words, by BM25."""

        def ask(each: Running, queries: range) -> dict[str, Any]:
            given = {"k": K, "seconds": self.plan.seconds}
            each.session.ask("lexical", queries=list(queries[:_WARM]), **given)
            return each.session.ask("lexical", queries=list(queries), **given)

        self._rounds("lexical", ask, None)

    def hybrid(self) -> None:
        """The same words together with the vector."""

        def ask(each: Running, queries: range) -> dict[str, Any]:
            given = {"k": K, "knob": each.knob, "seconds": self.plan.seconds}
            each.session.ask("hybrid", queries=list(queries[:_WARM]), **given)
            return each.session.ask("hybrid", queries=list(queries), **given)

        self._rounds("hybrid", ask, None)

    def filtered(self, filters: Filters, truth: Sequence[set[int]]) -> None:
        """Single queries with a condition each, at the setting that unfiltered search takes."""
        for name, each in list(self.running.items()):
            with self.attempt(name):
                queries = range(self.plan.filtered)
                answer = self._search(each, queries, each.knob, filters.conditions)
                kinds = each.figures.setdefault("filtered", {}).setdefault(filters.kind, {})
                found = {"recall": recall(answer["found"], truth), **times(answer)}
                kinds[filters.share] = found
        self.tell(f"filtered: {filters.kind} {filters.share}")

    def rates(self) -> None:
        """Queries a second of one thread and of two."""
        for _ in range(min(3, self.plan.rounds)):
            for name, each in list(self.running.items()):
                with self.attempt(name):
                    for threads in (1, 2):
                        answer = each.session.ask(
                            "rate", threads=threads, k=K, knob=each.knob,
                            seconds=self.plan.seconds / 2,
                        )  # fmt: skip
                        runs = each.figures.setdefault("threads", {}).setdefault(str(threads), [])
                        runs.append(round(answer["per_second"], 1))
        for each in self.running.values():
            runs = each.figures["threads"]
            ratios = [two / one for one, two in zip(runs["1"], runs["2"], strict=True)]
            runs["ratio"] = round(statistics.median(ratios), 3)
        self.tell("two threads beside one")

    def _search(
        self, each: Running, queries: range, knob: str, where: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        warm = None if where is None else where[:_WARM]
        given = {"k": K, "knob": knob, "seconds": self.plan.seconds}
        each.session.ask("search", queries=list(queries[:_WARM]), where=warm, **given)
        return each.session.ask("search", queries=list(queries), where=where, **given)

    def _rounds(
        self,
        what: str,
        ask: Callable[[Running, range], dict[str, Any]],
        truth: Sequence[set[int]] | None,
    ) -> None:
        answers: dict[str, list[dict[str, Any]]] = {}
        recalls: dict[str, list[float]] = {}
        for turn in range(self.plan.rounds):
            queries = range(turn * self.plan.queries, (turn + 1) * self.plan.queries)
            names = list(self.running)
            first = turn % len(names) if names else 0
            for name in names[first:] + names[:first]:
                with self.attempt(name):
                    answer = ask(self.running[name], queries)
                    if "missing" in answer:
                        continue
                    answers.setdefault(name, []).append(answer)
                    if truth is not None:
                        own = truth[queries.start :]
                        recalls.setdefault(name, []).append(recall(answer["found"], own))
            self.tell(f"{what}: round {turn + 1} of {self.plan.rounds}")
        for name, each in self.running.items():
            given = answers.get(name)
            each.figures[what] = _summed(given) if given else None
            if name in recalls:
                each.figures[what]["recall"] = round(statistics.fmean(recalls[name]), 5)


def cold(running: Session, folder: Path, knob: str, rows: int, searches: int) -> dict[str, Any]:
    """Open in a fresh process and ask; then resident bytes a vector after `searches` more.

    What is counted came after the library was imported and the queries were loaded.
    """
    before = running.ask("memory")
    opened = running.ask("open", folder=str(folder), knob=knob)
    found: dict[str, Any] = {
        "import ms": round(1000 * running.ready["import"], 1),
        "open and first query ms": round(1000 * opened["seconds"], 2),
    }
    if searches:
        answer = running.ask(
            "search", queries=list(range(searches)), k=K, knob=knob, where=None, seconds=30.0
        )
        after = running.ask("memory")
        found["memory"] = {
            f"{kind} bytes per vector": round((after[kind] - before[kind]) / rows, 1)
            for kind in ("resident", "anonymous")
        }
        found["memory"]["searches"] = len(answer["ms"])
    return found


def recall(found: Sequence[Sequence[int]], truth: Sequence[set[int]]) -> float:
    """Mean share of the exact answers that were found; a found row counts once.

    Examples
    --------
    >>> recall([[1, 2]], [{1, 3}])
    0.5
    """
    shares = [
        len(set(rows) & exact) / min(K, len(exact))
        for rows, exact in zip(found, truth, strict=False)
        if exact
    ]
    return round(min(statistics.fmean(shares), 1.0), 5) if shares else 1.0


def times(answer: dict[str, Any]) -> dict[str, float | int]:
    """Median and 99th percentile of an answer's calls."""
    p50, p99 = np.percentile(answer["ms"], (50, 99))
    return {
        "p50 ms": round(float(p50), 4),
        "p99 ms": round(float(p99), 4),
        "calls": len(answer["ms"]),
    }


def _summed(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """p50 is the median of the rounds' medians; p99 is over all calls."""
    medians = [float(np.median(answer["ms"])) for answer in answers]
    every = [value for answer in answers for value in answer["ms"]]
    return {
        "p50 ms": summary(medians),
        "p99 ms": round(float(np.percentile(every, 99)), 4),
        "calls": len(every),
    }
