"""Every way to keep vectors against float32, on the same questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.ann import library
from nearfield.ann.graph import Graph, GraphOptions
from nearfield.errors import InputError
from nearfield.evaluation.compression.reduction import Projection, Reduction, fit
from nearfield.evaluation.compression.storage import Kept, keep
from nearfield.evaluation.compression.variant import Variant, variants
from nearfield.evaluation.intervals import Interval, bootstrap, bootstrap_statistic
from nearfield.evaluation.metrics import Measure
from nearfield.evaluation.run import Run
from nearfield.evaluation.significance import LEVEL, holm, randomisation_test
from nearfield.metric import normalise, top_k
from nearfield.types import FloatArray, IntArray

__all__ = ["CompressionReport", "Outcome", "study"]

_DEPTH = 10
_MOST_TIMED = 50
_TRIES = 3

Scores = npt.NDArray[np.float64]
Listener = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way to keep vectors, measured.

    Attributes
    ----------
    variant : Variant
    bytes, disk_bytes : float
        A vector in memory, and on disk beside it.
    milliseconds : float
        Median of a question's search by NumPy, or by the compiled graph. All ways take turns on
        each question, three times, and the best counts: to compare within this report only.
    recall : Interval
        Share of the ten nearest by float32 that are among the ten found.
    quality : Interval or None
        Of the measure; None without judgements.
    retention : Interval or None
        Quality as a share of float32's, with a paired bootstrap.
    p : float
        Whether quality differs from float32's, after Holm's correction over the report; of recall
        there is no test.
    """

    variant: Variant
    bytes: float
    disk_bytes: float
    milliseconds: float
    recall: Interval
    quality: Interval | None
    retention: Interval | None
    p: float

    @property
    def verdict(self) -> str:
        """Against float32 at the 5% level: ``tie``, ``worse``, ``better``; empty without labels."""
        if self.retention is None:
            return ""
        if self.p >= LEVEL:
            return "tie"
        return "better" if self.retention.mean > 1 else "worse"


@dataclass(frozen=True, slots=True)
class CompressionReport:
    """A study.

    Attributes
    ----------
    documents, queries, dimension : int
    measure : str
        Empty without judgements.
    outcomes : tuple of Outcome
        The first is float32 with all dimensions.
    skipped : tuple of str
        What could not be measured here, and why.
    """

    documents: int
    queries: int
    dimension: int
    measure: str
    outcomes: tuple[Outcome, ...]
    skipped: tuple[str, ...]

    def smallest(self) -> Outcome | None:
        """The fewest bytes in memory whose quality may be float32's; None without labels.

        Stricter than the tests, which many comparisons make shy: the interval must reach 1.
        """
        scans = [
            each
            for each in self.outcomes
            if each.retention is not None and each.retention.high >= 1 and not each.variant.m
        ]
        return min(scans, key=lambda each: each.bytes) if scans else None


def study(
    documents: FloatArray,
    queries: FloatArray,
    *,
    qrels: Sequence[Mapping[int, int]] | None = None,
    measure: str = "ndcg@10",
    kept: Sequence[int] | None = None,
    graphs: bool = True,
    listener: Listener | None = None,
) -> CompressionReport:
    """Measure what each way to keep vectors costs.

    Parameters
    ----------
    documents : ndarray of float32, shape (n, dimension)
        More than 10 rows. Cosine is what is compared.
    queries : ndarray of float32, shape (q, dimension)
    qrels : sequence of q mappings of int to int, optional
        Row of a document → grade. Without judgements neighbours are all that is compared.
    measure : str
        A name of :class:`~nearfield.evaluation.metrics.Measure`.
    kept : sequence of int, optional
        Fewer dimensions to try.
    graphs : bool
        Measure HNSW graphs, where the compiled library is there.
    listener : callable of (done, all, name), optional

    Raises
    ------
    InputError
        There are too few documents, no questions, or not as many judgements as questions.

    Examples
    --------
    >>> chance = np.random.default_rng(0)
    >>> rows = chance.standard_normal((200, 32)).astype(np.float32)
    >>> report = study(rows, rows[:20], kept=[16], graphs=False)
    >>> report.outcomes[0].recall.mean, report.outcomes[2].variant.name
    (1.0, '32 int8')
    """
    if len(documents) <= _DEPTH or not len(queries):
        raise InputError(
            f"{len(documents)} documents and {len(queries)} questions are too few: a study takes "
            f"more than {_DEPTH} documents and at least one question"
        )
    if qrels is not None and len(qrels) != len(queries):
        raise InputError(f"{len(qrels)} judgements for {len(queries)} questions")
    rows, asked = normalise(documents), normalise(queries)
    skipped: list[str] = []
    if graphs and library.choose() is None:
        graphs = False
        skipped.append("HNSW: the compiled library of vector search is missing")
    ways = _built(variants(rows.shape[1], kept, graphs=graphs), rows, asked, listener)
    found = [[way.search(question) for question in way.asked] for way in ways]
    points = None if qrels is None else [_scores(places, qrels, measure) for places in found]
    return CompressionReport(
        documents=len(rows),
        queries=len(asked),
        dimension=rows.shape[1],
        measure="" if qrels is None else measure,
        outcomes=_outcomes(ways, found, _in_turns(ways), points),
        skipped=tuple(skipped),
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to keep vectors, ready to be searched, with the questions as it takes them."""

    variant: Variant
    bytes: float
    disk_bytes: float
    asked: FloatArray
    search: Callable[[FloatArray], IntArray]


def _built(
    chosen: Sequence[Variant], rows: FloatArray, asked: FloatArray, listener: Listener | None
) -> list[_Way]:
    ways: list[_Way] = []
    known: dict[tuple[Reduction, int], Projection] = {}
    built: dict[int, Graph] = {}
    for number, variant in enumerate(chosen):
        if listener is not None:
            listener(number, len(chosen), variant.name)
        if variant.m:
            ways.append(_walk(variant, rows, asked, built))
        else:
            ways.append(_scan(variant, rows, asked, known))
    return ways


def _scan(
    variant: Variant,
    rows: FloatArray,
    asked: FloatArray,
    known: dict[tuple[Reduction, int], Projection],
) -> _Way:
    reduced, questions = rows, asked
    if variant.reduction is not Reduction.NONE:
        mark = (variant.reduction, variant.dimensions)
        if mark not in known:
            known[mark] = fit(variant.reduction, rows, variant.dimensions)
        reduced, questions = known[mark].apply(rows), known[mark].apply(asked)
    kept: Kept = keep(variant.storage, reduced)

    def search(query: FloatArray) -> IntArray:
        return kept.search(query, _DEPTH)

    return _Way(variant, kept.bytes, kept.disk_bytes, questions, search)


def _walk(variant: Variant, rows: FloatArray, asked: FloatArray, built: dict[int, Graph]) -> _Way:
    if variant.m not in built:
        built[variant.m] = Graph.build(rows, GraphOptions(m=variant.m))
    graph = built[variant.m]

    def search(query: FloatArray) -> IntArray:
        found = graph.search(query[None, :], 3 * _DEPTH, max(variant.ef, 3 * _DEPTH)).slots[0]
        candidates = found[found >= 0]
        chosen: IntArray = candidates[top_k(rows[candidates] @ query, _DEPTH)]
        return chosen

    # int8 rows and 4-byte links: twice m on the lowest layer, m on the sparse ones above.
    links = 4.0 * variant.m * (2 + 1 / (variant.m - 1))
    return _Way(variant, rows.shape[1] + links, 4.0 * rows.shape[1], asked, search)


def _in_turns(ways: Sequence[_Way]) -> list[float]:
    """Median milliseconds of the first questions by each way.

    All ways take turns on a question, so that a busy moment hits all alike; the best of three
    counts, because other programs on the same cores are not what is compared.
    """
    count = min(len(ways[0].asked), _MOST_TIMED)
    seconds = np.full((len(ways), count), np.inf)
    for number in range(count):
        for _ in range(_TRIES):
            for place, way in enumerate(ways):
                query = way.asked[number]
                begun = time.perf_counter()
                way.search(query)
                seconds[place, number] = min(seconds[place, number], time.perf_counter() - begun)
    return [float(median) for median in 1000.0 * np.median(seconds, axis=1)]


def _scores(places: Sequence[IntArray], qrels: Sequence[Mapping[int, int]], measure: str) -> Scores:
    rankings = {
        str(number): {str(at): -float(rank) for rank, at in enumerate(found.tolist())}
        for number, found in enumerate(places)
    }
    grades = {
        str(number): {str(at): grade for at, grade in judged.items()}
        for number, judged in enumerate(qrels)
    }
    return Measure.of(measure).scores(Run("", rankings), grades)


def _outcomes(
    ways: Sequence[_Way],
    found: Sequence[Sequence[IntArray]],
    milliseconds: Sequence[float],
    points: Sequence[Scores] | None,
) -> tuple[Outcome, ...]:
    truth = [set(places.tolist()) for places in found[0]]  # float32 of all dimensions
    tests = [1.0] * len(ways)
    if points is not None:
        tests[1:] = holm([randomisation_test(each, points[0]) for each in points[1:]])
    return tuple(
        Outcome(
            variant=each.variant,
            bytes=each.bytes,
            disk_bytes=each.disk_bytes,
            milliseconds=milliseconds[number],
            recall=bootstrap(_recall(found[number], truth)),
            quality=None if points is None else bootstrap(points[number]),
            retention=None if points is None else _retention(points[number], points[0]),
            p=tests[number],
        )
        for number, each in enumerate(ways)
    )


def _recall(places: Sequence[IntArray], truth: Sequence[set[int]]) -> Scores:
    return np.array(
        [
            len(best & set(found.tolist())) / _DEPTH
            for found, best in zip(places, truth, strict=True)
        ]
    )


def _retention(scores: Scores, base: Scores) -> Interval | None:
    """Ratio of the means; resamples keep each question's two scores together."""
    if not base.any():
        return None

    def ratio(places: npt.NDArray[np.int64]) -> float:
        whole = float(base[places].mean())
        return float(scores[places].mean()) / whole if whole else 1.0

    return bootstrap_statistic(ratio, len(base))
