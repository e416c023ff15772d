"""Compiling the optional libraries: what is compiled how, left out, or refused."""

from __future__ import annotations

import ctypes
import runpy
from pathlib import Path

import pytest

import nearfield
from nearfield._build.compile import (
    BuildError,
    Processor,
    build_folder,
    build_library,
    find_compiler,
)

PACKAGE = Path(nearfield.__file__).parent
SCRIPTS = sorted(PACKAGE.rglob("csrc/build.py"))


@pytest.fixture
def compiler() -> None:
    try:
        find_compiler()
    except BuildError as error:
        pytest.skip(str(error))


def test_every_library_has_a_script_that_is_loaded_by_its_path():
    names = [runpy.run_path(str(script))["LIBRARY"].name for script in SCRIPTS]
    assert sorted(names) == [
        "libnearfield_ann.so", "libnearfield_lexical.so", "libnearfield_native.so",
        "libnearfield_rows.so",
    ]  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.parts[-3])
def test_without_a_compiler_the_reason_is_told(script, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    build = runpy.run_path(str(script))
    with pytest.raises(build["BuildError"], match=r"no C compiler was found .*no-such-compiler"):
        build["build"]()


@pytest.mark.usefixtures("compiler")
def test_a_folder_compiles_with_what_its_file_names_say(tmp_path):
    """The switch tells portable files that a processor's files are there."""
    (tmp_path / "wide_avx2.c").write_text("int wide(void) { return __AVX2__; }")
    (tmp_path / "api.c").write_text(
        "#if defined(NF_WITH_AVX2)\nint with(void) { return 1; }\n#else\nint without;\n#endif\n"
    )
    assert build_folder(tmp_path, tmp_path / "lib.so") == ()
    assert (tmp_path / "lib.so").is_file()
    (tmp_path / "wide_avx2.c").write_text("#error too old")
    notes = build_folder(tmp_path, tmp_path / "lib.so")
    assert len(notes) <= 1  # none where the processor is not an x86
    assert all("left out avx2" in note and "too old" in note for note in notes)
    (tmp_path / "api.c").write_text("#error broken")
    with pytest.raises(BuildError, match="broken"):
        build_folder(tmp_path, tmp_path / "lib.so")
    with pytest.raises(BuildError, match="there is no C file"):
        build_folder(tmp_path / "nothing", tmp_path / "lib.so")


@pytest.mark.usefixtures("compiler")
def test_a_kind_is_left_out_if_one_of_its_files_is_refused(tmp_path):
    for name, text in (("good", "int good(void) { return 1; }"), ("bad", "#error too old")):
        (tmp_path / f"{name}.c").write_text(text)
    api = tmp_path / "api.c"
    api.write_text(
        '#define SHOWN __attribute__((visibility("default")))\n'
        "#ifdef NF_WITH_WIDE\nSHOWN int wide(void) { return 1; }\n"
        "#else\nSHOWN int wide(void) { return 0; }\n#endif\n"
        "SHOWN int value(void) { return VALUE; }\n"
    )
    kind = Processor((tmp_path / "good.c", tmp_path / "bad.c"), (), "NF_WITH_WIDE")
    output = tmp_path / "some.so"
    notes = build_library(output, [api], [kind], ["-DVALUE=7"])
    assert all(note.startswith("left out wide: ") and "too old" in note for note in notes)
    library = ctypes.CDLL(str(output))
    assert (library.wide(), library.value()) == (0, 7)
