"""Compiled libraries under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

_SECONDS = 600


def built(sources: Path, folder: Path, name: str) -> tuple[Path, list[str]]:
    """The library that watches its memory, and the compiler; skips where there is none."""
    build = SimpleNamespace(**runpy.run_path(str(sources / "build.py")))
    library = folder / name
    try:
        compiler = build.find_compiler()
        build.build(library, sanitize=True)
    except build.BuildError as error:
        pytest.skip(f"no sanitized library: {error}")
    return library, compiler


def run_program(
    source: Path, sources: Path, folder: Path, name: str, rounds: int, *flags: str
) -> None:
    """Build the library and a program of C that calls it; run it with two seeds."""
    library, compiler = built(sources, folder, name)
    program = folder / "fuzz"
    subprocess.run(
        [*compiler, "-std=gnu11", "-g", "-fsanitize=address,undefined", f"-I{sources}", *flags,
         str(source), str(library), f"-Wl,-rpath,{folder}", "-lm", "-o", str(program)],
        check=True,
    )  # fmt: skip
    for seed in range(2):
        _run([str(program), str(rounds), str(seed)], {"ASAN_OPTIONS": "detect_leaks=1"})


def run_script(
    script: Path, given: Sequence[str], compiler: Sequence[str], **variables: str
) -> str:
    """Run a script of Python whose library watches its memory; what it printed."""
    found = subprocess.run(
        [*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    runtime = found.stdout.strip()
    if not Path(runtime).is_file():
        pytest.skip("this compiler has no shared libasan to load before Python")
    watched = {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", **variables}
    return _run([sys.executable, str(script), *given], watched)


def _run(command: list[str], variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables | {"UBSAN_OPTIONS": "halt_on_error=1"},
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
