"""How each kind of task is measured: one file a kind, imported when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.protocols import Encoder

__all__ = ["Measuring", "measuring"]

Measuring: TypeAlias = Callable[[Encoder, Any, EvaluationOptions, Ledger], Measured]
"""Measures an encoder on a task of its kind."""

_MODULES = {
    TaskKind.RETRIEVAL: "retrieval",
    TaskKind.RERANKING: "reranking",
    TaskKind.STS: "sts",
    TaskKind.PAIRS: "pairs",
    TaskKind.CLASSIFICATION: "classification",
    TaskKind.CLUSTERING: "clustering",
    TaskKind.BITEXT: "bitext",
    TaskKind.SUMMARISATION: "summarisation",
}


def measuring(kind: TaskKind) -> Measuring:
    """The function that measures tasks of a kind."""
    module = importlib.import_module(f"nearfield.evaluation.measuring.{_MODULES[kind]}")
    found: Measuring = module.measure
    return found
