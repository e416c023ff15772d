"""Tasks of the MTEB catalogue as tasks of this library, with intervals and single values.

Data come from wherever the task has them: in memory, in the cache of ``datasets``, or from the hub
where one can be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nearfield.errors import InputError, MissingExtra, UnsupportedOperation
from nearfield.evaluation.tasks.beir import assemble
from nearfield.evaluation.tasks.bitext import BitextTask
from nearfield.evaluation.tasks.classification import ClassificationTask
from nearfield.evaluation.tasks.clustering import ClusteringTask
from nearfield.evaluation.tasks.pairs import PairTask
from nearfield.evaluation.tasks.reranking import RerankingTask
from nearfield.evaluation.tasks.splits import choose_split
from nearfield.evaluation.tasks.sts import StsTask
from nearfield.evaluation.tasks.summarisation import SummarisationTask
from nearfield.evaluation.tasks.task import Task
from nearfield.types import Document

__all__ = ["from_mteb", "named"]


def named(name: str, split: str | None = None) -> Task:
    """The task of that name in MTEB's catalogue, such as ``STSBenchmark``.

    Raises
    ------
    MissingExtra
        ``nearfield[mteb]`` is not installed.
    InputError
        There is no such task, or its data cannot be had.
    """
    try:
        import mteb
    except ImportError as error:
        raise MissingExtra("tasks of MTEB", "mteb") from error
    try:
        task = mteb.get_task(name)
    except KeyError as error:
        raise InputError(f"MTEB has no task {name!r}: {error.args[0]}") from None
    return from_mteb(task, split)


def from_mteb(task: Any, split: str | None = None, subset: str | None = None) -> Task:  # noqa: ANN401
    """Take over the data of an MTEB task.

    Parameters
    ----------
    task : mteb.AbsTask
    split : str, optional
        ``test`` where there is one.
    subset : str, optional
        Language or part, where a task has several.

    Raises
    ------
    InputError
        The data cannot be loaded, or there is no such split or subset.
    UnsupportedOperation
        The task is of a kind that is not measured here; ``mteb.evaluate`` measures it with
        :class:`nearfield.integrations.mteb.MtebEncoder`.
    """
    metadata = task.metadata
    make = _MAKERS.get(metadata.type)
    if make is None:
        raise UnsupportedOperation(
            f"{metadata.name} is a task of type {metadata.type}, which is not measured here; "
            "measure it with mteb.evaluate(MtebEncoder(model), task)"
        )
    if not task.data_loaded:
        try:
            task.load_data()
        except Exception as error:
            raise InputError(
                f"the data of {metadata.name} cannot be had: {type(error).__name__}: "
                f"{str(error).splitlines()[0] if str(error) else ''}. MTEB fetches them from the "
                "hub; read local files with a folder or a file in place of the name"
            ) from error
    if hasattr(task, "convert_v1_dataset_format_to_v2"):
        task.convert_v1_dataset_format_to_v2(num_proc=None)
    splits = _subset(task.dataset, list(metadata.eval_splits), subset, metadata.name)
    chosen = choose_split(
        [each for each in splits if each in metadata.eval_splits], split, metadata.name
    )
    return make(metadata.name, splits, chosen, task)


def _subset(
    dataset: Mapping[str, Any], eval_splits: list[str], subset: str | None, name: str
) -> Mapping[str, Any]:
    """The splits of the part that is asked for, or of the only one."""
    if any(each in dataset for each in eval_splits):
        return dataset
    if subset is None and len(dataset) == 1:
        (only,) = dataset.values()
        found: Mapping[str, Any] = only
        return found
    if subset is None and "default" in dataset:
        subset = "default"
    if subset is None or subset not in dataset:
        known = ", ".join(list(dataset)[:12])
        raise InputError(f"{name} has no part {subset!r}: choose one of {known}")
    chosen: Mapping[str, Any] = dataset[subset]
    return chosen


def _retrieval(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    data = splits[split]
    documents = {
        str(row["id"]): Document(str(row["id"]), row["text"], title=row.get("title") or "")
        for row in data["corpus"]
    }
    queries = {str(row["id"]): row["text"] for row in data["queries"]}
    qrels = {
        str(q): {str(d): int(g) for d, g in e.items()} for q, e in data["relevant_docs"].items()
    }
    whole = assemble(name, documents, queries, qrels, split, source=name)
    ranked = data.get("top_ranked")
    if not ranked:
        return whole
    candidates = {
        query: {str(id_): documents[str(id_)].text for id_ in ranked[query]}
        for query in whole.queries
    }
    return RerankingTask(name, whole.queries, candidates, whole.qrels, split, whole.problems)


def _sts(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    left, right = (tuple(splits[split][column]) for column in task.column_names)
    return StsTask(name, left, right, tuple(map(float, splits[split]["score"])), split)


def _pairs(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    data = splits[split]
    columns = [data[c] for c in ("sentence1", "sentence2", task.label_column_name)]
    if len(columns[0]) == 1 and isinstance(columns[0][0], list):  # one row that holds everything
        columns = [column[0] for column in columns]
    left, right, labels = columns
    return PairTask(name, tuple(left), tuple(right), tuple(map(bool, labels)), split)


def _classification(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    train, test = splits[task.train_split], splits[split]
    text, label = task.input_column_name, task.label_column_name
    return ClassificationTask(
        name,
        tuple(train[text]),
        tuple(map(str, train[label])),
        tuple(test[text]),
        tuple(map(str, test[label])),
        split,
    )


def _clustering(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    texts = splits[split][task.input_column_name]
    labels = splits[split][task.label_column_name]
    if texts and isinstance(texts[0], list):
        raise UnsupportedOperation(
            f"{name} clusters several sets of texts, each on its own: measure it with mteb.evaluate"
        )
    flat = [str(each[0] if isinstance(each, list) else each) for each in labels]
    return ClusteringTask(name, tuple(texts), tuple(flat), split)


def _bitext(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    data = splits[split]
    return BitextTask(name, tuple(data["sentence1"]), tuple(data["sentence2"]), split)


def _summarisation(name: str, splits: Mapping[str, Any], split: str, task: Any) -> Task:  # noqa: ANN401
    data = splits[split]
    human, machine = (
        tuple(tuple(each) for each in data[column])
        for column in ("human_summaries", "machine_summaries")
    )
    scores = tuple(tuple(map(float, each)) for each in data["relevance"])
    return SummarisationTask(name, human, machine, scores, split)


_MAKERS: dict[str, Callable[[str, Mapping[str, Any], str, Any], Task]] = {
    "Retrieval": _retrieval,
    "Reranking": _retrieval,
    "STS": _sts,
    "PairClassification": _pairs,
    "Classification": _classification,
    "Clustering": _clustering,
    "BitextMining": _bitext,
    "Summarization": _summarisation,
}
