"""What all compiled libraries have in common: how one is chosen, checked and explained."""

from __future__ import annotations

import ctypes

import pytest

from nearfield.compiled import (
    Availability,
    Kernel,
    availability,
    check_status,
    check_version,
    named_kernel,
    open_library,
    preferred,
)

WIDE, NARROW, PLAIN = Kernel("wide", 0, False), Kernel("narrow", 1, True), Kernel("plain", 2, True)
ALL = (WIDE, NARROW, PLAIN)


def test_the_first_usable_kernel_is_preferred_unless_a_usable_one_is_named():
    assert preferred(ALL, None) is NARROW
    assert preferred(ALL, "plain") is PLAIN
    assert preferred(ALL, "wide") is NARROW  # named, but this processor does not run it
    assert preferred(ALL, "abacus") is NARROW
    assert preferred((WIDE,), "wide") is None


def test_a_kernel_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("NEARFIELD_SOME_KERNEL", "plain")
    assert named_kernel("NEARFIELD_SOME_KERNEL") == "plain"
    monkeypatch.setenv("NEARFIELD_SOME_KERNEL", "")
    assert named_kernel("NEARFIELD_SOME_KERNEL") is None
    monkeypatch.delenv("NEARFIELD_SOME_KERNEL")
    assert named_kernel("NEARFIELD_SOME_KERNEL") is None


def test_what_is_there_or_missing_is_told(tmp_path):
    place = tmp_path / "libnearfield_some.so"
    found = availability(lambda: open_library(place, "some_version", 1), lambda: ALL)
    assert found == Availability(
        False,
        "the compiled part is not installed (libnearfield_some.so is missing): there was no C "
        "compiler when Nearfield was installed",
    )
    place.write_bytes(b"\x7fELF not really")
    found = availability(lambda: open_library(place, "some_version", 1), lambda: ALL)
    assert not found.usable
    assert "libnearfield_some.so" in found.reason
    program = ctypes.CDLL(None)
    found = availability(lambda: program, lambda: ALL)
    assert found == Availability(True, "this processor runs narrow, plain", ("narrow", "plain"))


def test_a_library_without_the_expected_version_is_refused():
    message = "some.so has interface version None, expected 7: install Nearfield again"
    with pytest.raises(OSError, match=message):
        check_version(ctypes.CDLL(None), "nearfield_has_no_such", 7, "some.so has interface")


def test_statuses_become_exceptions():
    check_status(0, refused="refused", no_memory="no memory")
    for status, error, told in ((1, ValueError, "refused"), (2, MemoryError, "no memory")):
        with pytest.raises(error, match=told):
            check_status(status, refused="refused", no_memory="no memory")
