"""Nearfield and its peer as processes that encode on demand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.harness import (
    BenchmarkError,
    Context,
    clean_environment,
    model_folder,
    run_process,
)

__all__ = ["Contender", "Worker", "nearfield", "sentence_transformers", "started", "write_texts"]

_SCRIPT = Path(__file__).parent / "workers" / "encode.py"


@dataclass(frozen=True, slots=True)
class Contender:
    """An interpreter, a library in it, and the model that the library loads.

    Attributes
    ----------
    name : str
        As results call it.
    command : tuple of str
        Starts its worker.
    """

    name: str
    command: tuple[str, ...]

    def versions(self) -> dict[str, str]:
        """Versions of the library and of what computes for it."""
        _, output = run_process(self.command)
        found: dict[str, str] = json.loads(output.splitlines()[-1])["versions"]
        return found

    def whole_process(self, texts: Path) -> tuple[float, float]:
        """Encode the texts of a JSON file in a fresh process.

        Returns
        -------
        whole : float
            Seconds from the start of the interpreter to its exit.
        encode : float
            Seconds of the call that encodes alone.
        """
        whole, output = run_process(self.command, text=json.dumps({"texts": str(texts)}) + "\n")
        return whole, float(json.loads(output.splitlines()[-1])["seconds"][0])


@dataclass(frozen=True, slots=True)
class Worker:
    """A running contender."""

    requests: IO[str]
    answers: IO[str]
    versions: dict[str, str] = field(default_factory=dict)

    def encode(self, texts: Path, *, one_by_one: bool = False, save: str = "") -> list[float]:
        """Seconds of each call: one for all texts, or one a text."""
        request = {"texts": str(texts), "one_by_one": one_by_one, "save": save}
        print(json.dumps(request), file=self.requests, flush=True)
        seconds: list[float] = _answer(self.answers)["seconds"]
        return seconds


def nearfield(model: str) -> Contender:
    """Nearfield in the running interpreter."""
    return Contender("nearfield", (sys.executable, str(_SCRIPT), "nearfield", model))


def sentence_transformers(context: Context, model: str) -> Contender | None:
    """sentence-transformers, fp32 on the processor; None where no interpreter has it."""
    if context.peer is None:
        return None
    name = "sentence-transformers"
    return Contender(name, (context.peer, str(_SCRIPT), name, str(model_folder(model))))


@contextmanager
def started(contender: Contender) -> Iterator[Worker]:
    """Keep a contender's process alive, its model loaded."""
    process = subprocess.Popen(
        contender.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=clean_environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    with process:
        try:
            versions = _answer(process.stdout)["versions"]
            yield Worker(process.stdin, process.stdout, versions)
        finally:
            process.stdin.close()


def write_texts(path: Path, texts: Sequence[str]) -> Path:
    """Write the JSON file that a worker reads its texts from."""
    path.write_text(json.dumps(list(texts)), encoding="utf-8")
    return path


def _answer(answers: IO[str]) -> dict[str, Any]:
    line = answers.readline()
    if not line:
        raise BenchmarkError(
            "a worker ended before it answered: run it by hand: benchmarks/workers/encode.py"
        )
    answer: dict[str, Any] = json.loads(line)
    return answer
