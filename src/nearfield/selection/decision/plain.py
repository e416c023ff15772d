"""The decision as plain data, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from nearfield.selection import toml
from nearfield.selection.decision import words
from nearfield.selection.decision.record import Decision
from nearfield.selection.trial import Trial

__all__ = ["as_data", "as_json"]


def as_data(decision: Decision) -> dict[str, Any]:
    """Everything that the record shows, without the documents themselves."""
    choice, data, actual = decision.choice, decision.data, decision.actual
    held = decision.held_out
    return {
        "recommendation": words.headline(decision),
        "reasons": words.reasons(decision),
        "notes": words.notes(decision),
        "pipeline": toml.dumps(decision.pipeline, head=""),
        "data": {
            "name": data.name,
            "documents": len(data.documents),
            "of": data.of,
            "questions": len(data.queries),
            "labels": data.labels.value,
            "how": data.note,
            "digest": data.digest,
            "problems": [asdict(problem) for problem in data.problems],
        },
        "measure": decision.yardstick,
        "decided_on": len(choice.questions),
        "recommended": choice.recommended.trial.key,
        "best": choice.best.trial.key,
        "front": [point.trial.key for point in choice.front],
        "equals": [point.trial.key for point in choice.equals],
        "points": {
            point.trial.key: {
                "label": point.pipeline.label,
                "quality": point.quality,
                "latency": point.latency,
                "memory": point.memory,
                "indexing": point.indexing,
                "money": point.money,
                "cost": point.cost,
                "verdict": asdict(choice.verdicts[point.trial.key]),
            }
            for point in choice.points
        },
        "held_out": None
        if held is None
        else {
            "questions": held.questions,
            "intervals": {key: asdict(found) for key, found in held.intervals.items()},
            "verdicts": {key: asdict(found) for key, found in held.verdicts.items()},
        },
        "candidates": {trial.key: _trial(trial) for trial in decision.trials},
        "rungs": [
            {
                "questions": rung.questions,
                "asked": rung.asked,
                "dropped": rung.dropped,
                "best": rung.best,
                "complete": rung.complete,
            }
            for rung in decision.rungs
        ],
        "processes": {key: asdict(found) for key, found in decision.footings.items()},
        "worst": [asdict(failing) for failing in decision.worst],
        "not_tried": [asdict(each) for each in decision.not_tried],
        "forecast": [
            {**asdict(each), "chunking": str(each.chunking)} for each in decision.plan.forecasts
        ],
        "actual": asdict(actual),
        "stopped": decision.stopped,
        "environment": dict(decision.environment),
    }


def as_json(decision: Decision) -> str:
    """The same as text."""
    return json.dumps(as_data(decision), ensure_ascii=False, indent=1) + "\n"


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "label": trial.pipeline.label,
        "rungs": trial.rung,
        "questions": len(trial.scores),
        "mean": sum(trial.scores.values()) / len(trial.scores) if trial.scores else None,
        "dropped": trial.dropped,
        "failed": trial.failed,
        "skipped": trial.skipped,
        "interrupted": trial.interrupted,
        "passages": trial.passages,
        "memory": trial.memory,
        "disk": trial.disk,
        "p50": trial.quantile(0.5) if trial.seconds else None,
        "p99": trial.quantile(0.99) if trial.seconds else None,
    }
