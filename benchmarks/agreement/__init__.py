"""Do questions without labels rank systems as people's questions do? On every judged collection.

================  ==========================================================================
``conditions``    collections asked by people and by their own documents
``systems``       the systems that are ranked
``statistics``    agreement of two rankings, and what choosing by one costs
``section``       the part of the page of results
``command``       options of ``python -m benchmarks agreement``
================  ==========================================================================
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement.conditions import DEVELOPMENT, HUMAN, Asked, conditions
from benchmarks.agreement.statistics import agreement, halves, leaderboard
from benchmarks.agreement.systems import Systems
from benchmarks.harness import Outcome

__all__ = ["run"]

Scores = Mapping[str, Any]


def run(data: Path, sets: Sequence[str], systems: Systems, asked: Asked) -> Outcome:
    """Rank the systems on each set by each kind of question."""
    begun = time.monotonic()

    def told(what: str) -> None:
        print(f"  {time.monotonic() - begun:6.0f} s  {what}", flush=True)

    found: dict[str, dict[str, Any]] = {}
    people: dict[str, Scores] = {}
    for name in sets:
        kinds: dict[str, Any] = {}
        for condition in conditions(data, name, asked):
            scores = systems.ndcg(condition, told)
            means = {system: round(float(values.mean()), 4) for system, values in scores.items()}
            entry = {
                "questions": len(condition.queries),
                "documents": len(condition.documents),
                "ndcg@10": means,
            }
            if condition.kind == HUMAN:
                people[name] = scores
                ceiling = halves(scores)
                entry["halves"] = dict(
                    zip(("tau", "low", "high"), (round(v, 4) for v in ceiling), strict=True)
                )
            else:
                said = agreement(people[name], scores)
                entry |= {"rejected": dict(condition.rejected), **_rounded(asdict(said))}
                entry["within_noise"] = said.within_noise
            kinds[condition.kind] = entry
        found[name] = {"development": name in DEVELOPMENT, "kinds": kinds}
    means_of = {
        name: np.array([v.mean() for v in scores.values()]) for name, scores in people.items()
    }
    for name in sets:
        found[name]["leaderboard"] = leaderboard(name, means_of, list(systems.names))
    figures = {
        "systems": list(systems.names),
        "count": asked.count,
        "seed": asked.seed,
        "documents": asked.documents,
        "generator": asked.generator.name if asked.generator is not None else None,
        "sets": found,
    }
    return Outcome((), figures, lines=tuple(_lines(found)))


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in values.items()
    }


def _lines(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = []
    for name, one in found.items():
        for kind, entry in one["kinds"].items():
            if kind != HUMAN:
                lines.append(
                    f"{name} · {kind}: τ {entry['tau']:.2f} [{entry['low']:.2f}, "
                    f"{entry['high']:.2f}], {entry['decided']:.0%} of {entry['pairs']} decided "
                    f"pairs, {entry['winner']} (best {entry['best']}), regret {entry['regret']:.3f}"
                )
    return lines
