"""Judged collections, asked by people and by their own documents."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
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
from nearfield.types import Document, Section, SectionKind

__all__ = ["DEVELOPMENT", "FEWEST", "HUMAN", "SETS", "Asked", "Condition", "conditions"]

HUMAN = "human"
SETS = ("scifact", "cisi", "cranfield", "squad2-dev-half", "chunking-eval")
DEVELOPMENT = {"scifact", "cisi"}
"""Sets that the kinds and filters of questions were looked at on; the others are the test."""

FEWEST = 20
"""Questions below which a kind is left out: they would rank by luck."""

_SEED = 17
_WIKI_HEADING = re.compile(r"^ ?(?P<marks>=(?: =)*) (?P<title>[^=\n]+?) =(?: =)* ?$", re.M)

Judged = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is asked.

    Attributes
    ----------
    count : int
        Questions of each kind.
    seed : int
    documents : int or None
        Most documents of a collection; None keeps all.
    generator : Generator or None
        Writes questions of the kind ``generated``.
    generated : int
        So many: each takes a small model seconds.
    """

    count: int = 200
    seed: int = 0
    documents: int | None = None
    generator: Generator | None = None
    generated: int = 40


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


def conditions(data: Path | None, name: str, asked: Asked) -> Iterator[Condition]:
    """People's questions about a collection, then those of each kind that it can ask itself."""
    documents, queries, judged = _collection(data, name)
    chance = np.random.default_rng(_SEED)
    places = sorted(chance.permutation(len(queries))[: asked.count].tolist())
    ids = [list(queries)[place] for place in places]
    if asked.documents is not None and asked.documents < len(documents):
        documents, judged = _part(documents, {id_: judged[id_] for id_ in ids}, asked.documents)
        ids = list(judged)
    yield Condition(
        name,
        HUMAN,
        {id_: whole_text(document) for id_, document in documents.items()},
        {id_: queries[id_] for id_ in ids},
        {id_: judged[id_] for id_ in ids},
        {},
    )
    # Each kind alone, and the mixture that is made where nobody says anything else.
    chosen: list[Kind | None] = [kind for kind in Kind if kind is not Kind.GENERATED]
    if asked.generator is not None:
        chosen.append(Kind.GENERATED)
    for kind in [*chosen, None]:
        condition = _of_its_own(name, documents, kind, asked)
        if condition is not None and len(condition.queries) >= FEWEST:
            yield condition


def _of_its_own(
    name: str, documents: Mapping[str, Document], kind: Kind | None, asked: Asked
) -> Condition | None:
    """Questions of one kind, or the usual mixture; None for a collection that gives none."""
    written = kind is Kind.GENERATED
    try:
        made = generate(
            documents,
            count=asked.generated if written else asked.count,
            seed=asked.seed,
            kinds=None if kind is None else [kind],
            generator=asked.generator if written else None,
        )
    except InputError:  # a collection without titles or headings
        return None
    return Condition(
        name,
        "all" if kind is None else kind.value,
        {id_: whole_text(document) for id_, document in made.task.documents.items()},
        made.task.queries,
        made.task.qrels,
        {reason.value: number for reason, number in made.rejected.items()},
    )


def _part(
    documents: Mapping[str, Document], judged: Judged, most: int
) -> tuple[dict[str, Document], dict[str, dict[str, int]]]:
    """Fewer documents, with the judgements of these: one answer of each question, others by chance.

    Questions that keep no answer are left out.
    """
    chance = np.random.default_rng(_SEED)
    kept: dict[str, None] = {}
    for grades in judged.values():
        answers = [id_ for id_, grade in grades.items() if grade > 0 and id_ in documents]
        if answers and len(kept) < most:
            kept[answers[int(chance.integers(len(answers)))]] = None
    ids = list(documents)
    for place in chance.permutation(len(ids)).tolist():
        if len(kept) >= most:
            break
        kept[ids[place]] = None
    fewer = {
        query: {id_: grade for id_, grade in grades.items() if id_ in kept}
        for query, grades in judged.items()
    }
    answered = {query: grades for query, grades in fewer.items() if max(grades.values(), default=0)}
    return {id_: each for id_, each in documents.items() if id_ in kept}, answered


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
            documents[chunk.id] = Document(chunk.id, chunk.text, sections=_headings(chunk.text))
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


def _headings(text: str) -> tuple[Section, ...]:
    """Sections below the headings that stand in a passage, as Wikipedia's text marks them."""
    found = [
        (match.start(), match["marks"].count("="), match["title"])
        for match in _WIKI_HEADING.finditer(text)
    ]
    ends = [
        next((start for start, level, _ in found[place + 1 :] if level <= own), len(text))
        for place, (_, own, _) in enumerate(found)
    ]
    return tuple(
        Section(start, end, SectionKind.HEADING, title, level)
        for (start, level, title), end in zip(found, ends, strict=True)
    )


def _records(folder: Path) -> Iterator[dict[str, object]]:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
