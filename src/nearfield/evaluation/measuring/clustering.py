"""Clustering: k-means with as many groups as there are labels, measured by V-measure.

After MTEB: ten times, texts are drawn with replacement and grouped by mini-batch k-means. The ten
figures are what intervals and tests are made of.

References
----------
Muennighoff et al., "MTEB: Massive text embedding benchmark", 2023. Sculley, "Web-scale k-means
clustering", 2010.
"""

from __future__ import annotations

import warnings

import numpy as np

from nearfield.errors import MissingExtra
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, of_items
from nearfield.evaluation.metrics import adjusted_rand, v_measure
from nearfield.evaluation.metrics.labels import numbered
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.clustering import ClusteringTask
from nearfield.protocols import Encoder

__all__ = ["measure"]

_REPEATS = 10
_LARGEST = 16_384
_BATCH = 512


def measure(
    encoder: Encoder, task: ClusteringTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Group the texts ten times and compare the groups with the labels."""
    try:
        from sklearn.cluster import MiniBatchKMeans
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise MissingExtra("measuring clustering", "evaluation") from error
    ledger.expect(len(task.texts))
    (labels,) = numbered(task.labels)
    vectors = ledger.encode(encoder, task.texts)
    chance = np.random.default_rng(options.seed)
    found: dict[str, list[float]] = {"v_measure": [], "adjusted_rand": []}
    for repeat in range(_REPEATS):
        drawn = chance.integers(0, len(labels), min(len(labels), _LARGEST))
        means = MiniBatchKMeans(
            n_clusters=int(labels.max()) + 1,
            batch_size=_BATCH,
            n_init=1,
            random_state=options.seed + repeat,
        )
        # Batches are small: threads would only wait for each other, for long on a busy machine.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fewer distinct points than groups, in tiny tasks
            groups = means.fit_predict(vectors[drawn])
        found["v_measure"].append(v_measure(labels[drawn], groups))
        found["adjusted_rand"].append(adjusted_rand(labels[drawn], groups))
    items = tuple(str(repeat + 1) for repeat in range(_REPEATS))
    values = {name: np.array(each) for name, each in found.items()}
    note = f"{_REPEATS} drawings of the texts, grouped by k-means; intervals are over the drawings"
    return of_items(items, values, options, (note,))
