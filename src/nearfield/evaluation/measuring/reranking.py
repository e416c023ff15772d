"""Reranking: the candidates of each query in the order of their cosine, measured by MAP."""

from __future__ import annotations

import numpy as np

from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured
from nearfield.evaluation.measuring.retrieval import measure_run
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.run import Run
from nearfield.evaluation.tasks.reranking import RerankingTask
from nearfield.metric import normalise
from nearfield.protocols import Encoder
from nearfield.types import Role

__all__ = ["USUAL", "measure"]

USUAL = ("map", "mrr", "ndcg@10")


def measure(
    encoder: Encoder, task: RerankingTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Order each query's candidates; a candidate that stands several times is encoded once."""
    texts = list(dict.fromkeys(t for each in task.candidates.values() for t in each.values()))
    ledger.expect(len(texts) + len(task.queries))
    queries = normalise(ledger.encode(encoder, list(task.queries.values()), Role.QUERY))
    documents = normalise(ledger.encode(encoder, texts, Role.DOCUMENT))
    place = {text: row for row, text in enumerate(texts)}
    rankings = {}
    for row, query in enumerate(task.queries):
        candidates = task.candidates[query]
        scores = documents[[place[text] for text in candidates.values()]] @ queries[row]
        ids = list(candidates)
        # Equal candidates: relevant ones last, so that their place in the file earns nothing.
        grades = np.array([task.qrels[query].get(id_, 0) for id_ in ids])
        order = np.lexsort((grades, -scores))
        rankings[query] = {ids[at]: float(scores[at]) for at in order}
    run = Run(encoder.card.name, rankings)
    return measure_run(run, task.qrels, options, USUAL)
