"""A writer in a process of its own, which can be killed, starved of disk and lied to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def failing_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes writes fail, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("failing writes are injected on Linux, with a C compiler")
    library = tmp_path_factory.mktemp("shim") / "failing_disk.so"
    source = HERE / "failing_disk.c"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(list(map(str, command)), check=True)
    return library


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start the writer: ``start(path, seed, *options, **environment)``."""

    def run(path: Path, seed: int, *options: str, **environment: str) -> subprocess.Popen[str]:
        import os

        return subprocess.Popen(
            [sys.executable, str(HERE / "writer_process.py"), str(path), str(seed), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    return run
