"""Judged collections, asked by people and by their own documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness import DataMissing
from benchmarks.retrieval.tasks import read
from nearfield.documents.chunkers import make
from nearfield.documents.chunkers.settings import DEFAULT_CHARACTERS
from nearfield.errors import InputError
from nearfield.evaluation.tasks.retrieval import whole_text
from nearfield.protocols import Generator
from nearfield.selection.queries import Kind, generate
from nearfield.types import Document

__all__ = ["DEVELOPMENT", "HUMAN", "SETS", "Condition", "conditions"]

HUMAN = "human"
SETS = ("scifact", "cisi", "cranfield", "squad2-dev-half", "chunking-eval")
DEVELOPMENT = {"scifact", "cisi"}
"""Sets that the kinds and filters of questions were looked at on; the others are the test."""

_SEED = 17


@dataclass(frozen=True, slots=True)
class Condition:
    """Documents and questions of one kind.

    Attributes
    ----------
    collection, kind : str
    documents, queries : mapping of str to str
        Text by id.
    judged : mapping of str to mapping of str to int
    rejected : mapping of str to int
        Drafts that were left out, by reason.
    """

    collection: str
    kind: str
    documents: Mapping[str, str]
    queries: Mapping[str, str]
    judged: Mapping[str, Mapping[str, int]]
    rejected: Mapping[str, int]


def conditions(
    data: Path | None, name: str, count: int, seed: int, generator: Generator | None = None
) -> Iterator[Condition]:
    """People's questions about a collection, then those of each kind that it can ask itself."""
    documents, queries, judged = _collection(data, name)
    chance = np.random.default_rng(_SEED)
    asked = sorted(chance.permutation(len(queries))[:count].tolist())
    ids = [list(queries)[place] for place in asked]
    yield Condition(
        name,
        HUMAN,
        {id_: whole_text(document) for id_, document in documents.items()},
        {id_: queries[id_] for id_ in ids},
        {id_: judged[id_] for id_ in ids},
        {},
    )
    # Each kind alone, and the mixture that is made where nobody says anything else.
    choices: list[Sequence[Kind] | None] = [[kind] for kind in Kind if kind is not Kind.GENERATED]
    if generator is not None:
        choices.append([Kind.GENERATED])
    for chosen in [*choices, None]:
        try:
            made = generate(documents, count=count, seed=seed, kinds=chosen, generator=generator)
        except InputError:  # a collection without titles or headings
            continue
        yield Condition(
            name,
            "all" if chosen is None else chosen[0].value,
            {id_: whole_text(document) for id_, document in made.task.documents.items()},
            made.task.queries,
            made.task.qrels,
            {reason.value: number for reason, number in made.rejected.items()},
        )


def _collection(
    data: Path | None, name: str
) -> tuple[dict[str, Document], Mapping[str, str], Mapping[str, Mapping[str, int]]]:
    if name == "chunking-eval":
        return _passages(data, name)
    task = read(data, name)
    assert data is not None
    documents = {}
    for record in _records(data / name):
        id_ = str(record["_id"])
        if id_ in task.documents:
            title = str(record.get("title") or "")
            documents[id_] = Document(id_, str(record["text"]), title=title)
    return documents, task.queries, task.qrels


def _passages(
    data: Path | None, name: str
) -> tuple[dict[str, Document], dict[str, str], dict[str, dict[str, int]]]:
    """Five long documents as passages; one is relevant where it holds an excerpt or half of it."""
    if data is None or not (data / name / "corpus.jsonl.gz").is_file():
        raise DataMissing(f"needs {name}: --data FOLDER, where FOLDER/{name}/corpus.jsonl.gz is")
    chunker = make("recursive", size=DEFAULT_CHARACTERS)
    documents: dict[str, Document] = {}
    places: dict[str, list[tuple[int, int, str]]] = {}
    for record in _records(data / name):
        whole = Document(str(record["_id"]), str(record["text"]))
        for chunk in chunker.chunk(whole):
            documents[chunk.id] = Document(chunk.id, chunk.text)
            places.setdefault(whole.id, []).append((chunk.start, chunk.end, chunk.id))
    queries, judged = {}, {}
    with (data / name / "queries.jsonl").open(encoding="utf-8") as lines:
        for each in map(json.loads, lines):
            found = {
                id_: 1
                for reference in each["metadata"]["references"]
                for start, end, id_ in places[each["metadata"]["corpus"]]
                if 2 * (min(end, reference["end_index"]) - max(start, reference["start_index"]))
                >= reference["end_index"] - reference["start_index"]
            }
            if found:
                queries[str(each["_id"])] = str(each["text"])
                judged[str(each["_id"])] = found
    return documents, queries, judged


def _records(folder: Path) -> Iterator[dict[str, object]]:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
