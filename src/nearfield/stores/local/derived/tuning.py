"""How many candidates reach the recall that was asked for: measured on the collection's vectors."""

from __future__ import annotations

import json
import os
import time
import zlib
from bisect import bisect_left
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from nearfield.ann.codes import Codes
from nearfield.ann.exact import exact_search, rescore
from nearfield.ann.graph import Graph
from nearfield.ann.lists import Lists
from nearfield.cores import usable_cores
from nearfield.masks import members
from nearfield.metric import Metric
from nearfield.stores.local.beside import side_by_side
from nearfield.stores.local.state import State
from nearfield.types import FloatArray, IntArray

__all__ = ["RECALL_TARGET", "Tuning", "centring", "tune", "tune_graph", "tune_lists"]

RECALL_TARGET = 0.99
_K = 10
_CENTRED = 4_096
_QUERIES = 200
_SEED = 5
# Growth after which parameters are measured again.
_GROWTH = 1.5
_FILTERED = 3.0
_TOLERANCE = 0.005
_EFFORTS = (48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_REACHES = (1.0, 2.0, 3.0, 3.5, 4.0, 4.5, *np.arange(5.0, 7.5, 0.25).tolist(), 7.5, 8.0, 9.0, 10.0)
# Of the recall of codes that miss the target, lists may cost so much; and they must take at most
# this share of the time of a scan. So many more steps of the ladder are tried in them.
_LOST, _WORTH, _TIMED, _DEEPER = 0.002, 0.8, 50, 5
# More candidates for each hit beyond the tenth: recall@50 and @100 stay at that of 10.
_BEST_EACH, _COARSE_EACH = 1.2, 8
# From cheap to dear: slots kept by the 1-bit scan, and of these by the 4-bit estimate.
_LADDER = (
    (120, 20), (200, 24), (300, 30), (450, 40), (700, 50), (1000, 60), (1500, 80), (2500, 120),
    (4000, 200), (8000, 400),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tuning:
    """Parameters of quantised search and what they reached.

    Attributes
    ----------
    slots : int
        Vectors that were there when it was measured.
    target : float
        Mean recall@10 that was asked for.
    reached : float
        Mean recall@10 over the sample.
    coarse, best : int
        Slots kept by the 1-bit scan, and candidates by 4-bit estimate, for 10 hits.
    queries : int
        How many of the collection's own vectors were asked, each without itself.
    ef : int
        Slots in view of a walk of the graph, for 10 hits.
    ef_reached : float
        Mean recall@10 of such walks.
    ef_slots : int
        Vectors that were there when it was measured; 0 without a graph.
    reach : float
        Standard deviations within which lists are scanned.
    reach_coarse, reach_best : int
        As `coarse` and `best`, for a search in lists.
    reach_slots : int
        Vectors in the lists when it was measured; 0 without lists.
    reach_pays : bool
        Whether lists reached the recall of all codes in less time.
    """

    slots: int = 0
    target: float = RECALL_TARGET
    reached: float = float("nan")
    coarse: int = 700
    best: int = 50
    queries: int = 0
    ef: int = 160
    ef_reached: float = float("nan")
    ef_slots: int = 0
    reach: float = _REACHES[-1]
    reach_coarse: int = 700
    reach_best: int = 50
    reach_slots: int = 0
    reach_pays: bool = False

    def candidates(
        self, k: int, *, filtered: bool = False, in_lists: bool = False
    ) -> tuple[int, int]:
        """Candidates and coarse candidates for `k` hits.

        A filter may leave a region far from the query, where scores lie closer together.
        """
        more = max(0, k - _K)
        usual = (self.reach_best, self.reach_coarse) if in_lists else (self.best, self.coarse)
        best, coarse = usual[0] + _BEST_EACH * more, usual[1] + _COARSE_EACH * more
        factor = _FILTERED if filtered else 1.0
        return max(int(best * factor), k), int(coarse * factor)

    def effort(self, k: int) -> int:
        """Slots that a walk of the graph keeps in view for `k` hits."""
        return max(self.ef, int(self.ef * k / _K))

    @property
    def is_reliable(self) -> bool:
        """Whether quantised search reached the target, or was never measured."""
        return not self.reached < self.target - _TOLERANCE

    def graph_holds_for(self, slots: int, target: float) -> bool:
        """Whether a graph of this size needs no other effort for the target."""
        measured = self.target == target and self.ef_slots > 0
        return slots == 0 or (measured and slots <= self.ef_slots * _GROWTH)

    def within(self, lists: Lists | None) -> tuple[Lists, float] | None:
        """The lists that a search goes through, and how far; None where it scans all codes."""
        if lists is None or not self.reach_pays or self.reach_slots != lists.covered:
            return None
        return lists, self.reach

    def holds_for(self, slots: int, target: float) -> bool:
        """Whether a collection of this size needs no other parameters for the target."""
        measured = self.target == target and self.queries > 0
        return slots == 0 or (measured and slots <= self.slots * _GROWTH)

    def write(self, path: Path) -> None:
        """Write it beside the codes, replacing what is there in one step."""
        unborn = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            fields = asdict(self)
            held = fields | {"checksum": _checksum(fields)}
            unborn.write_text(json.dumps(held), encoding="utf-8")
            unborn.replace(path)
        finally:
            with suppress(OSError):
                unborn.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> Tuning | None:
        """Read it; None where there is none, or not as it was written."""
        try:
            fields = dict(json.loads(path.read_text(encoding="utf-8")))
            whole = fields.pop("checksum", None) == _checksum(fields)
            return cls(**fields) if whole else None
        except (OSError, ValueError, TypeError):
            return None


def _checksum(fields: Mapping[str, object]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())


def tune(
    codes: Codes, state: State, *, target: float = RECALL_TARGET, queries: int = _QUERIES
) -> Tuning:
    """Find the cheapest parameters whose recall@10 reaches the target.

    The queries are vectors of the collection, looked up without themselves. The ladder ends at
    parameters that cost a few milliseconds; what they reached is told in any case.

    Parameters
    ----------
    codes : Codes
    state : State
    target : float
        In (0, 1].
    queries : int
    """
    asked = _Asked.of(state, min(len(codes), state.slots), codes.metric, queries)
    reached = 0.0

    def reached_by(coarse: int, best: int) -> float:
        def search(part: FloatArray) -> IntArray:
            return codes.search(part, best + 1, coarse=coarse + 1, allowed=state.alive).slots

        return asked.recall(_side_by_side(asked.vectors, search))

    for coarse, best in _LADDER:
        reached = reached_by(coarse, best)
        if reached >= target:
            break
    return Tuning(asked.covered, target, reached, coarse, best, len(asked.own))


def tune_lists(
    lists: Lists, codes: Codes, state: State, known: Tuning, *, queries: int = _QUERIES
) -> Tuning:
    """Find the quickest search in lists that reaches the target; see :func:`tune`.

    More candidates let a shorter reach find as much, so both are tried: for some steps of the
    ladder the shortest reach that is enough, and of these what takes least time.
    """
    asked = _Asked.of(state, min(len(codes), state.slots), codes.metric, queries)
    wanted = min(known.reached, known.target + _doubt(known.target, len(asked.own)))
    if known.reached < known.target:
        wanted = known.reached - _LOST

    def search(
        vectors: FloatArray, step: tuple[int, int], within: tuple[Lists, float] | None
    ) -> IntArray:
        coarse, best = step
        return codes.search(
            vectors, best + 1, coarse=coarse + 1, allowed=state.alive, within=within
        ).slots

    def suffices(step: tuple[int, int], reach: float) -> bool:
        find = partial(search, step=step, within=(lists, reach))
        return asked.recall(_side_by_side(asked.vectors, find)) >= wanted

    def seconds(step: tuple[int, int], within: tuple[Lists, float] | None) -> float:
        spent = []
        for vector in asked.vectors[:_TIMED]:
            begun = time.perf_counter()
            search(vector[None, :], step, within)
            spent.append(time.perf_counter() - begun)
        return float(np.median(spent))

    scan = (known.coarse, known.best)
    steps = [step for step in _LADDER if step >= scan][: 1 + _DEEPER]
    found = []
    for step in steps or [scan]:
        first = bisect_left(_REACHES, True, key=partial(suffices, step))
        if first < len(_REACHES):
            reach = _REACHES[first]
            found.append((seconds(step, (lists, reach)), reach, step))
    if not found:
        return replace(known, reach_slots=lists.covered, reach_pays=False)
    least, reach, (coarse, best) = min(found)
    return replace(
        known,
        reach=reach,
        reach_coarse=coarse,
        reach_best=best,
        reach_slots=lists.covered,
        reach_pays=least <= _WORTH * seconds(scan, None),
    )


def _doubt(recall: float, queries: int) -> float:
    """Standard error of a mean recall@10."""
    return float(np.sqrt(recall * (1.0 - recall) / max(1, _K * queries)))


def tune_graph(graph: Graph, state: State, known: Tuning, *, queries: int = _QUERIES) -> Tuning:
    """Find the smallest view with which walks of the graph reach the target; see :func:`tune`."""
    asked = _Asked.of(state, min(len(graph), state.slots), graph.options.metric, queries)
    reached = 0.0

    def reached_by(ef: int) -> float:
        def search(part: FloatArray) -> IntArray:
            return graph.search(part, 3 * _K, ef, allowed=state.alive).slots

        return asked.recall(_side_by_side(asked.vectors, search))

    for ef in _EFFORTS:
        reached = reached_by(ef)
        if reached >= known.target:
            break
    return replace(known, ef=ef, ef_reached=reached, ef_slots=asked.covered)


def sample(state: State, covered: int, count: int) -> IntArray:
    """Random living slots below `covered`, ascending; the same for the same state."""
    rng = np.random.default_rng(_SEED)
    alive = members(state.alive) if state.alive is not None else np.arange(state.slots)
    alive = alive[alive < covered]
    return np.sort(rng.choice(alive, size=min(count, len(alive)), replace=False))


def centring(state: State) -> FloatArray:
    """Vectors from all over the collection to centre codes on."""
    count = min(_CENTRED, state.slots)
    slots = np.linspace(0, state.slots - 1, count).astype(np.int64)
    vectors = state.read(np.unique(slots))["vector"]
    whole: FloatArray = np.ascontiguousarray(vectors[np.any(vectors != 0, axis=1)])
    return whole


@dataclass(frozen=True, slots=True)
class _Asked:
    """Vectors of the collection, asked without themselves, and their true neighbours."""

    state: State
    covered: int
    metric: Metric
    own: IntArray
    vectors: FloatArray
    truth: IntArray

    @classmethod
    def of(cls, state: State, covered: int, metric: Metric, queries: int) -> _Asked:
        own = sample(state, covered, queries)
        vectors = np.ascontiguousarray(state.read(own)["vector"])
        rows = state.vectors[:covered]

        truth = _side_by_side(
            vectors, lambda part: exact_search(rows, part, _K + 1, metric, state.alive)[0]
        )
        return cls(state, covered, metric, own, vectors, _without(truth, own))

    def recall(self, candidates: IntArray) -> float:
        """Mean recall@10 once the candidates are scored exactly."""
        slots, _ = rescore(self.state.vectors, self.vectors, candidates, self.metric, _K + 1)
        found = _without(slots, self.own)
        shares = [
            len(np.intersect1d(a[a >= 0], b[b >= 0])) / max(1, int((b >= 0).sum()))
            for a, b in zip(found, self.truth, strict=True)
        ]
        return float(np.mean(shares)) if shares else 1.0


def _side_by_side(vectors: FloatArray, search: Callable[[FloatArray], IntArray]) -> IntArray:
    """The slots that a search finds for each vector, by all cores."""
    parts = [part for part in np.array_split(vectors, usable_cores()) if len(part)]
    found = side_by_side([partial(search, part) for part in parts])
    return np.concatenate(found) if found else np.empty((0, _K + 1), dtype=np.int64)


def _without(slots: IntArray, own: IntArray) -> IntArray:
    """The first ten of each row, the query's own slot left out."""
    kept = np.full((len(slots), _K), -1, dtype=np.int64)
    for row, (found, itself) in enumerate(zip(slots, own, strict=True)):
        others = found[found != itself][:_K]
        kept[row, : len(others)] = others
    return kept
