"""The local store beside the databases people use: ``python -m benchmarks stores``.

Each engine stores the same rows and runs in a process of its own with its own environment; one at
a time, the others stand still. Recall is measured against exact search, and each engine answers at
the fastest of its own settings that reaches 0.99, or at its most thorough one.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embedding.environments import Environments, default_home
from benchmarks.embedding.measure import Progress
from benchmarks.harness import BenchmarkError, Context, Outcome, summary
from benchmarks.stores.growth import SIZES, grow, reached
from benchmarks.stores.ingest import Shelf
from benchmarks.stores.phases import K, Plan, Running, Turns, cold
from benchmarks.stores.session import ENGINES, OURS
from benchmarks.stores.targets import checks, printed
from benchmarks.stores.workload import HELD_OUT, Workload

__all__ = ["Settings", "run"]

_FULL = Plan(rounds=5, queries=200, seconds=2.0, tuning=200, filtered=200, searches=1000)
_QUICK = Plan(rounds=2, queries=50, seconds=0.3, tuning=50, filtered=50, searches=200)
_ASKED = 1000
"""Held-out queries: as many as the rounds of a full run take."""
_QUICK_ROWS = 10_000
_QUICK_SIZES = (3_000, 10_000)


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of one run.

    Attributes
    ----------
    vectors : Path
        Folder made by ``benchmarks.sentences``.
    rows : int
        Rows that everyone stores.
    engines : tuple of str
        Of ``ENGINES``; Nearfield is always there.
    growth : bool
        Whether Nearfield alone grows to a million rows, or as many as there are.
    anew : bool
        Let peers store their rows again, where an earlier run's would do.
    """

    vectors: Path
    rows: int = 100_000
    engines: tuple[str, ...] = tuple(ENGINES)
    growth: bool = True
    anew: bool = False


def run(context: Context, settings: Settings) -> Outcome:
    """Measure everyone, then the growth."""
    tell = Progress()
    home = context.peers_home or default_home()
    environments = Environments(home, tell)
    plan = _QUICK if context.quick else _FULL
    rows = min(settings.rows, _QUICK_ROWS) if context.quick else settings.rows
    tell(f"preparing {rows:,} rows")
    workload = Workload.prepare(settings.vectors, home / "rows", rows, _ASKED)
    shelf = Shelf(home / "stores", environments, tell, anew=settings.anew)
    turns = _side_by_side(settings, workload, shelf, plan, tell)
    figures: dict[str, Any] = {
        "rows": rows,
        "dimension": workload.vectors.shape[1],
        "k": K,
        "queries": len(workload.queries),
        "engines": {name: each.figures for name, each in turns.running.items()},
        "left out": turns.left_out,
        "growth": [],
    }
    sizes = reached(_QUICK_SIZES if context.quick else SIZES, _available(settings.vectors))
    if settings.growth and sizes:
        tell(f"growing to {sizes[-1]:,} rows")
        whole = Workload.prepare(settings.vectors, home / "rows", sizes[-1], _ASKED)
        try:
            figures["growth"] = grow(whole, sizes, home / "stores", environments, tell)
        except BenchmarkError as error:  # what was measured before is kept
            turns.left_out["growth"] = str(error)
    made = () if context.quick else tuple(checks(figures))
    return Outcome(made, figures, _versions(figures), tuple(printed(figures, made)))


def _side_by_side(
    settings: Settings, workload: Workload, shelf: Shelf, plan: Plan, tell: Progress
) -> Turns:
    turns = Turns(plan, tell)
    names = (OURS, *(name for name in settings.engines if name != OURS))
    stored: dict[str, dict[str, Any]] = {}
    for name in (*names[1:], OURS):  # Nearfield's store is made again beside each peer's
        with turns.attempt(name):
            stored[name] = shelf.fill(name, workload)
    with ExitStack() as stack:
        for name in names:
            if name in stored:
                with turns.attempt(name):
                    running = stack.enter_context(shelf.session(name, workload))
                    ready = running.ready
                    running.ask(
                        "open", folder=str(shelf.rows(name, workload)), knob=ready["knobs"][0]
                    )
                    about = {each: ready[each] for each in ("settings", "kept", "versions")}
                    figures = {**about, "ingest": stored[name]}
                    turns.running[name] = Running(running, ready["knobs"][0], figures)
        _interleaved(turns, workload, plan)
    _cold(turns, workload, shelf, plan)
    return turns


def _interleaved(turns: Turns, workload: Workload, plan: Plan) -> None:
    turns.tell("exact answers")
    truth = workload.truth(len(workload.queries), None, K)
    turns.tune(truth)
    turns.search(truth)
    for filters in workload.filters(plan.filtered):
        turns.filtered(filters, workload.truth(plan.filtered, filters, K))
    turns.lexical()
    turns.hybrid()
    turns.rates()


def _cold(turns: Turns, workload: Workload, shelf: Shelf, plan: Plan) -> None:
    """Fresh processes in turns; the last round reads memory as well."""
    repeat = min(3, plan.rounds)
    found: dict[str, list[dict[str, Any]]] = {}
    for turn in range(repeat):
        for name, each in list(turns.running.items()):
            with turns.attempt(name), shelf.session(name, workload) as running:
                searches = plan.searches if turn + 1 == repeat else 0
                folder = shelf.rows(name, workload)
                measured = cold(running, folder, each.knob, workload.rows, searches)
                found.setdefault(name, []).append(measured)
        turns.tell(f"cold: round {turn + 1} of {repeat}")
    for name, each in turns.running.items():
        for what in ("import ms", "open and first query ms"):
            each.figures[what] = summary([one[what] for one in found[name]], 2)
        each.figures["memory"] = found[name][-1]["memory"]


def _available(vectors: Path) -> int:
    """Rows that are not held out as queries."""
    return len(np.load(vectors / "vectors.npy", mmap_mode="r")) - HELD_OUT


def _versions(figures: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in figures["engines"].values():
        found = {**each["versions"], **found}
    return found
