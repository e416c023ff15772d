"""Tasks: judged data that systems are measured on."""

from nearfield.evaluation.tasks.retrieval import Qrels, RetrievalTask

__all__ = ["Qrels", "RetrievalTask"]
