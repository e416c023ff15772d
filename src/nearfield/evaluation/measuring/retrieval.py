"""Retrieval: every query against every document, measured by nDCG@10 unless otherwise asked."""

from __future__ import annotations

from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, of_items
from nearfield.evaluation.metrics import Measure, judge
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.retrieval import evaluate_retrieval
from nearfield.evaluation.run import Run
from nearfield.evaluation.tasks.retrieval import Qrels, RetrievalTask
from nearfield.protocols import Encoder

__all__ = ["USUAL", "measure", "measure_run"]

USUAL = (
    "ndcg@10",
    "mrr@10",
    "map",
    "recall@10",
    "recall@100",
    "precision@10",
    "success@1",
    "r_precision",
)
"""What is measured when nobody asks for anything else."""


def measure(
    encoder: Encoder, task: RetrievalTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Rank a task's documents for each of its queries and measure the rankings."""
    ledger.expect(len(task.documents) + len(task.queries))
    run = evaluate_retrieval(encoder, task, depth=options.depth, ledger=ledger)
    return measure_run(run, task.qrels, options)


def measure_run(
    run: Run, qrels: Qrels, options: EvaluationOptions, usual: tuple[str, ...] = USUAL
) -> Measured:
    """Measure rankings, one value a query."""
    judged = judge(run, qrels)
    measures = [Measure.of(name) for name in options.measures or usual]
    values = {each.name: each.of_judged(judged) for each in measures}
    short = [each.name for each in measures if each.k is not None and each.k > options.depth]
    notes = (f"only {options.depth} documents are ranked: {', '.join(short)}",) if short else ()
    return of_items(tuple(qrels), values, options, notes)
