"""From a question to hits: find, fuse, rerank, spread, group; in that order, each step optional."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.filters import Filter
from nearfield.metric import Metric
from nearfield.passage import embedding_text
from nearfield.protocols import Reranker, SearchView
from nearfield.search.diversity import maximal_marginal_relevance
from nearfield.search.fusion import Fused, convex, lower_bound_scaled, reciprocal_rank
from nearfield.search.grouping import by_document
from nearfield.search.options import Fusion, Mode, SearchOptions
from nearfield.types import FloatArray, Hit, IntArray, Ranking

__all__ = ["Question", "Ranker", "find"]

Ranker: TypeAlias = Callable[[str, int, Filter | None], Ranking]
"""Finds so many chunks for a text, among those that match."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: words, a vector, or both.

    Attributes
    ----------
    text : str
        Empty where only a vector is given.
    vector : ndarray of float32, shape (dimension,), or None
        None where only words are compared.
    """

    text: str = ""
    vector: FloatArray | None = None

    def needed_vector(self, mode: Mode) -> FloatArray:
        """The vector, or InputError where the mode cannot do without one."""
        if self.vector is None:
            raise InputError(f"mode {mode.value!r} compares vectors: give a query or a vector")
        return self.vector

    def needed_text(self, mode: Mode) -> str:
        """The text, or InputError where the mode cannot do without one."""
        if not self.text.strip():
            raise InputError(f"mode {mode.value!r} compares words: give a query in words")
        return self.text


@dataclass(frozen=True, slots=True)
class _Found:
    """A ranking with the scores that made it, by the name of the path."""

    keys: IntArray
    scores: FloatArray
    path: str
    parts: Mapping[str, FloatArray]

    def chosen(self, places: IntArray) -> _Found:
        parts = {name: values[places] for name, values in self.parts.items()}
        return _Found(self.keys[places], self.scores[places], self.path, parts)


def find(
    view: SearchView,
    question: Question,
    options: SearchOptions,
    *,
    reranker: Reranker | None = None,
    sparse: Ranker | None = None,
    without: IntArray | None = None,
) -> list[Hit]:
    """Search one state of a store.

    Parameters
    ----------
    view : SearchView
    question : Question
    options : SearchOptions
    reranker : Reranker, optional
        Reads the best `options.candidates` again, together with the question.
    sparse : Ranker, optional
        What the mode ``sparse`` asks for the first stage.
    without : ndarray of int64, optional
        Keys of chunks that are no hits.

    Returns
    -------
    list of Hit
        Best first. ``score`` is that of the last step that ranked; ``parts`` holds the others.

    Raises
    ------
    InputError
        The mode needs words or a vector that the question does not have.
    UnsupportedOperation
        The store has no such search path.
    """
    depth = max(options.k, options.candidates) if reranker is not None else options.depth
    unwanted = np.empty(0, dtype=np.int64) if without is None else without
    if options.mode is Mode.SPARSE:
        found = _sparse(question, options, depth + len(unwanted), sparse)
    else:
        found = _first_stage(view, question, options, depth + len(unwanted))
    found = found.chosen(np.flatnonzero(~np.isin(found.keys, unwanted))[:depth])
    if reranker is not None:
        found = _reranked(view, question, found, reranker, options.rerank_weight)
    if options.diversity > 0:
        found = _spread(view, found, options)
    if options.group_by is None:
        found = found.chosen(np.arange(min(options.k, len(found.keys))))
        return _hits(view, found)
    return by_document(
        _hits(view, found), options.k, per_group=options.per_group, field=options.group_by
    )


def _first_stage(
    view: SearchView, question: Question, options: SearchOptions, depth: int
) -> _Found:
    match options.mode:
        case Mode.DENSE:
            vector = question.needed_vector(options.mode)
            return _single(view.nearest(vector, depth, where=options.where, path=options.path))
        case Mode.LEXICAL:
            text = question.needed_text(options.mode)
            return _single(view.lexical(text, depth, where=options.where, bm25=options.bm25))
        case Mode.HYBRID:
            return _hybrid(view, question, options, depth)
        case Mode.SPARSE | Mode.LATE:
            raise _no_first_stage(options.mode)


def _sparse(question: Question, options: SearchOptions, depth: int, rank: Ranker | None) -> _Found:
    if rank is None:
        raise _no_first_stage(options.mode)
    return _single(rank(question.needed_text(options.mode), depth, options.where))


def _no_first_stage(mode: Mode) -> InputError:
    return InputError(f"mode {mode.value!r} is no first stage of this search")


def _single(ranking: Ranking) -> _Found:
    return _Found(ranking.keys, ranking.scores, ranking.path, {})


def _hybrid(view: SearchView, question: Question, options: SearchOptions, depth: int) -> _Found:
    vector, text = question.needed_vector(options.mode), question.needed_text(options.mode)
    width = max(depth, options.candidates)
    rankings = {
        Mode.DENSE.value: view.nearest(vector, width, where=options.where, path=options.path),
        Mode.LEXICAL.value: view.lexical(text, width, where=options.where, bm25=options.bm25),
    }
    path = "+".join(ranking.path for ranking in rankings.values())
    if options.fusion is Fusion.RANKS:
        fused = reciprocal_rank(rankings, weights=options.weights)
        return _Found(fused.keys[:depth], fused.scores[:depth], path, {})
    keys = np.unique(np.concatenate([ranking.keys for ranking in rankings.values()]))
    scores = {
        Mode.DENSE.value: _completed(
            keys, rankings[Mode.DENSE.value], lambda missing: view.scores(vector, missing)
        ),
        Mode.LEXICAL.value: _completed(
            keys,
            rankings[Mode.LEXICAL.value],
            lambda missing: view.lexical_scores(text, missing, bm25=options.bm25),
        ),
    }
    bounds = {Mode.DENSE.value: _least(view.metric, scores), Mode.LEXICAL.value: 0.0}
    fused = convex(keys, scores, weights=options.weights, bounds=bounds)
    return _with_parts(fused, keys, scores, path, depth)


def _completed(
    keys: IntArray, ranking: Ranking, score_missing: Callable[[IntArray], FloatArray]
) -> FloatArray:
    """Scores of all `keys` (sorted): those that the path found, the others asked for one by one."""
    scores = np.empty(len(keys), dtype=np.float32)
    at = np.searchsorted(keys, ranking.keys)
    scores[at] = ranking.scores
    missing = np.ones(len(keys), dtype=np.bool_)
    missing[at] = False
    if missing.any():
        scores[missing] = score_missing(keys[missing])
    return scores


def _least(metric: Metric, scores: Mapping[str, FloatArray]) -> float:
    """The least score that vectors can have; for metrics without one, the least found."""
    if metric is Metric.COSINE:
        return -1.0
    return float(scores[Mode.DENSE.value].min(initial=0.0))


def _with_parts(
    fused: Fused, keys: IntArray, scores: Mapping[str, FloatArray], path: str, depth: int
) -> _Found:
    best = fused.keys[:depth]
    at = np.searchsorted(keys, best)
    parts = {name: values[at] for name, values in scores.items()}
    return _Found(best, fused.scores[:depth], path, parts)


def _reranked(
    view: SearchView, question: Question, found: _Found, reranker: Reranker, weight: float
) -> _Found:
    """Order anew by the reranker and the ranking before it, each scaled to the candidates."""
    if not question.text.strip():
        raise InputError(f"the reranker {reranker.name} reads the question: give a query in words")
    texts = [embedding_text(chunk) for chunk in view.chunks(found.keys)]
    read = reranker.score(question.text, texts)
    mixed = weight * _spanned(read) + (1.0 - weight) * _spanned(found.scores)
    order = np.lexsort((np.arange(len(mixed)), -mixed))
    parts = {**found.parts, "first_stage": found.scores, reranker.name: read}
    scores = mixed.astype(np.float32)
    again = _Found(found.keys, scores, f"{found.path}>{reranker.name}", parts)
    return again.chosen(order)


def _spanned(scores: FloatArray) -> npt.NDArray[np.float64]:
    """Scores as shares of the way from the worst candidate to the best one."""
    values = np.asarray(scores, dtype=np.float64)
    return lower_bound_scaled(values, float(values.min()) if len(values) else 0.0)


def _spread(view: SearchView, found: _Found, options: SearchOptions) -> _Found:
    relevance = lower_bound_scaled(found.scores, float(found.scores.min(initial=0.0)))
    places = maximal_marginal_relevance(
        view.vectors(found.keys),
        relevance.astype(np.float32),
        options.k if options.group_by is None else len(found.keys),
        diversity=options.diversity,
    )
    return replace(found.chosen(places), path=f"{found.path}>diverse")


def _hits(view: SearchView, found: _Found) -> list[Hit]:
    chunks = view.chunks(found.keys)
    names = tuple(found.parts)
    columns = [found.parts[name].tolist() for name in names]
    rows = list(zip(*columns, strict=True)) if columns else [()] * len(chunks)
    return [
        Hit(chunk, score, rank, found.path, dict(zip(names, row, strict=True)))
        for rank, (chunk, score, row) in enumerate(
            zip(chunks, found.scores.tolist(), rows, strict=True), start=1
        )
    ]
