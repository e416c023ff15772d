"""From a system and a task to a report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nearfield.errors import InputError
from nearfield.evaluation import environment, measuring
from nearfield.evaluation.ledger import Ledger, Told
from nearfield.evaluation.measured import Measured
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.report import Encoded, Report, SystemCard, TaskCard
from nearfield.evaluation.tasks.task import Task
from nearfield.protocols import Encoder
from nearfield.types import ModelCard, Role

__all__ = ["encoder_card", "evaluate", "reported"]


def evaluate(
    encoder: Encoder,
    task: Task | Any,  # noqa: ANN401  a class of an optional package
    *,
    options: EvaluationOptions | None = None,
    progress: Told | None = None,
) -> Report:
    """Measure an encoder on a task.

    Parameters
    ----------
    encoder : Encoder
    task : Task or mteb.AbsTask
        As :func:`nearfield.evaluation.tasks.load` reads it; or a task of MTEB, whose data are taken
        over.
    options : EvaluationOptions, optional
        Measures, seed, intervals.
    progress : callable of (encoded, all), optional

    Returns
    -------
    Report
        Every figure with its interval, the values of single queries, what was cut, and what it
        takes to find the same figures again.

    Raises
    ------
    UnknownName
        A measure has no such name.
    MissingExtra
        Classification and clustering need scikit-learn: ``nearfield[evaluation]``.

    Examples
    --------
    >>> import numpy as np
    >>> from nearfield.evaluation.tasks import StsTask
    >>> from nearfield.types import BatchReport
    >>> class Vowels:
    ...     card = ModelCard("vowels", 5, None, "0" * 64, normalised=False)
    ...     tokenizer = None
    ...     def encode(self, inputs, *, role="document", observe=None):
    ...         observe(BatchReport(tuple(range(len(inputs))), tokens=len(inputs)))
    ...         rows = [[text.count(vowel) for vowel in "aeiou"] for text in inputs]
    ...         return np.array(rows, dtype=np.float32)
    >>> pairs = StsTask("sounds", ("loud",) * 3, ("proud", "cold", "fee"), (5.0, 3.0, 1.0))
    >>> report = evaluate(Vowels(), pairs)
    >>> report.main, report.score
    ('spearman', 1.0)
    """
    chosen, ledger, begun = (
        options or EvaluationOptions(),
        Ledger(told=progress),
        time.perf_counter(),
    )
    known: Task = task if hasattr(task, "kind") else _taken_over(task)
    measuring.check_measures(known.kind, chosen.measures)
    found = measuring.measuring(known.kind)(encoder, known, chosen, ledger)
    measured = measuring.chosen(known.kind, found, chosen.measures)
    return reported(encoder_card(encoder.card), known, measured, chosen, ledger, begun)


def encoder_card(card: ModelCard) -> SystemCard:
    """An encoder with exact search, as reports name it."""
    return SystemCard(
        name=card.name,
        model=card.name,
        fingerprint=card.fingerprint,
        precision=card.precision,
        runtime=card.runtime,
        dimension=card.dimension,
        max_tokens=card.max_tokens,
    )


def reported(
    system: SystemCard,
    task: Task,
    measured: Measured,
    options: EvaluationOptions,
    ledger: Ledger,
    begun: float,
) -> Report:
    """Put together what was measured and what it was measured with.

    Parameters
    ----------
    system : SystemCard
    task : Task
    measured : Measured
    options : EvaluationOptions
    ledger : Ledger
    begun : float
        ``time.perf_counter()`` when the evaluation began.
    """
    about = TaskCard(task.name, task.kind, task.split, task.digest(), task.sizes())
    encoded = Encoded(
        _by_role(ledger.texts),
        _by_role(ledger.truncated),
        _by_role(ledger.empty),
        ledger.tokens,
        ledger.cached,
    )
    return Report(
        system=system,
        task=about,
        scores=measured.scores,
        items=measured.items,
        each=measured.each,
        predictions=measured.predictions,
        encoded=encoded,
        seconds={
            "encode": round(ledger.seconds, 3),
            "total": round(time.perf_counter() - begun, 3),
        },
        options=options,
        versions=environment.versions(),
        hardware=environment.hardware(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        problems=task.problems,
        notes=measured.notes,
    )


def _taken_over(task: Any) -> Task:  # noqa: ANN401
    from nearfield.evaluation.tasks.mteb import from_mteb

    if not hasattr(task, "metadata"):
        raise InputError(
            f"the task is of type {type(task).__name__}: read one with nearfield.tasks.load"
        )
    return from_mteb(task)


def _by_role(counts: Mapping[Role, int]) -> dict[str, int]:
    return {role.value: count for role, count in counts.items()}
