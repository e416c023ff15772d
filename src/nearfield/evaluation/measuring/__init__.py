"""How each kind of task is measured: one file a kind, imported when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from nearfield.errors import UnknownName
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured
from nearfield.evaluation.metrics import Measure
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.protocols import Encoder
from nearfield.registry import suggest

__all__ = ["Measuring", "check_measures", "chosen", "measuring"]

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


_OWN = {
    TaskKind.STS: ("spearman", "pearson"),
    TaskKind.PAIRS: ("average_precision", "auroc", "best_accuracy", "best_f1"),
    TaskKind.CLASSIFICATION: ("accuracy", "macro_f1"),
    TaskKind.CLUSTERING: ("v_measure", "adjusted_rand"),
    TaskKind.BITEXT: ("accuracy", "f1"),
    TaskKind.SUMMARISATION: ("spearman", "pearson"),
}
"""What each kind is measured by, the main measure first; rankings are measured by any of theirs."""


def check_measures(kind: TaskKind, names: Sequence[str]) -> None:
    """Refuse measures that a kind of task does not have, before anything is encoded.

    Raises
    ------
    UnknownName, InputError
        A name is none, or is none for this kind.
    """
    for name in names:
        if kind not in _OWN:
            Measure.of(name)
        elif name not in _OWN[kind]:
            raise UnknownName(f"{kind} has no measure {name!r}; {suggest(name, _OWN[kind])}")


def chosen(kind: TaskKind, measured: Measured, names: Sequence[str]) -> Measured:
    """Only the measures that were asked for, in that order."""
    if not names or kind not in _OWN:
        return measured
    return replace(
        measured,
        scores={name: measured.scores[name] for name in names},
        each={name: measured.each[name] for name in names if name in measured.each},
    )


def measuring(kind: TaskKind) -> Measuring:
    """The function that measures tasks of a kind."""
    module = importlib.import_module(f"nearfield.evaluation.measuring.{_MODULES[kind]}")
    found: Measuring = module.measure
    return found
