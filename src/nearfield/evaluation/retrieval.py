"""From a system to a run: an encoder with exact search, or a stored collection with any search."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nearfield.errors import InputError
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.run import Run, documents_of
from nearfield.evaluation.tasks.retrieval import RetrievalTask, whole_text
from nearfield.metric import normalise, top_k
from nearfield.protocols import Encoder, Reranker, SearchView
from nearfield.search.options import SearchOptions
from nearfield.search.pipeline import Question, Ranker, find
from nearfield.types import FloatArray, Role

__all__ = ["DEPTH", "evaluate_retrieval", "questions_of", "search_run"]

DEPTH = 1000
"""Documents a query that are ranked: MTEB's own depth."""

_SCORES_AT_ONCE = 20_000_000
"""Numbers of a block of scores: 80 MB."""


def evaluate_retrieval(
    encoder: Encoder, task: RetrievalTask, *, depth: int = DEPTH, ledger: Ledger | None = None
) -> Run:
    """Encode a task's documents and queries and compare each query with every document.

    A document is its title and its text in one input, cut at the model's limit, and vectors are
    compared by cosine: what MTEB and BEIR measure.

    Parameters
    ----------
    encoder : Encoder
    task : RetrievalTask
    depth : int
        Documents that are ranked for each query, at least 1.
    ledger : Ledger, optional
        Counts what was cut and what it took.

    Returns
    -------
    Run
        Named after the encoder. Equal scores are in the order of the corpus.
    """
    if depth < 1:
        raise InputError(f"depth is {depth}: rank at least 1 document")
    counted = ledger if ledger is not None else Ledger()
    ids = list(task.documents)
    texts = [whole_text(document) for document in task.documents.values()]
    documents = normalise(counted.encode(encoder, texts, Role.DOCUMENT))
    queries = normalise(counted.encode(encoder, list(task.queries.values()), Role.QUERY))
    rankings: dict[str, dict[str, float]] = {}
    names, step = list(task.queries), max(1, _SCORES_AT_ONCE // max(1, len(ids)))
    for start in range(0, len(names), step):
        scores = queries[start : start + step] @ documents.T
        places = top_k(scores, depth)
        best = np.take_along_axis(scores, places, axis=1).tolist()
        for query, row, values in zip(
            names[start : start + step], places.tolist(), best, strict=True
        ):
            rankings[query] = {ids[at]: value for at, value in zip(row, values, strict=True)}
    return Run(encoder.card.name, rankings)


def questions_of(
    queries: Mapping[str, str], encoder: Encoder | None, ledger: Ledger | None = None
) -> dict[str, Question]:
    """Queries as a search takes them, by id.

    Parameters
    ----------
    queries : mapping of str to str
        By id.
    encoder : Encoder or None
        Makes their vectors; None where only words are compared.
    ledger : Ledger, optional
    """
    if encoder is None:
        return {id_: Question(text) for id_, text in queries.items()}
    counted = ledger if ledger is not None else Ledger()
    vectors: FloatArray = counted.encode(encoder, list(queries.values()), Role.QUERY)
    return {
        id_: Question(text, vector)
        for (id_, text), vector in zip(queries.items(), vectors, strict=True)
    }


def search_run(
    name: str,
    view: SearchView,
    questions: Mapping[str, Question],
    options: SearchOptions,
    *,
    reranker: Reranker | None = None,
    sparse: Ranker | None = None,
) -> Run:
    """Ask a stored collection every question; passages become documents by their best one.

    Parameters
    ----------
    name : str
        Of the run.
    view : SearchView
        One state of a store.
    questions : mapping of str to Question
        By query id, as :func:`questions_of` makes them.
    options : SearchOptions
        ``k`` passages are asked for; where several of one document are among them there are fewer
        documents. ``group_by="document"`` asks for so many documents.
    reranker : Reranker, optional
        Reads the best candidates again.
    sparse : Ranker, optional
        What the mode ``sparse`` asks.

    Examples
    --------
    >>> from nearfield.search.options import Mode
    >>> from nearfield.stores.local import LocalStore
    >>> from nearfield.types import Chunk
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, LocalStore.create(
    ...     f"{folder}/one.nf", dimension=2
    ... ) as store:
    ...     texts = {"coat": "A warm parka.", "boat": "A fast canoe."}
    ...     chunks = [Chunk(id_, id_, text, 0, len(text)) for id_, text in texts.items()]
    ...     store.add(chunks, np.eye(2, dtype=np.float32))
    ...     with store.view() as view:
    ...         words = SearchOptions(mode=Mode.LEXICAL)
    ...         run = search_run("BM25", view, {"q": Question("parka")}, words)
    >>> run.ranking("q")
    ('coat',)
    """
    rankings = {}
    for id_, question in questions.items():
        hits = find(view, question, options, reranker=reranker, sparse=sparse)
        rankings[id_] = documents_of(hits)
    return Run(name, rankings)
