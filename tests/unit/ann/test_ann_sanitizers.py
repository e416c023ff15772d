"""Search and codes under AddressSanitizer and UndefinedBehaviorSanitizer, with random shapes."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from nearfield import ann

SOURCES = Path(ann.__file__).parent / "csrc"


@pytest.fixture(scope="module")
def build():
    return SimpleNamespace(**runpy.run_path(str(SOURCES / "build.py")))


@pytest.mark.slow
def test_random_shapes_and_mistakes_under_sanitizers(build, tmp_path):
    library, fuzz = tmp_path / "libnearfield_ann.so", tmp_path / "fuzz"
    try:
        compiler = build.find_compiler()
        build.build(library, sanitize=True)
    except build.BuildError as error:
        pytest.skip(f"no sanitized library: {error}")
    subprocess.run(
        [*compiler, "-std=gnu11", "-g", "-fsanitize=address,undefined", f"-I{SOURCES}",
         str(Path(__file__).parent / "test_codes_fuzz.c"), str(library),
         f"-Wl,-rpath,{tmp_path}", "-lm", "-o", str(fuzz)],
        check=True,
    )  # fmt: skip
    options = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    for seed in range(2):
        done = subprocess.run(
            [str(fuzz), "60", str(seed)], capture_output=True, text=True, check=False,
            env=os.environ | options, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
