"""Classification: logistic regression on a few vectors of each label, tried ten times.

As MTEB measures it: eight examples of each label are drawn, a logistic regression learns from their
vectors, and its accuracy on the test texts is averaged over ten such draws. The draws are MTEB's
own, so the figures are comparable one to one.

References
----------
Muennighoff et al., "MTEB: Massive text embedding benchmark", 2023.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nearfield.errors import MissingExtra
from nearfield.evaluation.intervals import bootstrap_statistic
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measured import Measured, of_items
from nearfield.evaluation.metrics import macro_f1
from nearfield.evaluation.metrics.labels import numbered
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.classification import ClassificationTask
from nearfield.protocols import Encoder
from nearfield.types import FloatArray

__all__ = ["draws", "measure"]

_EXPERIMENTS = 10
_EXAMPLES = 8
_ITERATIONS = 100

Places = npt.NDArray[np.int64]


class Classifier(Protocol):
    """What learns labels from vectors."""

    def fit(self, vectors: FloatArray, labels: Places) -> object: ...

    def predict(self, vectors: FloatArray) -> Places: ...


def measure(
    encoder: Encoder, task: ClassificationTask, options: EvaluationOptions, ledger: Ledger
) -> Measured:
    """Learn from ten draws and predict the labels of all test texts with each."""
    new, unsettled = _logistic_regression(options.seed), 0
    train, test = numbered(task.train_labels, task.test_labels)
    drawn = draws(train.tolist(), options.seed)
    used = sorted(set().union(*drawn))
    texts = [task.train_texts[place] for place in used]
    ledger.expect(len(texts) + len(task.test_texts))
    known = ledger.encode(encoder, texts)
    asked = ledger.encode(encoder, task.test_texts)
    row = {place: number for number, place in enumerate(used)}
    predicted = np.empty((_EXPERIMENTS, len(test)), dtype=np.int64)
    for number, places in enumerate(drawn):
        classifier = new()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            classifier.fit(known[[row[place] for place in places]], train[places])
        unsettled += any("converge" in str(each.message) for each in told)
        predicted[number] = classifier.predict(asked)
    right = (predicted == test).mean(0)
    items = tuple(str(number) for number in range(1, len(test) + 1))
    notes = _notes(train, task, unsettled)
    found = of_items(items, {"accuracy": right}, options, notes)
    f1 = bootstrap_statistic(
        lambda at: float(np.mean([macro_f1(test[at], each[at]) for each in predicted])),
        len(test),
        samples=options.samples,
        level=options.level,
        seed=options.seed,
    )
    return Measured({**found.scores, "macro_f1": f1}, items, found.each, notes=notes)


def draws(labels: Sequence[int], seed: int) -> list[list[int]]:
    """Places of the training texts of each experiment: the first eight of every label.

    Each experiment shuffles the order of the one before by the same seed, as MTEB does.

    Examples
    --------
    >>> [len(each) for each in draws([0] * 20 + [1] * 3, seed=42)][:2]
    [11, 11]
    """
    order = list(range(len(labels)))
    found = []
    for _ in range(_EXPERIMENTS):
        np.random.RandomState(seed).shuffle(order)
        taken: Counter[int] = Counter()
        places = []
        for place in order:
            if taken[labels[place]] < _EXAMPLES:
                taken[labels[place]] += 1
                places.append(place)
        found.append(places)
    return found


def _notes(train: Places, task: ClassificationTask, unsettled: int) -> tuple[str, ...]:
    notes = [
        f"{_EXPERIMENTS} experiments of {_EXAMPLES} examples a label; intervals are over test texts"
    ]
    scarce = int((np.bincount(train) < _EXAMPLES).sum()) - len(
        set(task.test_labels) - set(task.train_labels)
    )
    if scarce:
        notes.append(f"{scarce} labels have fewer than {_EXAMPLES} examples; all of them are taken")
    if unsettled:
        notes.append(
            f"the solver stopped after {_ITERATIONS} steps in {unsettled} of {_EXPERIMENTS} "
            "experiments, as MTEB's does"
        )
    return tuple(notes)


def _logistic_regression(seed: int) -> Callable[[], Classifier]:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtra("measuring classification", "evaluation") from error
    return lambda: LogisticRegression(max_iter=_ITERATIONS, random_state=seed)
