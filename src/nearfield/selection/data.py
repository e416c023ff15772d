"""What an experiment runs on: documents, questions, and what answers them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nearfield.documents.readers import read
from nearfield.documents.walk import FoundFile, WalkOptions, walk
from nearfield.errors import InputError
from nearfield.evaluation import tasks
from nearfield.evaluation.tasks import Qrels, RetrievalTask
from nearfield.selection import queries as question_making
from nearfield.selection.asked import read_questions
from nearfield.selection.queries import Span
from nearfield.types import Document, Problem, Word

__all__ = ["Data", "Labels", "Source", "load_source"]


class Labels(Word):
    """Where the answers come from.

    ``judged`` by people, as in a test collection; ``given`` with a person's questions; ``made`` of
    the documents themselves.
    """

    JUDGED = "judged"
    GIVEN = "given"
    MADE = "made"


@dataclass(frozen=True, slots=True)
class Data:
    """Documents and questions of one experiment.

    Attributes
    ----------
    name : str
    documents : mapping of str to Document
        By id; where questions are made, what they ask is taken out.
    queries : mapping of str to str
        By id, in a random order that the seed decides.
    qrels : mapping of str to mapping of str to int
    spans : mapping of str to Span
        Where answers stand, for the questions where that is known.
    labels : Labels
    of : int
        Documents that there are; fewer in `documents` are a sample.
    problems : tuple of Problem
    note : str
        How the questions came to be, in a sentence.
    digest : str
        SHA-256 over documents, questions and judgements.
    """

    name: str
    documents: Mapping[str, Document]
    queries: Mapping[str, str]
    qrels: Qrels
    spans: Mapping[str, Span]
    labels: Labels
    of: int
    problems: tuple[Problem, ...] = ()
    note: str = ""
    digest: str = ""

    @property
    def is_sample(self) -> bool:
        """Whether documents were left out."""
        return len(self.documents) < self.of


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that was read, before a sample is drawn and questions are made.

    Attributes
    ----------
    name : str
    documents : mapping of str to Document
    task : RetrievalTask or None
        With questions, where there are any.
    labels : Labels
    problems : tuple of Problem
    """

    name: str
    documents: Mapping[str, Document]
    task: RetrievalTask | None
    labels: Labels
    problems: tuple[Problem, ...] = ()

    @property
    def needed(self) -> int:
        """Documents that no sample leaves out: those that answer a question."""
        return len(_relevant(self.task, self.documents)) if self.task else 0

    def prepare(self, *, sample: int | None = None, count: int = 300, seed: int = 0) -> Data:
        """Draw a sample, make questions where there are none, and put them in a random order.

        Parameters
        ----------
        sample : int, optional
            Documents to keep; all by default. Documents that answer a question always stay.
        count : int
            Most questions to make.
        seed : int

        Raises
        ------
        InputError
            No question could be made.
        """
        documents = self._sampled(sample, seed)
        spans: Mapping[str, Span] = {}
        if self.task is None:
            made = question_making.generate(documents, count=count, seed=seed)
            task, spans, note = made.task, made.spans, made.summary()
            documents = task.documents
        else:
            task, note = self.task, _note(self.labels, self.task)
        order = list(task.queries)
        np.random.default_rng(seed).shuffle(order)
        return Data(
            name=self.name,
            documents=documents,
            queries={id_: task.queries[id_] for id_ in order},
            qrels={id_: task.qrels[id_] for id_ in order},
            spans=spans,
            labels=self.labels,
            of=len(self.documents),
            problems=self.problems,
            note=note,
            digest=replace(task, documents=documents).digest(),
        )

    def _sampled(self, sample: int | None, seed: int) -> Mapping[str, Document]:
        if sample is None or sample >= len(self.documents):
            return self.documents
        kept = _relevant(self.task, self.documents) if self.task else set()
        others = [id_ for id_ in self.documents if id_ not in kept]
        chance = np.random.default_rng(seed)
        more = chance.choice(len(others), size=max(0, min(sample - len(kept), len(others))),
                             replace=False)  # fmt: skip
        kept |= {others[place] for place in more.tolist()}
        return {id_: document for id_, document in self.documents.items() if id_ in kept}

    @property
    def digest(self) -> str:
        """SHA-256 over everything that was read."""
        if self.task is not None:
            return self.task.digest()
        found = hashlib.sha256()
        for id_, document in self.documents.items():
            for text in (id_, document.title, document.text):
                found.update(text.encode("utf-8", "surrogatepass") + b"\0")
        return found.hexdigest()


def load_source(
    folder: Path,
    *,
    questions: Path | None = None,
    split: str | None = None,
    walking: WalkOptions | None = None,
) -> Source:
    """Read a folder of files, or a judged collection in the layout of BEIR.

    Parameters
    ----------
    folder : Path
        With ``corpus.jsonl``, ``queries.jsonl`` and ``qrels`` it is a judged collection; otherwise
        its files are read as ``nearfield index`` reads them.
    questions : Path, optional
        A file of questions with the documents that answer them (see
        :func:`nearfield.selection.asked.read_questions`), or a judged collection to use instead.
    split : str, optional
        Of a judged collection.
    walking : WalkOptions, optional
        Which files count.

    Raises
    ------
    InputError, ReadError
        There is nothing to read, or questions and documents do not fit together.
    """
    if not folder.exists():
        raise InputError(f"{folder} does not exist: name a folder of files")
    judged = questions if questions is not None and questions.is_dir() else folder
    if judged.is_dir() and _is_judged(judged) and (questions is None or questions.is_dir()):
        task = tasks.load(judged, split=split)
        if not isinstance(task, RetrievalTask):
            raise InputError(
                f"{judged} holds a task of another kind: expected questions and judgements"
            )
        documents = {id_: each for id_, each in task.documents.items() if each.text.strip()}
        return Source(task.name, documents, task, Labels.JUDGED, task.problems)
    if questions is not None and questions.is_dir():
        raise InputError(f"{questions} is no judged collection: it lacks corpus, queries or qrels")
    documents, problems = _read(folder, walking)
    if not documents:
        raise InputError(f"{folder} holds no document that can be read ({len(problems)} problems)")
    if questions is None:
        return Source(folder.resolve().name, documents, None, Labels.MADE, tuple(problems))
    task = read_questions(questions, documents, folder.resolve())
    return Source(folder.resolve().name, documents, task, Labels.GIVEN, (*problems, *task.problems))


def _is_judged(folder: Path) -> bool:
    def there(name: str) -> bool:
        return any((folder / f"{name}{ending}").is_file() for ending in ("", ".gz"))

    return there("corpus.jsonl") and there("queries.jsonl")


def _read(folder: Path, walking: WalkOptions | None) -> tuple[dict[str, Document], list[Problem]]:
    documents: dict[str, Document] = {}
    problems: list[Problem] = []
    for item in _items(folder, walking):
        if isinstance(item, Problem):
            problems.append(item)
        elif item.id in documents:
            problems.append(Problem(item.id, "another document has this id; the first counts"))
        else:
            documents[item.id] = item
    return documents, problems


def _items(folder: Path, walking: WalkOptions | None) -> Iterator[Document | Problem]:
    for found in walk(folder.resolve(), options=walking):
        if isinstance(found, FoundFile):
            yield from read(found.path)
        else:
            yield found


def _relevant(task: RetrievalTask, documents: Mapping[str, Document]) -> set[str]:
    return {id_ for query in task.queries for id_ in task.relevant(query) if id_ in documents}


def _note(labels: Labels, task: RetrievalTask) -> str:
    said = "judged by people" if labels is Labels.JUDGED else "of your own"
    judged = sum(len(task.relevant(query)) for query in task.queries)
    return f"{len(task.queries):,} questions {said}, {judged:,} answers ({task.split})"
