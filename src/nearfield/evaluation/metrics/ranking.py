"""Measures of rankings, one value a query: formula, source, and a small example each.

Throughout, g(i) is the grade at rank i = 1, 2, …; r(i) is 1 where g(i) > 0 and else 0; R is the
number of relevant documents. Every value is in [0, 1] and 0 where nothing is relevant, as
``trec_eval`` has it. Without `k` the whole ranking counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nearfield.evaluation.metrics.judged import Judged

__all__ = [
    "average_precision_at",
    "ndcg",
    "precision",
    "r_precision",
    "recall",
    "reciprocal_rank",
    "success",
]

Scores = npt.NDArray[np.float64]
"""One value a query, shape (queries,)."""


def ndcg(judged: Judged, k: int | None = None) -> Scores:
    """Normalised discounted cumulative gain: DCG@k = Σ g(i) / log₂(i + 1), over the best possible.

    The gain is the grade itself, as in ``trec_eval``'s ``ndcg_cut`` and in MTEB; not 2^g − 1.

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.

    Examples
    --------
    Relevant at rank 2: 1 / log₂ 3, and the best possible is 1.

    >>> ndcg(Judged.of(["x", "b"], {"b": 1}), 10).round(4).tolist()
    [0.6309]
    """
    return _shares(_dcg(judged.gains[:, :k]), _dcg(judged.ideal[:, :k]))


def reciprocal_rank(judged: Judged, k: int | None = None) -> Scores:
    """1 / rank of the first relevant document; 0 where none is among the first `k`.

    Its mean over the queries is the mean reciprocal rank, MRR.

    References
    ----------
    Voorhees, "The TREC-8 question answering track report", 1999.

    Examples
    --------
    >>> reciprocal_rank(Judged.of(["x", "y", "b"], {"b": 1}), 10).round(4).tolist()
    [0.3333]
    """
    found = judged.found(k)
    if not found.shape[1]:
        return np.zeros(len(found))
    values: Scores = found.any(1).astype(np.float64) / (found.argmax(1) + 1)
    return values


def average_precision_at(judged: Judged, k: int | None = None) -> Scores:
    """Average precision: Σ r(i) · P@i / R over ranks i ≤ k.

    Relevant documents that were not found count with precision 0. Its mean over the queries is MAP.

    References
    ----------
    Buckley and Voorhees, "Evaluating evaluation measure stability", 2000.

    Examples
    --------
    Relevant at ranks 1 and 3 of three relevant ones: (1/1 + 2/3 + 0) / 3.

    >>> ranking = Judged.of(["a", "x", "b"], {"a": 1, "b": 1, "c": 1})
    >>> average_precision_at(ranking).round(4).tolist()
    [0.5556]
    """
    found = judged.found(k)
    precisions = found.cumsum(1) / np.arange(1, found.shape[1] + 1)
    return _shares((precisions * found).sum(1), judged.relevant)


def recall(judged: Judged, k: int | None = None) -> Scores:
    """Share of the relevant documents that are among the first `k`: Σ r(i) / R.

    References
    ----------
    Cleverdon, "The Cranfield tests on index language devices", 1967.

    Examples
    --------
    >>> recall(Judged.of(["a", "x"], {"a": 1, "b": 1}), 10).tolist()
    [0.5]
    """
    return _shares(judged.found(k).sum(1), judged.relevant)


def precision(judged: Judged, k: int) -> Scores:
    """Share of the first `k` ranks that are relevant: Σ r(i) / k.

    The divisor is `k` even where fewer documents were found, as in ``trec_eval``.

    References
    ----------
    Cleverdon, "The Cranfield tests on index language devices", 1967.

    Examples
    --------
    >>> precision(Judged.of(["a", "x"], {"a": 1, "b": 1}), 5).tolist()
    [0.2]
    """
    return _shares(judged.found(k).sum(1), np.full(len(judged.gains), k))


def success(judged: Judged, k: int | None = None) -> Scores:
    """1 where any of the first `k` is relevant, else 0; also known as hit rate.

    References
    ----------
    ``trec_eval``'s ``success``.

    Examples
    --------
    >>> success(Judged.of(["x", "b"], {"b": 1}), 1).tolist()
    [0.0]
    """
    values: Scores = (judged.found(k).sum(1) > 0).astype(np.float64)
    return values


def r_precision(judged: Judged) -> Scores:
    """Precision at rank R: with R relevant documents, how many of the first R are relevant.

    References
    ----------
    Buckley and Voorhees, "Retrieval system evaluation", in TREC: Experiment and Evaluation, 2005.

    Examples
    --------
    >>> r_precision(Judged.of(["a", "x", "b"], {"a": 1, "b": 1})).tolist()
    [0.5]
    """
    ranks = np.arange(judged.gains.shape[1])
    within = judged.found(None) & (ranks < judged.relevant[:, None])
    return _shares(within.sum(1), judged.relevant)


def _dcg(gains: npt.NDArray[np.int64]) -> Scores:
    values: Scores = gains @ (1.0 / np.log2(np.arange(2, gains.shape[1] + 2)))
    return values


def _shares(part: npt.ArrayLike, whole: npt.NDArray[np.number]) -> Scores:
    """`part` / `whole`, and 0 where the whole is 0."""
    shares = np.zeros(len(whole))
    np.divide(part, whole, out=shares, where=np.asarray(whole > 0))
    return shares
