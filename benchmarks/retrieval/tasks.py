"""Judged collections, and what they are like once stored."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data import RetrievalTask
from benchmarks.harness import DataMissing
from benchmarks.metrics import ndcg
from nearfield.protocols import Encoder, Reranker
from nearfield.search.options import SearchOptions
from nearfield.search.pipeline import Question, find
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
        return Stored(self.store, _questions(task, encoder), task)

    def ndcg(
        self, options: SearchOptions, reranker: Reranker | None = None, most: int | None = None
    ) -> npt.NDArray[np.float64]:
        """nDCG@10 of each question, in order; of the first `most` ones."""
        scores = []
        with self.store.view() as view:
            for id_, question in list(self.questions.items())[:most]:
                hits = find(view, question, options, reranker=reranker)
                scores.append(ndcg([hit.chunk.document_id for hit in hits], self.task.judged[id_]))
        return np.array(scores)


def read(data: Path | None, name: str, split: str = "test") -> RetrievalTask:
    """A collection of ``corpus.jsonl.gz``, ``queries.jsonl`` and ``qrels/<split>.tsv``.

    Documents are ``title + " " + text``; those without any text, and questions without a relevant
    document, are left out.

    Raises
    ------
    DataMissing
        `data` does not hold it.
    """
    if data is None or not (data / name / "qrels" / f"{split}.tsv").is_file():
        raise DataMissing(f"needs {name}: --data FOLDER, where FOLDER/{name}/qrels/{split}.tsv is")
    folder = data / name
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    documents = {
        str(record["_id"]): f"{record.get('title') or ''} {record['text']}".strip()
        for record in records
    }
    judged: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            judged.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    judged = {id_: grades for id_, grades in judged.items() if max(grades.values()) > 0}
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        queries = {str(each["_id"]): str(each["text"]) for each in map(json.loads, lines)}
    return RetrievalTask(
        {id_: text for id_, text in documents.items() if text},
        {id_: text for id_, text in queries.items() if id_ in judged},
        judged,
    )


@contextmanager
def stored(task: RetrievalTask, encoder: Encoder, folder: Path) -> Iterator[Stored]:
    """Embed and store a collection; the store is open as long as the context."""
    chunks = [Chunk(id_, id_, text, 0, len(text)) for id_, text in task.documents.items()]
    vectors = _encoded(encoder, [chunk.text for chunk in chunks], Role.DOCUMENT)
    with LocalStore.create(folder, dimension=vectors.shape[1]) as store:
        store.add(chunks, vectors)
    with LocalStore.open(folder) as store:
        yield Stored(store, _questions(task, encoder), task)


def _questions(task: RetrievalTask, encoder: Encoder) -> dict[str, Question]:
    vectors = _encoded(encoder, list(task.queries.values()), Role.QUERY)
    return {
        id_: Question(text, vector)
        for (id_, text), vector in zip(task.queries.items(), vectors, strict=True)
    }


def _encoded(encoder: Encoder, texts: list[str], role: Role) -> FloatArray:
    # Being cut at the model's limit is no reason to warn: every published figure is cut as well.
    return encoder.encode(texts, role=role, observe=lambda _report: None)
