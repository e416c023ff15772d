"""A fresh process that opens a store, answers questions and says what that took.

``python -m nearfield.selection.probe`` reads one JSON object (``store``, ``pipeline``,
``questions``) and writes one (``memory``, ``first``, ``median``). In a process of its own, because
memory that was once taken by other candidates cannot be told from the memory that this one needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearfield.search.options import Mode
from nearfield.selection.pipeline import AskChoice, Pipeline

__all__ = ["Footing", "probe"]

_TIMEOUT = 120


@dataclass(frozen=True, slots=True)
class Footing:
    """What a process of its own takes.

    Attributes
    ----------
    memory : int
        Peak resident bytes, interpreter and libraries included.
    first : float
        Seconds from the start of the process to the first answer.
    median : float
        Seconds of a later question.
    """

    memory: int
    first: float
    median: float


def probe(
    store: Path, pipeline: Pipeline, questions: Sequence[str], *, timeout: float = _TIMEOUT
) -> Footing | None:
    """Measure a pipeline in a process of its own; None where that is not possible in time.

    Nor with a generator, which is a process's worth of its own.
    """
    from nearfield.selection import toml

    if pipeline.ask != AskChoice():
        return None
    asked = {
        "store": str(store),
        "pipeline": toml.dumps(pipeline, head=""),
        "questions": list(questions),
    }
    begun = time.time()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nearfield.selection.probe"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=min(timeout, _TIMEOUT),
            check=True,
        )
        found = json.loads(done.stdout)
        return Footing(found["memory"], found["first_at"] - begun, found["median"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def _peak() -> int:
    """Peak resident bytes of this process."""
    try:
        # Not `ru_maxrss`, which on Linux begins with the size of the process that started this one.
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _answer() -> None:
    from nearfield.search.pipeline import Question, find
    from nearfield.selection import toml
    from nearfield.selection.applying import encoder_of
    from nearfield.stores.local import LocalStore
    from nearfield.types import Role

    asked = json.loads(sys.stdin.read())
    pipeline = toml.loads(asked["pipeline"])
    encoder = None if pipeline.search.mode is Mode.LEXICAL else encoder_of(pipeline.model)
    reranker = None
    if pipeline.search.rerank:
        from nearfield.models.rerank import load

        reranker = load(pipeline.search.rerank)
    taken, first_at = [], 0.0
    with LocalStore.open(asked["store"]) as store:
        for text in asked["questions"]:
            begun = time.perf_counter()
            vector = None
            if encoder is not None:
                vector = encoder.encode([text], role=Role.QUERY, observe=lambda _: None)[0]
            with store.view() as view:
                find(view, Question(text, vector), pipeline.options, reranker=reranker)
            taken.append(time.perf_counter() - begun)
            first_at = first_at or time.time()
    memory = _peak()
    median = float(np.median(taken[1:] or taken))
    sys.stdout.write(json.dumps({"memory": memory, "first_at": first_at, "median": median}))


if __name__ == "__main__":
    _answer()
