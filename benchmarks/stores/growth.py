"""Nearfield alone while it grows: one collection, filled step by step up to a million rows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.embedding.environments import Environments
from benchmarks.stores.ingest import BATCH, folder_bytes
from benchmarks.stores.phases import K, cold, recall, times
from benchmarks.stores.session import OURS, Session, session
from benchmarks.stores.workload import Filters, Workload

__all__ = ["SIZES", "grow", "reached"]

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_QUERIES, _FILTERED_QUERIES = 1000, 200
_SECONDS = 10.0
_SEARCHES = 1000
_WORTH = 1.25  # times the last size, to be one of its own
_FILTERED = (("random", "1%"), ("near", "1%"), ("far", "1%"))


def grow(
    workload: Workload,
    sizes: tuple[int, ...],
    home: Path,
    environments: Environments,
    tell: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Figures at each size; the folder is gone afterwards.

    Parameters
    ----------
    workload : Workload
        With as many rows as the largest size, or more.
    sizes : tuple of int
        Rows, rising.
    """
    folder = home / f"growth-{os.getpid()}"
    steps, before = [], 0
    try:
        for size in sizes:
            part = workload.first(size)
            with session(OURS, environments, workload.folder) as running:
                answer = running.ask(
                    "ingest", folder=str(folder), first=before, last=size, batch=BATCH
                )
            seconds = answer["create"] + sum(answer["add"]) + answer["finish"]
            with session(OURS, environments, workload.folder) as running:
                found = cold(running, folder, "default", size, _SEARCHES)
                found |= _asked(running, part)
            steps.append(
                {
                    "rows": size,
                    "rows per second": round((size - before) / seconds, 1),
                    "bytes per row": round(folder_bytes(folder) / size, 1),
                    **found,
                }
            )
            tell(f"{size:,} rows: p50 {found['search']['p50 ms']:.3f} ms, "
                 f"recall {found['search']['recall']:.4f}")  # fmt: skip
            before = size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return steps


def reached(sizes: tuple[int, ...], available: int) -> tuple[int, ...]:
    """Those sizes that the data suffices for, and all of the data where a larger one is missed.

    Examples
    --------
    >>> reached((10, 30, 100), 80), reached((10, 30, 100), 35)
    ((10, 30, 80), (10, 30))
    """
    fitting = tuple(size for size in sizes if size <= available)
    missed = len(fitting) < len(sizes) and fitting and available >= _WORTH * fitting[-1]
    return (*fitting, available) if missed else fitting


def _asked(running: Session, part: Workload) -> dict[str, Any]:
    queries = list(range(_QUERIES))
    given = {"k": K, "knob": "default", "seconds": _SECONDS}
    answer = running.ask("search", queries=queries, where=None, **given)
    truth = part.truth(_QUERIES, None, K)
    found: dict[str, Any] = {
        "search": {"recall": recall(answer["found"], truth), **times(answer)},
        "lexical": _others(running.ask("lexical", queries=queries, k=K, seconds=_SECONDS)),
        "hybrid": _others(running.ask("hybrid", queries=queries, **given)),
        "filtered": {},
    }
    for filters in _chosen(part):
        few = queries[:_FILTERED_QUERIES]
        answer = running.ask("search", queries=few, where=filters.conditions, **given)
        exact = part.truth(len(few), filters, K)
        shares = found["filtered"].setdefault(filters.kind, {})
        shares[filters.share] = {"recall": recall(answer["found"], exact), **times(answer)}
    return found


def _chosen(part: Workload) -> list[Filters]:
    return [
        each for each in part.filters(_FILTERED_QUERIES) if (each.kind, each.share) in _FILTERED
    ]


def _others(answer: dict[str, Any]) -> dict[str, Any] | None:
    return None if "missing" in answer else dict(times(answer))
