"""The phases of a run: rounds in which everyone takes turns, cold processes, memory and vectors."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.contenders import Contender, Worker, started, write_texts
from benchmarks.embedding.workload import Sample, Workload
from benchmarks.harness import BenchmarkError, Json, summary
from nearfield.evaluation.measuring.sts import cosines
from nearfield.metric import Metric, pairwise, top_k
from nearfield.types import FloatArray

__all__ = ["Measured", "Plan", "Progress", "Turns", "agreement", "alone", "cold", "rounds"]

_NEIGHBOURS = 10
_WARM_QUERIES = 5
_WARM_PASSAGES = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes
    ----------
    repeat : int
        Rounds.
    seconds : float
        A turn takes about this long: slow contenders encode fewer passages.
    fewest, most : int
        Passages of a turn.
    queries : int
        Single queries, over all rounds.
    vectors : int
        Passages whose vectors are compared; all contenders encode the same.
    """

    repeat: int
    seconds: float
    fewest: int
    most: int
    queries: int
    vectors: int


@dataclass(slots=True)
class Progress:
    """Prints what is being done, with the time since the run began."""

    begun: float = field(default_factory=time.perf_counter)

    def __call__(self, what: str) -> None:
        minutes, seconds = divmod(int(time.perf_counter() - self.begun), 60)
        print(f"  {minutes:2}:{seconds:02}  {what}", flush=True)


@dataclass(slots=True)
class Measured:
    """What a contender reached; empty lists where a phase was not reached."""

    versions: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    sample: Sample | None = None
    seconds: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    peak_mb: float | None = None
    vectors: FloatArray | None = None

    def figures(self) -> dict[str, Json]:
        """Medians with all repetitions."""
        found: dict[str, Json] = {**self.about}
        if self.sample is not None and self.seconds:
            rates = [self.sample.worth / each for each in self.seconds]
            tokens = [self.sample.tokens / each for each in self.seconds]
            found |= {
                "passages": self.sample.count,
                "passages per second": summary(rates, 1),
                "tokens per second": summary(tokens, 0),
            }
        if self.queries:
            p50, p99 = np.percentile(np.asarray(self.queries) * 1000, (50, 99))
            found["query ms"] = {
                "p50": round(float(p50), 3),
                "p99": round(float(p99), 3),
                "calls": len(self.queries),
            }
        if self.cold:
            found["cold seconds"] = summary(self.cold, 3)
        if self.peak_mb is not None:
            found["peak mb"] = self.peak_mb
        return found


@dataclass(slots=True)
class Turns:
    """Contenders that still run, what they reached, and why the others do not."""

    contenders: dict[str, Contender]
    measured: dict[str, Measured]
    left_out: dict[str, str]

    def each(self, step: Callable[[str, Contender, Measured], None]) -> None:
        """Do a step with every contender; one that fails is left out of all later ones."""
        for name, contender in list(self.contenders.items()):
            try:
                step(name, contender, self.measured.setdefault(name, Measured()))
            except BenchmarkError as error:
                self.left_out[name] = str(error)
                del self.contenders[name]
                self.measured.pop(name, None)


def rounds(
    turns: Turns,
    workload: Workload,
    queries: Sequence[str],
    plan: Plan,
    between: Callable[[], None],
    tell: Progress,
) -> None:
    """Everyone loads, warms up, and takes turns: passages, then single queries.

    Parameters
    ----------
    between : callable
        Runs once a round.
    """
    share = max(1, -(-len(queries) // plan.repeat))
    parts = [queries[start : start + share] for start in range(0, len(queries), share)]
    files = [
        write_texts(workload.folder / f"queries-{number}.json", part)
        for number, part in enumerate(parts)
    ]
    warm = write_texts(workload.folder / "queries-warm.json", queries[:_WARM_QUERIES])
    workers: dict[str, Worker] = {}
    with ExitStack() as stack:

        def start(name: str, contender: Contender, measured: Measured) -> None:
            tell(f"loading {name}")
            worker = workers[name] = stack.enter_context(started(contender))
            measured.versions, measured.about = worker.versions, worker.about
            measured.sample = _fitting(worker, workload, plan)

        def turn(number: int, name: str, _contender: Contender, measured: Measured) -> None:
            worker, sample = workers[name], measured.sample
            assert sample is not None
            measured.seconds += worker.encode(sample.file)
            if number < len(files):
                worker.encode(warm, one_by_one=True)
                measured.queries += worker.encode(files[number], one_by_one=True)
            rate = sample.worth / measured.seconds[-1]
            tell(f"round {number + 1} of {plan.repeat}: {name}, {rate:,.0f} passages/s")

        turns.each(start)
        for number in range(plan.repeat):
            between()
            turns.each(partial(turn, number))


def _fitting(worker: Worker, workload: Workload, plan: Plan) -> Sample:
    """The sample that takes about the planned seconds; finding it is the warm-up."""
    worker.encode(workload.sample(_WARM_PASSAGES).file)
    sample = workload.sample(plan.fewest)
    rate = sample.count / worker.encode(sample.file)[0]
    count = plan.fewest
    while count * 2 <= min(plan.most, rate * plan.seconds):
        count *= 2
    return workload.sample(count)


def cold(turns: Turns, query: Path, repeat: int, tell: Progress) -> None:
    """Fresh processes, from their start to the first vector; files are in the system's cache."""

    def start(number: int, name: str, contender: Contender, measured: Measured) -> None:
        measured.cold.append(contender.first_vector(query))
        tell(f"cold {number + 1} of {repeat}: {name}, {measured.cold[-1]:.2f} s")

    for number in range(repeat):
        turns.each(partial(start, number))


def alone(turns: Turns, sample: Sample, folder: Path, tell: Progress) -> None:
    """A fresh process each that encodes the same passages: peak memory, and the vectors."""

    def run(name: str, contender: Contender, measured: Measured) -> None:
        tell(f"memory and vectors: {name}")
        file = folder / f"vectors-{list(turns.measured).index(name)}.npy"
        measured.peak_mb = contender.alone(sample.file, file)
        measured.vectors = np.load(file)

    turns.each(run)


def agreement(vectors: FloatArray, reference: FloatArray) -> dict[str, Json]:
    """How many of the ten nearest neighbours are the same, and cosines of equal rows.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
    reference : ndarray of float32, shape (n, e)
        Cosines need d = e.
    """
    shared = [
        len(set(a) & set(b)) / _NEIGHBOURS
        for a, b in zip(_neighbours(vectors), _neighbours(reference), strict=True)
    ]
    found: dict[str, Json] = {"recall at 10": round(statistics.fmean(shared), 4)}
    if vectors.shape == reference.shape:
        each = cosines(vectors, reference)
        found["cosine"] = {
            "mean": round(float(each.mean()), 7),
            "min": round(float(each.min()), 7),
        }
    return found


def _neighbours(vectors: FloatArray) -> list[list[int]]:
    scores = pairwise(vectors, vectors, Metric.COSINE)
    np.fill_diagonal(scores, -np.inf)
    nearest: list[list[int]] = top_k(scores, _NEIGHBOURS).tolist()
    return nearest
