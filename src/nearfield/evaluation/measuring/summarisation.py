"""Summarisation: summaries that people like should be near to one that people wrote.

For each text, a machine's summary is scored by the cosine of its nearest human summary; these
scores are correlated with people's, and the correlations are averaged over the texts.

References
----------
Fabbri et al., "SummEval: Re-evaluating summarization evaluation", 2021; measured as MTEB does.
"""

from __future__ import annotations

import numpy as np

from nearfield.errors import InputError
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, of_items
from nearfield.evaluation.metrics import pearson, spearman
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.summarisation import SummarisationTask
from nearfield.metric import normalise
from nearfield.protocols import Encoder

__all__ = ["measure"]


def measure(
    encoder: Encoder, task: SummarisationTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Correlate nearness to human summaries with people's scores, text by text."""
    texts = list(dict.fromkeys(s for side in (task.human, task.machine) for e in side for s in e))
    ledger.expect(len(texts))
    vectors = normalise(ledger.encode(encoder, texts))
    row = {text: number for number, text in enumerate(texts)}
    found: dict[str, list[float]] = {"spearman": [], "pearson": []}
    items, flat = [], 0
    for number, (human, machine, scores) in enumerate(
        zip(task.human, task.machine, task.scores, strict=True), start=1
    ):
        near = (vectors[[row[t] for t in machine]] @ vectors[[row[t] for t in human]].T).max(1)
        both = spearman(near, scores), pearson(near, scores)
        if np.isnan(both).any():
            flat += 1  # all scores are equal, by people or by the model: there is no correlation
            continue
        items.append(str(number))
        found["spearman"].append(both[0])
        found["pearson"].append(both[1])
    if not items:
        raise InputError(f"{task.name}: no text has scores that differ")
    note = f"{flat} of {len(task.human)} texts have equal scores throughout and no correlation"
    values = {name: np.array(each) for name, each in found.items()}
    return of_items(tuple(items), values, options, (note,) if flat else ())
