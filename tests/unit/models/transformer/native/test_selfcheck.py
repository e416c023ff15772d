"""A kernel that computes something else is found out, told and not used."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nearfield.models.transformer.native import library as native
from nearfield.models.transformer.native import selfcheck
from nearfield.models.transformer.runtime import Precision

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("NEARFIELD_HOME", str(tmp_path))
    native.fault.cache_clear()
    yield tmp_path
    native.fault.cache_clear()


def check(index: int) -> tuple[int, str]:
    message = ctypes.create_string_buffer(256)
    status = native.library().nf_kernel_check(index, message, 256)
    return status, message.value.decode()


def test_every_usable_kernel_passes_and_the_others_are_told():
    for index, kernel in enumerate(native.kernels()):
        expected = (0, "") if kernel.usable else (3, "not usable on this processor")
        assert check(index) == expected, kernel
    assert check(99)[0] != 0
    assert check(-1)[0] != 0


def test_a_result_is_remembered(home):
    found = iter(["wrong numbers", "not asked"])
    assert selfcheck.remembered("a", lambda: next(found)) == "wrong numbers"
    assert selfcheck.remembered("a", lambda: next(found)) == "wrong numbers"
    assert selfcheck.remembered("b", lambda: "") == ""
    for note in home.rglob("*.json"):
        note.write_text("{damaged")
    assert selfcheck.remembered("a", lambda: "again") == "again"


def test_a_note_that_cannot_be_written_is_done_without(home, monkeypatch):
    (home / "file").write_bytes(b"")
    monkeypatch.setenv("NEARFIELD_HOME", str(home / "file"))
    assert selfcheck.remembered("a", lambda: "x") == "x"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (0, None),
        (1, "its vectors differ from plain C's by 0.0"),
        (2, "its vectors differ from plain C's by inf"),
        (3, "it died of signal"),
        (4, "it gave no vectors"),
    ],
)
def test_a_broken_kernel_is_found_out(broken, told, tmp_path):
    sources = Path(native.__file__).parent / "csrc"
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler")
    parts = ["api", "check", "panels", "memory", "threads", "cpu", "kernel_plain"]
    library = tmp_path / "broken.so"
    subprocess.run(
        [compiler, "-std=gnu11", "-O1", "-fPIC", "-shared", "-pthread", f"-I{sources}",
         "-DNF_WITH_AVX2", f"-DBROKEN={broken}", str(Path(__file__).parent / "broken_kernel.c"),
         *(str(sources / f"{part}.c") for part in parts), "-lm", "-o", str(library)],
        check=True,
    )  # fmt: skip
    message = ctypes.create_string_buffer(256)
    status = native.load(library).nf_kernel_check(0, message, 256)
    assert status == (0 if told is None else 3)
    assert message.value.decode().startswith(told or "")


@pytest.mark.parametrize("precision", [Precision.EXACT, Precision.FAST])
def test_the_next_kernel_serves(precision, monkeypatch):
    preferred = native.choose(precision)
    if preferred is None or preferred.name == "plain":
        pytest.skip("there is no kernel to fall back from")

    def only_this_one_fails(subject, _check):
        return "its vectors differ" if subject.endswith(f"-{preferred.name}") else ""

    monkeypatch.setattr(native.selfcheck, "remembered", only_this_one_fails)
    native.fault.cache_clear()
    following = native.choose(precision)
    assert following is None or following.name != preferred.name
    assert following is not None or precision is Precision.FAST
    found = native.available()
    assert preferred.name not in found.kernels
    assert f"{preferred.name} is not used: its vectors differ" in found.reason
    monkeypatch.setenv(native.KERNEL_VARIABLE, preferred.name)
    assert native.choose(precision) == following
