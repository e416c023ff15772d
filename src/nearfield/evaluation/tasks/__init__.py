"""Tasks: judged data that systems are measured on."""

from nearfield.evaluation.tasks.loading import load
from nearfield.evaluation.tasks.retrieval import Qrels, RetrievalTask
from nearfield.evaluation.tasks.task import Task, TaskKind

__all__ = ["Qrels", "RetrievalTask", "Task", "TaskKind", "load"]
