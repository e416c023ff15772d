"""Nearfield and its peers as processes that encode on demand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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

__all__ = [
    "WORKERS",
    "Contender",
    "Process",
    "Worker",
    "nearfield",
    "process",
    "sentence_transformers",
    "started",
    "write_texts",
]

WORKERS = Path(__file__).parent / "workers"
_SCRIPT = WORKERS / "encode.py"
_REASON_CHARACTERS = 300
_PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Contender:
    """An interpreter, a library in it, and the model that the library loads.

    Attributes
    ----------
    name : str
        As results call it.
    command : tuple of str
        Starts its worker.
    environment : mapping of str to str
        Variables that its processes get.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def versions(self) -> dict[str, str]:
        """Versions of the library and of what computes for it."""
        _, output = run_process(self.command, environment=self.environment)
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
        request = json.dumps({"texts": str(texts)}) + "\n"
        whole, output = run_process(self.command, text=request, environment=self.environment)
        return whole, float(json.loads(output.splitlines()[-1])["seconds"][0])

    def first_vector(self, texts: Path) -> float:
        """Seconds from the start of a fresh process to the vectors of the texts."""
        begun = time.perf_counter()
        with started(self) as worker:
            worker.encode(texts)
            return time.perf_counter() - begun

    def alone(self, texts: Path, save: Path) -> float | None:
        """Encode the texts in a fresh process, save the vectors, and return its peak memory, MB."""
        with started(self) as worker:
            peak: float | None = worker.ask(texts, save=str(save))["peak_mb"]
            return peak


@dataclass(slots=True)
class Process:
    """A process that answers JSON lines, and stands still in between.

    Threads that spin while they wait for work (OpenMP's, ONNX Runtime's) would slow whoever is
    measured meanwhile, so a process is stopped (SIGSTOP) as soon as it has answered.
    """

    running: subprocess.Popen[str]
    errors: IO[str]
    ready: Mapping[str, Any] = field(default_factory=dict)

    def call(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Let it run, ask, and stop it again."""
        assert self.running.stdin is not None
        self._signal("SIGCONT")
        try:
            print(json.dumps(request), file=self.running.stdin, flush=True)
        except BrokenPipeError:
            raise BenchmarkError(f"a worker ended: {self._reason()}") from None
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next answer; one that does not come in ten minutes ends the process."""
        assert self.running.stdout is not None
        late = threading.Timer(_PATIENCE_SECONDS, self.running.kill)
        late.start()
        try:
            line = self.running.stdout.readline()
        finally:
            late.cancel()
        if not line:
            raise BenchmarkError(f"a worker ended before it answered: {self._reason()}")
        self._signal("SIGSTOP")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End it, whatever it is doing."""
        assert self.running.stdin is not None
        assert self.running.stdout is not None
        self._signal("SIGCONT")
        with suppress(BrokenPipeError):  # it has ended already
            self.running.stdin.close()
        self.running.stdout.close()
        try:
            self.running.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()

    def _signal(self, name: str) -> None:
        if hasattr(signal, name) and self.running.poll() is None:  # not on Windows
            os.kill(self.running.pid, getattr(signal, name))

    def _reason(self) -> str:
        """What it said last, in one line."""
        self.running.wait(timeout=10)
        self.errors.seek(0)
        said = [line.strip() for line in self.errors if line.strip()]
        code = self.running.returncode
        return said[-1][:_REASON_CHARACTERS] if said else f"exit code {code}, without a word"


@dataclass(frozen=True, slots=True)
class Worker:
    """A running contender."""

    process: Process

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the library and of what computes for it."""
        found: dict[str, str] = self.process.ready["versions"]
        return found

    @property
    def about(self) -> dict[str, str]:
        """What the library says it computes with."""
        found: dict[str, str] = self.process.ready["about"]
        return found

    def ask(self, texts: Path, *, one_by_one: bool = False, save: str = "") -> dict[str, Any]:
        """The whole answer of ``workers/encode.py``."""
        return self.process.call({"texts": str(texts), "one_by_one": one_by_one, "save": save})

    def encode(self, texts: Path, *, one_by_one: bool = False, save: str = "") -> list[float]:
        """Seconds of each call: one for all texts, or one a text."""
        seconds: list[float] = self.ask(texts, one_by_one=one_by_one, save=save)["seconds"]
        return seconds


def nearfield(model: str) -> Contender:
    """Nearfield in the running interpreter, fp32."""
    return Contender("nearfield", (sys.executable, str(_SCRIPT), "nearfield", model))


def sentence_transformers(context: Context, model: str) -> Contender | None:
    """sentence-transformers, fp32 on the processor; None where no interpreter has it."""
    if context.peer is None:
        return None
    name = "sentence-transformers"
    return Contender(name, (context.peer, str(_SCRIPT), name, str(model_folder(model))))


@contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Keep a process of ``workers/`` alive; it has said that it is ready."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        running = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=clean_environment(environment),
        )
        found = Process(running, errors)
        try:
            found.ready = found.read()
            yield found
        finally:
            found.close()


@contextmanager
def started(contender: Contender) -> Iterator[Worker]:
    """Keep a contender's process alive, its model loaded."""
    with process(contender.command, contender.environment) as running:
        yield Worker(running)


def write_texts(path: Path, texts: Sequence[str]) -> Path:
    """Write the JSON file that a worker reads its texts from."""
    path.write_text(json.dumps(list(texts)), encoding="utf-8")
    return path
