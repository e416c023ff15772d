"""A collection as a system: its passages become the task's documents, its search ranks them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

from nearfield.collection import Collection
from nearfield.errors import InputError
from nearfield.evaluation.evaluate import encoder_card, reported
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measuring.retrieval import measure_run
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.report import Report, SystemCard
from nearfield.evaluation.run import Run, documents_of
from nearfield.evaluation.tasks.retrieval import RetrievalTask
from nearfield.models.rerank import DEFAULT_RERANKER
from nearfield.protocols import Reranker
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import Chunk, Problem

__all__ = ["evaluate_collection", "task_documents"]

_PASSAGES_A_DOCUMENT = 4
"""Passages that are asked for where one document is wanted: several of one may be found."""

_DEPTH = 100


def evaluate_collection(
    collection: Collection,
    task: RetrievalTask,
    *,
    mode: Mode | str = Mode.DENSE,
    rerank: Reranker | str | bool | None = None,
    search: SearchOptions | None = None,
    options: EvaluationOptions | None = None,
) -> Report:
    """Measure a collection's own search on a task whose documents it holds.

    A document of the task is found by its id, or by the name of the file or of the record that it
    was read from. Passages of one document count once, at the place of the best.

    Parameters
    ----------
    collection : Collection
    task : RetrievalTask
    mode, rerank, search
        As :meth:`~nearfield.collection.CollectionReader.search` takes them.
    options : EvaluationOptions, optional
        ``depth`` documents are ranked, at most 100.

    Raises
    ------
    InputError
        None of the task's documents is in the collection.
    """
    chosen, asked = options or EvaluationOptions(), search or SearchOptions()
    passages = _passages(Mode.of(mode), rerank, asked, min(chosen.depth, _DEPTH))
    depth = min(chosen.depth, _DEPTH, passages)
    chosen = replace(chosen, depth=depth)
    begun, ledger = time.perf_counter(), Ledger()
    named, problems = task_documents(collection, task)
    wanted = replace(asked, k=passages)
    rankings = {}
    for id_, text in task.queries.items():
        hits = collection.search(text, mode=mode, rerank=rerank, options=wanted)
        found = documents_of(hits)
        # What is no document of the task stays: it stands where an answer could have stood.
        best: dict[str, float] = {}
        for document, score in found.items():
            best.setdefault(named.get(document, document), score)
        rankings[id_] = dict(list(best.items())[:depth])
    name = _name(collection, Mode.of(mode), rerank)
    measured = measure_run(Run(name, rankings), task.qrels, chosen)
    whole = replace(task, problems=(*task.problems, *problems))
    return reported(_card(collection, name, mode, rerank), whole, measured, chosen, ledger, begun)


def _passages(
    mode: Mode, rerank: Reranker | str | bool | None, asked: SearchOptions, depth: int
) -> int:
    """Passages to ask for without changing the search that is measured.

    Fusing and reranking look at so many candidates; asking for more would widen their view.
    """
    if rerank or mode in {Mode.HYBRID, Mode.LATE} or asked.diversity > 0 or asked.group_by:
        return asked.candidates
    return depth * _PASSAGES_A_DOCUMENT


def task_documents(
    collection: Collection, task: RetrievalTask
) -> tuple[Mapping[str, str], tuple[Problem, ...]]:
    """Which documents of the collection are which of the task, and how many are missing.

    Returns
    -------
    mapping of str to str
        The collection's document id → the task's.
    tuple of Problem
    """
    named: dict[str, str] = {}
    strangers = 0
    seen: set[str] = set()
    for chunk, _ in collection.store.scan():
        if chunk.document_id in seen:
            continue
        seen.add(chunk.document_id)
        match = next((name for name in _names(chunk) if name in task.documents), None)
        if match is None:
            strangers += 1
        else:
            named[chunk.document_id] = match
    if not named:
        example, own = next(iter(task.documents)), next(iter(seen), "nothing")
        raise InputError(
            f"{collection.path} holds none of the {len(task.documents):,} documents of "
            f"{task.name}: the task's are called {example!r} and the like, the collection's "
            f"{own!r}. Index the task's own corpus, or files named after its ids"
        )
    problems = []
    missing = len(task.documents) - len(set(named.values()))
    if missing:
        told = f"{missing:,} of {len(task.documents):,} documents are not in the collection"
        problems.append(Problem(str(collection.path), f"{told}; they count as never found"))
    if strangers:
        told = f"{strangers:,} documents of the collection are not in the task; they count as wrong"
        problems.append(Problem(str(collection.path), told))
    return named, tuple(problems)


def _names(chunk: Chunk) -> list[str]:
    """What a document may be called in a task: its id, its record's, its file's."""
    own = [chunk.document_id, chunk.document_id.rpartition("::")[2]]
    own += [str(chunk.metadata[key]) for key in ("_id", "id") if key in chunk.metadata]
    path = PurePath(chunk.source or chunk.document_id)
    return [*own, path.name, path.stem]


def _name(collection: Collection, mode: Mode, rerank: Reranker | str | bool | None) -> str:
    again = " + rerank" if rerank else ""
    return f"{collection.path.name} ({mode.value}{again})"


def _card(
    collection: Collection, name: str, mode: Mode | str, rerank: Reranker | str | bool | None
) -> SystemCard:
    mode, reranker = Mode.of(mode), ""
    if rerank:
        reranker = DEFAULT_RERANKER if rerank is True else getattr(rerank, "name", str(rerank))
    search = f"{mode.value} > {reranker}" if reranker else mode.value
    if mode is Mode.LEXICAL:
        return SystemCard(
            name, collection.model, collection.fingerprint, collection.precision, "",
            collection.store.dimension, None, search,
        )  # fmt: skip
    return replace(encoder_card(collection.encoder.card), name=name, search=search)
