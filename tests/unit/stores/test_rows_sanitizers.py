"""The rows library under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nearfield.stores.local import library

SOURCES = library.PLACE.parent / "csrc"


@pytest.mark.slow
def test_sound_and_broken_rows_under_sanitizers(tmp_path):
    build = SimpleNamespace(**runpy.run_path(str(SOURCES / "build.py")))
    sanitized = tmp_path / "libnearfield_rows.so"
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
    # Python's objects by malloc, so that one that is let go too early is seen.
    watched = {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    for seed in range(2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parent / "rows_fuzz.py"), str(sanitized),
             str(folder), "150", str(seed)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | watched | {"UBSAN_OPTIONS": "halt_on_error=1"},
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        assert "read" in done.stdout
