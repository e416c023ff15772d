"""Tasks: judged data that systems are measured on."""

from nearfield.evaluation.tasks.bitext import BitextTask
from nearfield.evaluation.tasks.classification import ClassificationTask
from nearfield.evaluation.tasks.clustering import ClusteringTask
from nearfield.evaluation.tasks.loading import load
from nearfield.evaluation.tasks.pairs import PairTask
from nearfield.evaluation.tasks.reranking import RerankingTask
from nearfield.evaluation.tasks.retrieval import Qrels, RetrievalTask
from nearfield.evaluation.tasks.sts import StsTask
from nearfield.evaluation.tasks.summarisation import SummarisationTask
from nearfield.evaluation.tasks.task import Task, TaskKind

__all__ = [
    "BitextTask",
    "ClassificationTask",
    "ClusteringTask",
    "PairTask",
    "Qrels",
    "RerankingTask",
    "RetrievalTask",
    "StsTask",
    "SummarisationTask",
    "Task",
    "TaskKind",
    "load",
]
