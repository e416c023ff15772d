"""The compiled library: found, named and chosen."""

from __future__ import annotations

import pytest

from nearfield.ann import library

NAMES = library.available().kernels
compiled = pytest.mark.skipif(not NAMES, reason="there is no compiled library here")


@compiled
def test_the_best_kernel_is_chosen_unless_another_one_is_named(monkeypatch):
    monkeypatch.delenv(library.KERNEL_VARIABLE, raising=False)
    assert library.choose().name == NAMES[0]
    assert NAMES[-1] == "plain"
    for name in NAMES:
        monkeypatch.setenv(library.KERNEL_VARIABLE, name)
        assert library.choose().name == name


def test_none_means_numpy(monkeypatch):
    monkeypatch.setenv(library.KERNEL_VARIABLE, "none")
    assert library.choose() is None


@compiled
def test_a_library_of_another_version_is_refused(monkeypatch):
    version = library.ABI_VERSION
    monkeypatch.setattr(library, "ABI_VERSION", 99)
    with pytest.raises(OSError, match=rf"has interface version {version}, expected 99"):
        library.load(library.PLACE)


def test_a_missing_library_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "PLACE", tmp_path / "libnearfield_ann.so")
    library.library.cache_clear()
    try:
        found = library.available()
    finally:
        library.library.cache_clear()
    assert not found.usable
    assert "libnearfield_ann.so is missing" in found.reason


def test_statuses_become_exceptions():
    library.check(0)
    for status, error in ((1, ValueError), (2, MemoryError), (3, OSError)):
        with pytest.raises(error):
            library.check(status)
