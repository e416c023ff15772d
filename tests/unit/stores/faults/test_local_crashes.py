"""kill -9, a full disk and failing writes: what was acknowledged is there, nothing is half there.

The writer (``writer_process.py``) says what it is about to do (``? add 7 0``) and what it has done
(``add 7 0``). After a crash the collection must hold exactly what it has said, and the operation
that was under way wholly or not at all.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nearfield.stores.local import LocalStore, Mode, verify
from nearfield.types import Chunk, FloatArray

Start = Callable[..., "subprocess.Popen[str]"]
Contents = dict[int, int]
"""Version of each batch that is there."""

DIMENSION = 16


def batch(number: int, version: int) -> tuple[list[Chunk], FloatArray]:
    rng = np.random.default_rng([number, version])
    chunks = [
        Chunk(
            f"{number}-{n}", str(number), f"version {version} of {number}-{n} " * 9, n, n + 9, "s"
        )
        for n in range(25)
    ]
    return chunks, rng.standard_normal((25, DIMENSION)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as store:
        for number in range(5):
            store.add(*batch(number, 0))
    return path


def contents(path: Path) -> Contents:
    """What is there; each batch must be whole, in chunks and vectors, and findable."""
    with LocalStore.open(path) as store:
        scanned = list(store.scan())
        versions = {int(chunk.document_id): int(chunk.text.split()[1]) for chunk, _ in scanned}
        expected = {
            chunk.id: (chunk, vector.tolist())
            for number, version in versions.items()
            for chunk, vector in zip(*batch(number, version), strict=True)
        }
        assert {chunk.id: (chunk, vector.tolist()) for chunk, vector in scanned} == expected
        (hits,) = store.search(batch(0, 0)[1][:1], 10**6)
        assert {hit.chunk.id for hit in hits} == set(expected)
    return versions


def apply(before: Contents, operation: str) -> Contents:
    kind, number, version = operation.split()
    after = dict(before)
    if kind in ("add", "upsert"):
        after[int(number)] = int(version)
    elif kind == "delete":
        del after[int(number)]
    return after


def outcomes(before: Contents, lines: list[str]) -> list[Contents]:
    """What may be there after the writer said these lines."""
    state, begun = before, None
    for line in lines:
        if line.startswith("? "):
            begun = line[2:]
        elif begun is not None:
            if not line.startswith("failed"):
                state = apply(state, line)
            begun = None
    return [state] if begun is None else [state, apply(state, begun)]


def crash(start: Start, path: Path, before: Contents, seed: int, seconds: float) -> Contents:
    process = start(path, seed)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("open")
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    # communicate() would miss what readline() has buffered.
    output = process.stdout.read()
    process.communicate()
    # A last line without its end was cut off by the kill.
    allowed = outcomes(before, output.split("\n")[:-1])
    report = verify(path)
    assert report.whole, report.findings
    found = contents(path)
    assert found in allowed
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("times", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_kill_9_at_random_points(start: Start, path: Path, times: int) -> None:
    rng = random.Random(times)
    state = contents(path)
    for seed in range(times):
        state = crash(start, path, state, seed, rng.uniform(0.0, 0.15))
    with LocalStore.open(path, mode=Mode.WRITE, timeout=0) as store:
        store.add(*batch(10_000, 0))
    assert verify(path).whole


FAILURES = {"io": errno.EIO, "full": errno.ENOSPC}


@pytest.mark.parametrize("error", FAILURES)
@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.slow)])
def test_every_write_that_fails_is_reported_and_rolled_back(
    start: Start, failing_disk: Path, path: Path, error: str, share: float
) -> None:
    """A failing call may write, sync or cut the vectors, the log or the database."""
    before = contents(path)
    path.rename(path.parent / "whole.nf")
    length = "1" if error == "io" else "12"  # a full disk stays full for a while
    process = start(
        path.parent, 3, str(FAILURES[error]), length, str(share), LD_PRELOAD=str(failing_disk)
    )
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    runs = [part.split("\n")[:-1] for part in output.split("= ")[1:]]
    assert not any(line.startswith("failed") for line in runs[0])
    assert sum(any(line.startswith("failed") for line in run) for run in runs) > len(runs) // 2
    for name, *lines in runs:
        place = path.parent / name
        assert lines[-1].startswith("closed"), (name, output, errors)
        report = verify(place)
        assert report.whole, (name, report.findings)
        assert contents(place) in possible(before, lines), (name, lines)
        with LocalStore.open(place, mode=Mode.WRITE, timeout=0) as store:
            store.upsert(*batch(10_000, 0))
        assert contents(place)[10_000] == 0


def possible(before: Contents, lines: list[str]) -> list[Contents]:
    """As :func:`outcomes`; a failed operation has happened wholly or not at all.

    A commit whose last sync fails is not acknowledged, and may yet be on the disk.
    """
    states, begun = [before], ""
    for line in lines:
        if line.startswith("? "):
            begun = line[2:]
        elif line.startswith("failed") and begun:
            states += [apply(state, begun) for state in states if _applies(state, begun)]
            begun = ""
        elif begun:
            states = [apply(state, line) for state in states if _applies(state, line)]
            begun = ""
    return states


def _applies(state: Contents, operation: str) -> bool:
    kind, number, _ = operation.split()
    return kind == "compact" or (int(number) in state) == (kind != "add")


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a file system in memory")
def test_files_that_may_not_grow(start: Start, path: Path) -> None:
    """A limit on the size of files is a disk that is full for real."""
    before = contents(path)
    limited = (
        "import resource, runpy, sys; size = 200_000; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    script = Path(__file__).parent / "writer_process.py"
    process = subprocess.run(
        [sys.executable, "-c", limited, str(script), str(path), "5", "40"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    lines = process.stdout.split("\n")[:-1]
    assert "failed StoreFull 0" in lines
    assert verify(path).whole
    assert contents(path) in possible(before, lines)
    with LocalStore.open(path, mode=Mode.WRITE) as store:
        store.upsert(*batch(10_000, 0))
