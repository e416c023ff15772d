"""Panels on disk: equal to ordered ones, and never believed when anything is wrong with them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import ModelError
from nearfield.models.transformer.native import library as native
from nearfield.models.transformer.native import panels as panel_files
from nearfield.models.transformer.native.model import NativeModel, NativePooling
from nearfield.models.transformer.native.panels import PanelFile
from nearfield.models.transformer.runtime import pack

pytestmark = pytest.mark.usefixtures("compiled")
SIZE = 1000


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("NEARFIELD_HOME", str(tmp_path))
    return tmp_path


def place(key: str = "key", build: str = "build") -> PanelFile:
    return PanelFile(build, key, native.library().nf_checksum)


def numbers(seed: int = 0) -> memoryview:
    return memoryview(np.random.default_rng(seed).integers(0, 256, SIZE, dtype=np.uint8))


class NoLayers(dict):
    """Weights whose layers must not be asked for."""

    def __getitem__(self, name):
        assert name in ("words", "positions")
        return super().__getitem__(name)


def vectors(shape, values, identity="weights"):
    model = NativeModel(shape, values, "plain", 1, identity=identity)
    return model.encode(pack([np.arange(9)]), NativePooling.TOKENS)


@pytest.mark.parametrize("changes", [{}, {"relative_buckets": 32}, {"token_types": 0}])
def test_a_warm_start_reads_no_layer_and_gives_equal_vectors(changes, make):
    shape, values = make(**changes)
    cold = vectors(shape, values)
    assert np.array_equal(vectors(shape, NoLayers(values)), cold)
    assert np.array_equal(vectors(shape, values, identity=""), cold)


def test_nothing_is_kept_without_an_identity(make, home):
    vectors(*make(), identity="")
    assert not list(home.rglob("*.panels"))


def test_other_weights_shapes_and_kernels_have_files_of_their_own(make, home):
    shape, values = make()
    vectors(shape, values)
    other = make(seed=1)[1]
    assert not np.array_equal(vectors(shape, other, identity="others"), vectors(shape, values))
    NativeModel(*make(layers=1), "plain", 1, identity="weights")
    kernels = {kernel.name for kernel in native.kernels() if kernel.usable}
    for kernel in kernels:
        NativeModel(shape, values, kernel, 1, identity="weights")
    assert len(list(home.rglob("*.panels"))) == 2 + len(kernels)


def test_bad_weights_are_not_kept(make, home):
    shape, values = make()
    values["layers.0.key.weight"][0, 0] = np.nan
    for _ in range(2):
        with pytest.raises(ModelError, match=r"layers\.0\.key\.weight"):
            vectors(shape, values)
    assert not list(home.rglob("*.panels"))


@given(
    position=st.integers(0, 4096 + SIZE - 1) | st.integers(0, 70),
    bit=st.integers(0, 7),
    length=st.integers(0, 4096 + 2 * SIZE),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_or_other_length_is_seen(position, bit, length):
    file = place()
    file.store(numbers())
    whole = file.path.read_bytes()
    damaged = bytearray(whole)
    damaged[position] ^= 1 << bit
    file.path.write_bytes(damaged)
    assert file.load(SIZE) is None
    file.path.write_bytes(whole.ljust(length, b"\0")[:length])
    found = file.load(SIZE)
    assert found is None if length != len(whole) else found == numbers()
    file.path.write_bytes(whole)
    assert file.load(SIZE) == numbers()
    assert file.load(SIZE + 1) is None


def test_a_file_of_another_key_is_not_taken():
    place("one").store(numbers())
    place("one").path.rename(place("two").path)
    assert place("two").load(SIZE) is None


def test_damaged_files_are_made_again(make, home):
    shape, values = make()
    expected = vectors(shape, values)
    (path,) = home.rglob("*.panels")
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:5000] + b"\1" + whole[5001:], b"\0" * len(whole)):
        path.write_bytes(damaged)
        assert np.array_equal(vectors(shape, values), expected)
        assert path.read_bytes() == whole


def test_mapped_panels_are_read_only_and_outlive_their_file():
    file = place()
    file.store(numbers())
    mapped = file.load(SIZE)
    assert mapped.readonly
    file.path.unlink()
    assert mapped == numbers()


def test_a_cache_that_cannot_be_written_is_done_without(make, home, monkeypatch):
    (home / "file").write_bytes(b"")
    monkeypatch.setenv("NEARFIELD_HOME", str(home / "file"))
    shape, values = make()
    assert np.array_equal(vectors(shape, values), vectors(shape, values, identity=""))


def test_a_full_disk_leaves_nothing():
    resource = pytest.importorskip("resource")
    file = place()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096 + SIZE // 2, limits[1]))
    try:
        file.store(numbers())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(file.path.parent.iterdir()) == []


def test_an_interrupt_leaves_nothing(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    file = place()
    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        file.store(numbers())
    assert list(file.path.parent.iterdir()) == []


def age(path: Path, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_what_other_builds_left_is_removed_when_nobody_uses_it():
    unused, shared = place("a", "unused"), place("a", "shared")
    for file in (unused, shared):
        file.store(numbers())
        age(file.path, 8)
        age(file.path.parent, 8)
    shared.load(SIZE)
    draft = place().path.with_name("killed.draft")
    place("b").store(numbers())
    draft.write_bytes(b"")
    age(draft, 1)
    place().store(numbers())
    assert not unused.path.parent.exists()
    assert shared.load(SIZE) == numbers()
    assert not draft.exists()


def test_the_longest_unused_files_make_room(monkeypatch):
    monkeypatch.setattr(panel_files, "_LARGEST_TOTAL", 2 * (4096 + SIZE))
    files = [place(str(i)) for i in range(4)]
    for i, file in enumerate(files):
        file.store(numbers(i))
        age(file.path, 4 - i)
        if i == 1:
            files[0].load(SIZE)  # marks it as used
    assert [file.path.exists() for file in files] == [True, False, False, True]


@pytest.mark.slow
def test_processes_may_meet_at_their_first_use(home):
    code = """
import numpy as np, sys
from nearfield.models.transformer.native import library
from nearfield.models.transformer.native.panels import PanelFile
file = PanelFile("build", "key", library.library().nf_checksum)
content = memoryview(np.arange(1 << 20, dtype=np.uint8))
for _ in range(20):
    found = file.load(len(content))
    assert found is None or found == content
    file.store(content)
assert file.load(len(content)) == content
"""
    workers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    assert [path.suffix for path in home.rglob("*") if path.is_file()] == [".panels"]
