"""What every benchmark shares: repetitions, cold processes, checks against a target.

Times are medians; every repetition is kept in the result. A peer is measured in the same run,
alternating with Nearfield, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from nearfield.paths import models_dir

__all__ = [
    "REPOSITORY",
    "BenchmarkError",
    "Check",
    "Context",
    "DataMissing",
    "Json",
    "Outcome",
    "at_least",
    "at_most",
    "clean_environment",
    "interleave",
    "is_pinned",
    "model_folder",
    "peer_missing",
    "private_home",
    "run_process",
    "scratch",
    "summary",
    "within",
]

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

REPOSITORY = Path(__file__).resolve().parent.parent

_PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables that hold a BLAS to another processor's code; no user has them set."""


class BenchmarkError(Exception):
    """A benchmark cannot run; the message says what is missing."""


class DataMissing(BenchmarkError):
    """A benchmark needs a data set and ``--data`` does not hold it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One measured value beside what it should be.

    Attributes
    ----------
    what : str
        What was measured.
    measured : float
        In `unit`.
    unit : str
        Such as ``"s"`` or ``"MB"``; empty for ratios.
    target : str
        The condition, in words.
    holds : bool
        Whether the condition is met.
    required : bool
        False marks an aim: missing it does not fail the run.
    """

    what: str
    measured: float
    unit: str
    target: str
    holds: bool
    required: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark found.

    Attributes
    ----------
    checks : tuple of Check
        The values that have a target.
    figures : mapping
        Everything measured, raw repetitions included; written to JSON as it is.
    versions : mapping of str to str
        Versions of the peers.
    lines : tuple of str
        What is printed in place of the checks.
    """

    checks: tuple[Check, ...]
    figures: Mapping[str, Json]
    versions: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """The choices of one run.

    Attributes
    ----------
    data : Path or None
        Folder of data sets, one folder each, such as ``scifact/`` and ``tech-docs/``.
    peer_python : Path or None
        Interpreter that has the peers; None uses the running one where it has them.
    repeat : int
        Repetitions of everything that is timed.
    peers_home : Path or None
        Where peers' environments are made and kept; None for the user's cache folder.
    quick : bool
        Try a benchmark with little of everything: nothing is checked and nothing saved.
    """

    data: Path | None = None
    peer_python: Path | None = None
    repeat: int = 5
    peers_home: Path | None = None
    quick: bool = False

    @cached_property
    def peer(self) -> str | None:
        """Interpreter that imports sentence-transformers, or None."""
        if self.peer_python is not None:
            return str(self.peer_python)
        return sys.executable if find_spec("sentence_transformers") else None


def peer_missing() -> dict[str, Json]:
    """What stands in a result where the peer could not be measured."""
    return {
        "missing": "sentence-transformers is not installed: pip install sentence-transformers, or "
        "name an interpreter that has it with --peer-python"
    }


def model_folder(name: str) -> Path:
    """Folder of an installed model, which the peer loads as well.

    Raises
    ------
    BenchmarkError
        It is not installed.
    """
    folder = models_dir() / name
    if not folder.is_dir():
        raise BenchmarkError(f"the model {name} is missing: nearfield models install {name}")
    return folder.resolve()


def at_most(
    what: str, measured: float, limit: float, unit: str = "", *, required: bool = True
) -> Check:
    """Check that a value stays below a limit."""
    target = f"< {limit:g} {unit}".strip()
    return Check(what, round(float(measured), 4), unit, target, bool(measured < limit), required)


def at_least(
    what: str, measured: float, limit: float, unit: str = "", *, required: bool = True
) -> Check:
    """Check that a value reaches a limit."""
    target = f"≥ {limit:g} {unit}".strip()
    return Check(what, round(float(measured), 6), unit, target, bool(measured >= limit), required)


def within(what: str, measured: float, published: float, tolerance: float) -> Check:
    """Check that a value equals a published one up to a tolerance."""
    # Rounded before comparing: 64.61 is within 0.1 of 64.51, whatever float64 makes of it.
    holds = round(abs(measured - published), 6) <= tolerance
    return Check(what, round(measured, 3), "", f"{published:.2f} ± {tolerance:g}", holds)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of everything that is timed: no BLAS pins, no model hub, no telemetry."""
    kept = {name: value for name, value in os.environ.items() if name not in _PINNED}
    return {**kept, "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", **(extra or {})}


def is_pinned() -> bool:
    """Tell whether this process was started with a BLAS pin."""
    return any(name in os.environ for name in _PINNED)


def run_process(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    text: str = "",
    folder: Path | None = None,
) -> tuple[float, str]:
    """Run a process from start to exit.

    Parameters
    ----------
    command : sequence of str
    environment : mapping, optional
        Added to :func:`clean_environment`.
    text : str
        Standard input.
    folder : Path, optional
        Working folder.

    Returns
    -------
    seconds : float
        Wall time, start of the interpreter included.
    output : str
        Standard output.

    Raises
    ------
    BenchmarkError
        It exits with another code than 0; the message ends with what it said.
    """
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=clean_environment(environment),
        cwd=folder,
        check=False,
    )
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        raise BenchmarkError(
            f"{' '.join(command[:4])} … exits with {done.returncode}: {done.stderr[-600:].strip()}"
        )
    return seconds, done.stdout


def interleave(
    repeat: int, contenders: Mapping[str, Callable[[], float]], *, warm_up: bool = True
) -> dict[str, list[float]]:
    """Let contenders take turns, a different one first in each round.

    Parameters
    ----------
    repeat : int
        Rounds that count.
    contenders : mapping of str to callable
        Each returns the seconds that it measured.
    warm_up : bool
        Run one round before that does not count: file caches, lazily compiled code.

    Returns
    -------
    dict of str to list of float
        `repeat` values each, in order.
    """
    names = list(contenders)
    if warm_up:
        for run in contenders.values():
            run()
    measured: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(repeat):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            measured[name].append(contenders[name]())
            print(f"  {turn + 1} of {repeat}  {name}: {measured[name][-1]:.3f} s", flush=True)
    return measured


def summary(values: Sequence[float], digits: int = 4) -> dict[str, Json]:
    """Median of the repetitions, and all of them."""
    return {
        "median": round(statistics.median(values), digits),
        "runs": [round(value, digits) for value in values],
    }


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder that is gone afterwards, for indexes and installations."""
    with tempfile.TemporaryDirectory(prefix="nearfield-benchmark-") as name:
        yield Path(name)


def private_home(folder: Path) -> dict[str, str]:
    """Environment in which nothing was ever cached, but the installed models are there."""
    return {"NEARFIELD_HOME": str(folder / "home"), "NEARFIELD_MODELS": str(models_dir())}
