"""Engines as processes: each in its own environment, standing still while another is measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import Process, process
from benchmarks.embedding.environments import REQUIREMENTS, Environments
from benchmarks.harness import REPOSITORY

__all__ = ["BARE", "ENGINES", "OURS", "Session", "requirements", "session", "title"]

OURS = "nearfield"
ENGINES = {
    OURS: "Nearfield",
    "chroma": "Chroma",
    "lancedb": "LanceDB",
    "qdrant": "Qdrant (edge)",
    "milvus": "Milvus Lite",
    "sqlite-vec": "sqlite-vec",
    "hnswlib": "hnswlib",
    "faiss": "faiss (HNSW)",
}
"""Titles by name, in the order of the tables."""
BARE = frozenset({"hnswlib", "faiss"})
"""Indexes of vectors that store neither ids nor text."""

_SCRIPT = Path(__file__).parent / "workers" / "serve.py"


@dataclass(frozen=True, slots=True)
class Session:
    """A running engine."""

    name: str
    process: Process

    @property
    def ready(self) -> dict[str, Any]:
        """What it said of itself when it started."""
        return dict(self.process.ready)

    def ask(self, do: str, **given: object) -> dict[str, Any]:
        """A request of ``workers/serve.py``, by the name of its method."""
        return self.process.call({"do": do, **given})


def title(name: str) -> str:
    """As tables call an engine; other names stay what they are."""
    return ENGINES.get(name, name)


def requirements(name: str) -> bytes:
    """Pinned packages of an engine; empty for the running interpreter's."""
    return b"" if name == OURS else (REQUIREMENTS / f"stores-{name}.txt").read_bytes()


@contextmanager
def session(name: str, environments: Environments, rows: Path) -> Iterator[Session]:
    """Keep an engine's process alive; its environment is made if need be.

    Raises
    ------
    BenchmarkError
        The environment or the engine fails; the message says why.
    """
    if name == OURS:
        python, variables = sys.executable, {"PYTHONPATH": _own_path()}
    else:
        python, variables = str(environments.python(f"stores-{name}")), {"PYTHONPATH": ""}
    with process((python, str(_SCRIPT), name, str(rows)), variables) as running:
        yield Session(name, running)


def _own_path() -> str:
    """Where the running interpreter finds Nearfield, for a worker in another folder."""
    from nearfield import paths

    found = Path(paths.__file__).parent.parent
    return str(found if found.is_dir() else REPOSITORY / "src")
