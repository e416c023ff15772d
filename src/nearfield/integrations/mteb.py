"""Nearfield inside MTEB: its encoders as models, its tasks as tasks.

::

    import mteb
    from nearfield.integrations.mteb import MtebEncoder

    mteb.evaluate(MtebEncoder("all-MiniLM-L6-v2"), mteb.get_tasks(tasks=["SciFact"]))

References
----------
``mteb.models.models_protocols.EncoderProtocol``. Muennighoff et al., "MTEB: Massive text embedding
benchmark", 2023.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.errors import MissingExtra, UnsupportedOperation
from nearfield.evaluation.tasks import ClassificationTask, RetrievalTask, StsTask, Task
from nearfield.metric import Metric, pairwise
from nearfield.models.precision import AUTO
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["MtebEncoder", "as_mteb"]


class MtebEncoder:
    """An encoder as ``mteb.evaluate`` takes it.

    Prompts go by role: what MTEB calls a query is encoded as one, everything else as a document.
    MTEB's own instructions for tasks are not applied, because a model's card says which it knows.

    Parameters
    ----------
    encoder : Encoder or str
        A model or its name.
    revision, device : optional
        As MTEB passes them; the model's fingerprint is the revision, and the device is chosen by
        the runtime.
    precision : str
        Class to load a model in that is given by name.

    Attributes
    ----------
    truncated : int
        Texts that were cut at the model's limit so far.
    """

    def __init__(
        self,
        encoder: Encoder | str,
        revision: str | None = None,
        *,
        device: str | None = None,
        precision: str = AUTO,
    ) -> None:
        self._encoder = load(encoder, precision=precision) if isinstance(encoder, str) else encoder
        self.truncated = 0

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: object,
        hf_split: str,
        hf_subset: str,
        prompt_type: object = None,
        **kwargs: object,
    ) -> FloatArray:
        """Vectors of batches of texts, shape (n, dimension); MTEB's protocol."""
        texts = [text for batch in inputs for text in batch["text"]]
        asked = getattr(prompt_type, "value", prompt_type)
        role = Role.QUERY if asked == "query" else Role.DOCUMENT

        def observe(report: BatchReport) -> None:
            self.truncated += len(report.truncated)

        return self._encoder.encode(texts, role=role, observe=observe)

    def similarity(self, embeddings1: npt.ArrayLike, embeddings2: npt.ArrayLike) -> FloatArray:
        """Cosine of every row of one with every row of the other."""
        return pairwise(_rows(embeddings1), _rows(embeddings2), Metric.COSINE)

    def similarity_pairwise(
        self, embeddings1: npt.ArrayLike, embeddings2: npt.ArrayLike
    ) -> npt.NDArray[np.float64]:
        """Cosine of each pair of rows."""
        from nearfield.evaluation.measuring.sts import cosines

        return cosines(_rows(embeddings1), _rows(embeddings2))

    @property
    def mteb_model_meta(self) -> Any:  # noqa: ANN401  a class of an optional package
        """What MTEB files results under: ``nearfield/<name>``, with the fingerprint as revision."""
        meta = _mteb("mteb.models.model_meta")
        card = self._encoder.card
        return meta.ModelMeta(
            loader=None,
            name=f"nearfield/{card.name}",
            revision=card.fingerprint[:40],
            release_date=None,
            languages=None,
            n_parameters=card.parameters or None,
            memory_usage_mb=round(card.size_bytes / 2**20, 1) if card.size_bytes else None,
            max_tokens=card.max_tokens,
            embed_dim=card.dimension,
            license=None,
            open_weights=None,
            public_training_code=None,
            public_training_data=None,
            framework=["ONNX"],
            similarity_fn_name=meta.ScoringFunction.COSINE,
            use_instructions=bool(card.prompts),
            training_datasets=None,
        )


def as_mteb(task: Task, name: str | None = None) -> Any:  # noqa: ANN401
    """A task of Nearfield as one of MTEB, with its data in memory.

    Parameters
    ----------
    task : Task
        Retrieval, STS or classification.
    name : str, optional
        Name for MTEB's results; the task's own by default.

    Returns
    -------
    mteb.AbsTask

    Raises
    ------
    MissingExtra
        ``nearfield[mteb]`` is not installed.
    UnsupportedOperation
        The task is of another kind.
    """
    if isinstance(task, RetrievalTask):
        return _retrieval(task, name or task.name)
    if isinstance(task, StsTask):
        rows = {"sentence1": task.left, "sentence2": task.right, "score": task.scores}
        made = _made("STS", "mteb.abstasks.sts", "AbsTaskSTS", name or task.name, task.split)
        made.min_score, made.max_score = min(task.scores), max(task.scores)
        made.dataset = {task.split: _dataset(rows)}
        return made
    if isinstance(task, ClassificationTask):
        made = _made(
            "Classification", "mteb.abstasks.classification", "AbsTaskClassification",
            name or task.name, task.split,
        )  # fmt: skip
        number = {label: place for place, label in enumerate(sorted(set(task.train_labels)))}
        made.dataset = _mteb("datasets").DatasetDict(
            {
                split: _dataset(
                    {"text": texts, "label": [number.setdefault(la, len(number)) for la in labels]}
                )
                for split, texts, labels in (
                    ("train", task.train_texts, task.train_labels),
                    (task.split, task.test_texts, task.test_labels),
                )
            }
        )
        return made
    raise UnsupportedOperation(
        f"{task.name} is a task of kind {task.kind}: retrieval, sts and classification can be "
        "given to MTEB"
    )


def _retrieval(task: RetrievalTask, name: str) -> Any:  # noqa: ANN401
    made = _made("Retrieval", "mteb.abstasks.retrieval", "AbsTaskRetrieval", name, task.split)
    documents = task.documents.values()
    made.dataset = {
        "default": {
            task.split: {
                "corpus": _dataset(
                    {
                        "id": list(task.documents),
                        "title": [document.title for document in documents],
                        "text": [document.text for document in documents],
                    }
                ),
                "queries": _dataset(
                    {"id": list(task.queries), "text": list(task.queries.values())}
                ),
                "relevant_docs": {query: dict(grades) for query, grades in task.qrels.items()},
                "top_ranked": None,
            }
        }
    }
    return made


_MAIN = {"Retrieval": "ndcg_at_10", "STS": "cosine_spearman", "Classification": "accuracy"}


def _made(kind: str, module: str, base: str, name: str, split: str) -> Any:  # noqa: ANN401
    """An empty task of one of MTEB's kinds that will not ask the hub for data."""
    metadata = _mteb("mteb.abstasks.task_metadata").TaskMetadata(
        name=name,
        description=f"{name}, read from files by Nearfield.",
        reference=None,
        dataset={"path": f"nearfield/{name}", "revision": "local"},
        type=kind,
        category="t2t" if kind != "Classification" else "t2c",
        modalities=["text"],
        eval_splits=[split],
        eval_langs=["eng-Latn"],
        main_score=_MAIN[kind],
        date=None,
        domains=None,
        task_subtypes=None,
        license=None,
        annotations_creators=None,
        dialect=None,
        sample_creation=None,
        bibtex_citation="",
        is_public=False,
    )
    parent = getattr(_mteb(module), base)
    made = type(base.replace("AbsTask", "Local"), (parent,), {"metadata": metadata})()
    made.data_loaded = True
    return made


def _dataset(columns: Mapping[str, Sequence[object]]) -> Any:  # noqa: ANN401
    return _mteb("datasets").Dataset.from_dict({name: list(each) for name, each in columns.items()})


def _rows(vectors: npt.ArrayLike) -> FloatArray:
    rows: FloatArray = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    return rows


def _mteb(module: str) -> Any:  # noqa: ANN401
    """A module of MTEB or of its own packages."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra("working with MTEB", "mteb") from error
