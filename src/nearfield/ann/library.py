"""The compiled library: found, checked and called through its C interface.

It is optional. Whatever is missing (the file, a matching version, a processor it knows) is told
by :func:`available`, and NumPy serves with the same results.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_float, c_int32, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from nearfield.compiled import (
    NO_KERNEL,
    Availability,
    Kernel,
    availability,
    check_status,
    kernels_of,
    named_kernel,
    open_library,
    preferred,
)

__all__ = [
    "ABI_VERSION",
    "KERNEL_VARIABLE",
    "Availability",
    "Collection",
    "Kernel",
    "Lists",
    "Space",
    "available",
    "check",
    "choose",
    "kernels",
    "library",
    "load",
]

ABI_VERSION = 4
"""Raised together with NFA_ABI_VERSION in ``csrc/nearfield_ann.h``."""

KERNEL_VARIABLE = "NEARFIELD_ANN_KERNEL"
"""Environment variable that names the kernel to use, to measure or test one; ``none`` is NumPy."""

PLACE = Path(__file__).parent / "libnearfield_ann.so"

_READ_FAILED = 3  # NFA_IO


class Space(ctypes.Structure):
    """``nfa_space``."""

    _fields_ = [
        *((name, c_int64) for name in ("dimension", "width", "metric", "rounds")),
        ("centre", c_void_p),
        ("signs", c_void_p),
        ("scale", c_double),
    ]


class Lists(ctypes.Structure):
    """``nfa_lists``."""

    _fields_ = [
        *(
            (name, c_void_p)
            for name in (
                "blocks", "starts", "means", "steps", "adds", "spreads", "add_spreads",
            )
        ),
        ("count", c_int64),
        ("covered", c_int64),
        ("reach", c_float),
    ]  # fmt: skip


class Collection(ctypes.Structure):
    """``nfa_collection``."""

    _fields_ = [
        ("space", POINTER(Space)),
        ("segments", c_void_p),
        ("lists", POINTER(Lists)),
        *((name, c_int64) for name in ("covered", "slots", "offset", "stride")),
        ("file", c_int32),
        ("kernel", c_int32),
    ]


def available() -> Availability:
    """Say whether compiled vector search can be used, and why or why not.

    Examples
    --------
    >>> found = available()
    >>> found.usable == bool(found.kernels)
    True
    """
    return availability(library, kernels)


def choose() -> Kernel | None:
    """Return the kernel to use, or None where NumPy serves.

    It is the preferred usable one, or the one that :data:`KERNEL_VARIABLE` names if this
    processor runs it.
    """
    return _chosen(named_kernel(KERNEL_VARIABLE))


@cache
def _chosen(named: str | None) -> Kernel | None:
    if named == NO_KERNEL:
        return None
    try:
        return preferred(kernels(), named)
    except OSError:
        return None


@cache
def kernels() -> tuple[Kernel, ...]:
    """All kernels of the library, the preferred ones first."""
    return kernels_of(library(), "nfa")


@cache
def library() -> ctypes.CDLL:
    """Open the library.

    Raises
    ------
    OSError
        It is not there, cannot be loaded, or is of another version.
    """
    return load(PLACE)


def load(path: Path) -> ctypes.CDLL:
    """Open a library and declare its functions; raises like :func:`library`."""
    native = open_library(path, "nfa_abi_version", ABI_VERSION)
    shape: list[Any] = [c_int64, c_int64, c_int64, c_int32]  # stride, count, dimension, metric
    answer: list[Any] = [c_int64, c_void_p, c_void_p]  # k, slots, scores
    queries: list[Any] = [c_void_p, c_int64]
    native.nfa_exact_search.argtypes = [
        c_int32, c_void_p, *shape, *queries, c_int64, c_void_p, c_void_p, c_void_p,
    ]  # fmt: skip
    native.nfa_rescore.argtypes = [c_int32, c_void_p, *shape, *queries, *queries, *answer]
    native.nfa_rescore_file.argtypes = [
        c_int32, c_int32, c_int64, *shape, *queries, *queries, *answer,
    ]  # fmt: skip
    native.nfa_read.argtypes = [
        c_int32, c_int64, c_int64, c_int64, c_void_p, c_int64, c_void_p,
    ]  # fmt: skip
    native.nfa_encode.argtypes = [
        c_int32, POINTER(Space), c_void_p, c_int64, c_int64, c_void_p, c_int64,
    ]  # fmt: skip
    native.nfa_code_search.argtypes = [
        c_int32, POINTER(Space), c_void_p, c_int64, POINTER(Lists), *queries, c_int64, c_int64,
        c_void_p, c_void_p, c_void_p,
    ]  # fmt: skip
    native.nfa_nearest.argtypes = [
        POINTER(Collection), *queries, c_int64, c_int64, c_void_p, c_int64, c_void_p, c_void_p,
        c_void_p,
    ]  # fmt: skip
    return native


def check(status: int) -> None:
    """Turn a status of the library into an exception.

    Raises
    ------
    MemoryError
    ValueError
        An argument the caller should have checked.
    OSError
        A record could not be read.
    """
    if status == _READ_FAILED:
        raise OSError("a vector record could not be read: the file is shorter than expected")
    check_status(
        status,
        refused="compiled vector search refused its arguments",
        no_memory="compiled vector search ran out of memory",
    )
