"""The graph's C code under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from nearfield.ann import library

SOURCES = Path(library.__file__).parent / "csrc"


@pytest.mark.slow
def test_random_graphs_mistakes_and_damage_under_sanitizers(tmp_path):
    build = SimpleNamespace(**runpy.run_path(str(SOURCES / "build.py")))
    sanitized = tmp_path / "libnearfield_ann.so"
    try:
        compiler = build.find_compiler()
        build.build(sanitized, sanitize=True)
    except build.BuildError as error:
        pytest.skip(f"no sanitized library: {error}")
    fuzz = tmp_path / "fuzz"
    subprocess.run(
        [*compiler, "-std=gnu11", "-g", "-fsanitize=address,undefined", f"-I{SOURCES}", "-pthread",
         str(Path(__file__).parent / "test_graph_fuzz.c"), str(sanitized),
         f"-Wl,-rpath,{tmp_path}", "-lm", "-o", str(fuzz)],
        check=True,
    )  # fmt: skip
    for seed in range(2):
        done = subprocess.run(
            [str(fuzz), "40", str(seed)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"UBSAN_OPTIONS": "halt_on_error=1"},
            timeout=600,
        )
        assert done.returncode == 0, done.stderr[-4000:]
