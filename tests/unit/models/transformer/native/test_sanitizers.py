"""The library under AddressSanitizer and UndefinedBehaviorSanitizer, fed with random shapes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nearfield.models.transformer import native

SOURCES = Path(native.__file__).parent / "csrc"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("native_build", SOURCES / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["native_build"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["native_build"]


@pytest.mark.slow
def test_random_shapes_and_mistakes_under_sanitizers(build, tmp_path):
    library = tmp_path / "libnearfield_native.so"
    try:
        compiler = build.find_compiler()
        build.build(library, sanitize=True)
    except build.BuildError as error:
        pytest.skip(f"no sanitized library: {error}")
    fuzz = tmp_path / "fuzz"
    subprocess.run(
        [*compiler, "-std=gnu11", "-g", "-fsanitize=address,undefined", f"-I{SOURCES}",
         str(Path(__file__).parent / "fuzz.c"), str(library), f"-Wl,-rpath,{tmp_path}", "-lm",
         "-o", str(fuzz)],
        check=True,
    )  # fmt: skip
    options = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    for seed in range(2):
        done = subprocess.run(
            [str(fuzz), "5", str(seed)], capture_output=True, text=True, check=False,
            env=os.environ | options, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]


def test_without_a_compiler_the_reason_is_told(build, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(build.BuildError, match=r"no C compiler was found .*no-such-compiler"):
        build.find_compiler()
