"""Search and codes under AddressSanitizer and UndefinedBehaviorSanitizer, with random shapes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nearfield import ann

SOURCES = Path(ann.__file__).parent / "csrc"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("ann_build", SOURCES / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ann_build"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ann_build"]


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


def test_without_a_compiler_the_reason_is_told(build, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(build.BuildError, match=r"no C compiler was found .*no-such-compiler"):
        build.find_compiler()


def test_a_folder_compiles_with_what_its_file_names_say(build, tmp_path):
    """The switch tells portable files that a processor's files are there."""
    try:
        build.find_compiler()
    except build.BuildError as error:
        pytest.skip(str(error))
    shared = sys.modules["nearfield_build_compile"]
    (tmp_path / "wide_avx2.c").write_text("int wide(void) { return __AVX2__; }")
    (tmp_path / "api.c").write_text(
        "#if defined(NF_WITH_AVX2)\nint with(void) { return 1; }\n#else\nint without;\n#endif\n"
    )
    assert shared.build_folder(tmp_path, tmp_path / "lib.so") == ()
    assert (tmp_path / "lib.so").is_file()
    (tmp_path / "wide_avx2.c").write_text("#error too old")
    notes = shared.build_folder(tmp_path, tmp_path / "lib.so")
    assert len(notes) <= 1  # none where the processor is not an x86
    assert all("left out avx2" in note and "too old" in note for note in notes)
    (tmp_path / "api.c").write_text("#error broken")
    with pytest.raises(shared.BuildError, match="broken"):
        shared.build_folder(tmp_path, tmp_path / "lib.so")
