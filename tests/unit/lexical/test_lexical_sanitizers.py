"""The C code under AddressSanitizer and UndefinedBehaviorSanitizer, with sound and broken data."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nearfield.lexical import library

SOURCES = Path(library.__file__).parent / "csrc"


@pytest.mark.slow
def test_sound_and_broken_segments_under_sanitizers(tmp_path):
    build = SimpleNamespace(**runpy.run_path(str(SOURCES / "build.py")))
    sanitized = tmp_path / "libnearfield_lexical.so"
    try:
        compiler = build.find_compiler()
        build.build(sanitized, sanitize=True)
    except build.BuildError as error:
        pytest.skip(f"no sanitized library: {error}")
    found = subprocess.run(
        [*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    runtime = found.stdout.strip()
    if not Path(runtime).is_file():
        pytest.skip("this compiler has no shared libasan to load before Python")
    watched = {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0"}
    for seed in range(3):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parent / "lexical_fuzz.py"), str(sanitized),
             "150", str(seed)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | watched | {"UBSAN_OPTIONS": "halt_on_error=1"},
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        assert "refused" in done.stdout
