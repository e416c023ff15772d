"""Judged collections, and what they are like once stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.harness import DataMissing
from nearfield.evaluation.metrics import Measure
from nearfield.evaluation.retrieval import questions_of, search_run
from nearfield.evaluation.tasks import RetrievalTask
from nearfield.evaluation.tasks.beir import load_beir
from nearfield.evaluation.tasks.retrieval import whole_text
from nearfield.protocols import Encoder, Reranker
from nearfield.search.options import SearchOptions
from nearfield.search.pipeline import Question
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk, FloatArray, Role

__all__ = ["Stored", "read", "stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A collection in a store, with its questions embedded.

    Attributes
    ----------
    store : LocalStore
    questions : dict of str to Question
        By id.
    task : RetrievalTask
    """

    store: LocalStore
    questions: dict[str, Question]
    task: RetrievalTask

    def asked(self, task: RetrievalTask, encoder: Encoder) -> Stored:
        """The same documents with the questions of another split."""
        return Stored(self.store, questions_of(task.queries, encoder), task)

    def ndcg(
        self, options: SearchOptions, reranker: Reranker | None = None, most: int | None = None
    ) -> npt.NDArray[np.float64]:
        """nDCG@10 of each question, in order; of the first `most` ones."""
        questions = dict(list(self.questions.items())[:most])
        with self.store.view() as view:
            run = search_run("run", view, questions, options, reranker=reranker)
        qrels = {id_: self.task.qrels[id_] for id_ in questions}
        return Measure.of("ndcg@10").scores(run, qrels)


def read(data: Path | None, name: str, split: str = "test") -> RetrievalTask:
    """A collection of ``corpus.jsonl.gz``, ``queries.jsonl`` and ``qrels/<split>.tsv``.

    Documents without any text, and questions without a relevant document, are left out.

    Raises
    ------
    DataMissing
        `data` does not hold it.
    """
    if data is None or not (data / name / "qrels" / f"{split}.tsv").is_file():
        raise DataMissing(f"needs {name}: --data FOLDER, where FOLDER/{name}/qrels/{split}.tsv is")
    return load_beir(data / name, split)


@contextmanager
def stored(task: RetrievalTask, encoder: Encoder, folder: Path) -> Iterator[Stored]:
    """Embed and store a collection; the store is open as long as the context."""
    texts = {id_: whole_text(document) for id_, document in task.documents.items()}
    chunks = [Chunk(id_, id_, text, 0, len(text)) for id_, text in texts.items()]
    vectors = _encoded(encoder, [chunk.text for chunk in chunks], Role.DOCUMENT)
    with LocalStore.create(folder, dimension=vectors.shape[1]) as store:
        store.add(chunks, vectors)
    with LocalStore.open(folder) as store:
        yield Stored(store, questions_of(task.queries, encoder), task)


def _encoded(encoder: Encoder, texts: list[str], role: Role) -> FloatArray:
    # Being cut at the model's limit is no reason to warn: every published figure is cut as well.
    return encoder.encode(texts, role=role, observe=lambda _report: None)
