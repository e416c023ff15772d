"""Tasks in tables: the names of the columns say what it is.

=============================================  =====================================
columns                                        task
=============================================  =====================================
``sentence1``, ``sentence2``, ``score``        STS
``sentence1``, ``sentence2``, ``label`` (0, 1)  pair classification
``source``, ``target``                         bitext mining; also two sentences alone
``text``, ``label``                            classification with a part to train on,
                                               clustering without
``query``, ``positive``, ``negative``          reranking (JSONL: lists of texts)
``human_summaries``, ``machine_summaries``,    summarisation (JSONL: lists)
``relevance``
=============================================  =====================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nearfield.errors import InputError, ReadError
from nearfield.evaluation.tasks.bitext import BitextTask
from nearfield.evaluation.tasks.classification import ClassificationTask
from nearfield.evaluation.tasks.clustering import ClusteringTask
from nearfield.evaluation.tasks.files import Record, records_of
from nearfield.evaluation.tasks.pairs import PairTask
from nearfield.evaluation.tasks.reranking import RerankingTask
from nearfield.evaluation.tasks.sts import StsTask
from nearfield.evaluation.tasks.summarisation import SummarisationTask
from nearfield.evaluation.tasks.task import Task, TaskKind
from nearfield.types import Problem

__all__ = ["kind_of", "load_table"]

_TRUE = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_LEFT, _RIGHT = ("sentence1", "text1", "sent1"), ("sentence2", "text2", "sent2")
_TEXT, _LABEL = ("text", "sentence", "sentences"), ("label", "labels", "label_text")


def load_table(
    name: str, path: Path, split: str, *, train: Path | None = None, kind: TaskKind | None = None
) -> Task:
    """Make a task of a table, and of a second one to learn from where labels are to be learned.

    Parameters
    ----------
    name : str
    path : Path
    split : str
        What `path` holds.
    train : Path, optional
    kind : TaskKind, optional
        Chosen by the columns where it is not given.

    Raises
    ------
    ReadError
        A row is not what it should be; the message names file and line.
    InputError
        The columns are those of no task, or not of the one that was asked for.
    """
    records = list(records_of(path))
    if not records:
        raise ReadError(f"{path} holds no row")
    found = kind_of(records[0], labelled=train is not None, asked=kind)
    if found is TaskKind.CLASSIFICATION:
        if train is None:
            raise InputError(f"{path} has labels but nothing to learn them from: add train.tsv")
        return _classification(name, list(records_of(train)), records, split)
    return _MAKERS[found](name, records, split)


def kind_of(record: Record, *, labelled: bool, asked: TaskKind | None = None) -> TaskKind:
    """What a table is, by its columns; `labelled` says that there is a part to learn from."""
    kinds = _kinds(set(record.fields), labelled=labelled)
    if asked is not None and asked in kinds:
        return asked
    columns = ", ".join(map(repr, record.fields))
    if asked is not None:
        could = f"they could be {' or '.join(kinds)}" if kinds else "they are those of no task"
        raise InputError(f"{record.path} cannot be {asked} with the columns {columns}: {could}")
    if not kinds:
        raise InputError(
            f"{record.path} has the columns {columns}, which are those of no task. Known are: "
            "text and label; sentence1, sentence2 and score or label; source and target; query, "
            "positive and negative; human_summaries, machine_summaries and relevance"
        )
    return kinds[0]


def _kinds(names: set[str], *, labelled: bool) -> list[TaskKind]:
    kinds: list[TaskKind] = []
    pair = not names.isdisjoint(_LEFT) and not names.isdisjoint(_RIGHT)
    if {"machine_summaries", "human_summaries", "relevance"} <= names:
        kinds.append(TaskKind.SUMMARISATION)
    if {"query", "positive", "negative"} <= names:
        kinds.append(TaskKind.RERANKING)
    if pair and "score" in names:
        kinds.append(TaskKind.STS)
    if pair and not names.isdisjoint(_LABEL):
        kinds.append(TaskKind.PAIRS)
    if {"source", "target"} <= names or pair:
        kinds.append(TaskKind.BITEXT)
    if not pair and not names.isdisjoint(_TEXT) and not names.isdisjoint(_LABEL):
        kinds += [TaskKind.CLASSIFICATION] if labelled else []
        kinds.append(TaskKind.CLUSTERING)
    return kinds


def _sts(name: str, records: Sequence[Record], split: str) -> StsTask:
    left, right = _sides(records)
    scores = tuple(record.number("score") for record in records)
    if len(set(scores)) < 2:
        raise InputError(f"{records[0].path}: all scores are equal, so there is no order to find")
    return StsTask(name, left, right, scores, split, _blank(records, [*left, *right]))


def _pairs(name: str, records: Sequence[Record], split: str) -> PairTask:
    labels = []
    for record in records:
        value = next((record.fields[n] for n in _LABEL if n in record.fields), None)
        text = str(value).strip().lower()
        if text not in _TRUE:
            raise record.error(f"the label of a pair is {value!r}: expected 0 or 1")
        labels.append(_TRUE[text])
    if len(set(labels)) < 2:
        raise InputError(f"{records[0].path}: all labels are equal, so there is nothing to tell")
    left, right = _sides(records)
    return PairTask(name, left, right, tuple(labels), split, _blank(records, [*left, *right]))


def _bitext(name: str, records: Sequence[Record], split: str) -> BitextTask:
    sources = tuple(record.text("source", *_LEFT) for record in records)
    targets = tuple(record.text("target", *_RIGHT) for record in records)
    return BitextTask(name, sources, targets, split, _blank(records, [*sources, *targets]))


def _clustering(name: str, records: Sequence[Record], split: str) -> ClusteringTask:
    texts, labels = _labelled(records)
    if len(set(labels)) < 2:
        raise InputError(f"{records[0].path}: all labels are equal, so there are no groups to find")
    return ClusteringTask(name, texts, labels, split, _blank(records, texts))


def _classification(
    name: str, train: Sequence[Record], test: Sequence[Record], split: str
) -> ClassificationTask:
    train_texts, train_labels = _labelled(train)
    texts, labels = _labelled(test)
    if len(set(train_labels)) < 2:
        raise InputError(f"{train[0].path if train else name}: there is only one label to learn")
    problems = [*_blank(train, train_texts), *_blank(test, texts)]
    place = str(test[0].path)
    unknown = [label for label in labels if label not in set(train_labels)]
    if unknown:
        problems.append(Problem(
            place, f"{len(unknown):,} of {len(labels):,} texts have a label that train does not "
            f"have, such as {unknown[0]!r}; they count as wrong"
        ))  # fmt: skip
    known = len(set(train_texts) & set(texts))
    if known:
        problems.append(Problem(place, f"{known:,} texts stand in train as well"))
    return ClassificationTask(
        name, train_texts, train_labels, texts, labels, split, tuple(problems)
    )


def _reranking(name: str, records: Sequence[Record], split: str) -> RerankingTask:
    queries, candidates, qrels = {}, {}, {}
    fruitless = 0
    for record in records:
        id_ = str(record.fields.get("_id", record.fields.get("id", f"q{record.line}")))
        if id_ in queries:
            raise record.error(f"the id {id_!r} stands for an earlier query")
        positive, negative = record.texts("positive"), record.texts("negative")
        if not positive:
            fruitless += 1
            continue
        found = {f"p{n}": text for n, text in enumerate(positive)}
        queries[id_] = record.text("query")
        qrels[id_] = dict.fromkeys(found, 1)
        candidates[id_] = found | {f"n{n}": text for n, text in enumerate(negative)}
    problems = []
    if fruitless:
        told = f"{fruitless:,} queries without a positive text are left out"
        problems.append(Problem(str(records[0].path), told))
    if not queries:
        raise InputError(f"{records[0].path}: no query has a positive text")
    return RerankingTask(name, queries, candidates, qrels, split, tuple(problems))


def _summarisation(name: str, records: Sequence[Record], split: str) -> SummarisationTask:
    human, machine, scores = [], [], []
    for record in records:
        theirs, ours = record.texts("human_summaries"), record.texts("machine_summaries")
        given = record.fields["relevance"]
        if not isinstance(given, list) or len(given) != len(ours):
            raise record.error(f"has {len(ours)} summaries by machines and not as many scores")
        if not theirs or len(ours) < 2:
            raise record.error("needs a summary by a person and two by machines")
        human.append(tuple(theirs))
        machine.append(tuple(ours))
        scores.append(tuple(float(score) for score in given))
    return SummarisationTask(name, tuple(human), tuple(machine), tuple(scores), split)


def _sides(records: Sequence[Record]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    left = tuple(record.text(*_LEFT) for record in records)
    return left, tuple(record.text(*_RIGHT) for record in records)


def _labelled(records: Sequence[Record]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    labels = []
    for record in records:
        label = record.text(*_LABEL).strip()
        if not label:
            raise record.error("has no label")
        labels.append(label)
    return tuple(record.text(*_TEXT) for record in records), tuple(labels)


def _blank(records: Sequence[Record], texts: Sequence[str]) -> tuple[Problem, ...]:
    blank = sum(not text.strip() for text in texts)
    told = f"{blank:,} texts are blank; they are encoded as they are"
    return (Problem(str(records[0].path), told),) if blank else ()


_MAKERS: dict[TaskKind, Callable[[str, Sequence[Record], str], Task]] = {
    TaskKind.STS: _sts,
    TaskKind.PAIRS: _pairs,
    TaskKind.BITEXT: _bitext,
    TaskKind.CLUSTERING: _clustering,
    TaskKind.RERANKING: _reranking,
    TaskKind.SUMMARISATION: _summarisation,
}
