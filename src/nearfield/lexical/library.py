"""The compiled library: found, checked and called through its C interface.

It is optional. Whatever is missing is told by :func:`available`, and NumPy serves with the same
results.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from nearfield.compiled import (
    NO_KERNEL,
    Availability,
    Kernel,
    availability,
    kernels_of,
    named_kernel,
    open_library,
    preferred,
)

__all__ = [
    "ABI_VERSION", "KERNEL_VARIABLE", "Availability", "Batch", "Scoring", "Source", "available",
    "chosen", "finder", "kernel", "library", "load",
]  # fmt: skip

ABI_VERSION = 3
"""Raised together with NFL_ABI_VERSION in ``csrc/nearfield_lexical.h``."""

KERNEL_VARIABLE = "NEARFIELD_LEXICAL_KERNEL"
"""Environment variable that names the kernel to use, to measure or test one; ``none`` is NumPy."""

PLACE = Path(__file__).parent / "libnearfield_lexical.so"

_FIND: list[Any] = [c_void_p, c_void_p, c_int64, c_char_p, c_int64]


class Scoring(ctypes.Structure):
    """``nfl_scoring``."""

    _fields_ = [
        ("formula", c_int64),
        ("k1", c_double),
        ("b", c_double),
        ("average", c_double),
    ]


class Batch(ctypes.Structure):
    """``nfl_batch``."""

    _fields_ = [
        ("found", c_void_p),
        ("counts", c_void_p),
        ("found_count", c_int64),
        ("texts", c_int64),
        ("widths", c_void_p),
        ("starts", c_void_p),
        ("terms", c_void_p),
        ("offsets", c_void_p),
        ("surface_starts", c_void_p),
        ("surfaces", c_void_p),
        ("surface_terms", c_void_p),
        ("words", c_void_p),
        ("keys", c_void_p),
        ("spelt", c_void_p),
        ("with_positions", c_int64),
    ]


class Source(ctypes.Structure):
    """``nfl_source``."""

    _fields_ = [
        ("segment", c_uint64 * 9),
        ("keys", c_void_p),
        ("key_ends", c_void_p),
        ("terms", c_void_p),
        ("positions", c_void_p),
        ("surfaces", c_void_p),
        ("surface_ends", c_void_p),
        ("surface_terms", c_void_p),
        ("key_count", c_uint64),
        ("key_bytes", c_uint64),
        ("position_bytes", c_uint64),
        ("surface_count", c_uint64),
        ("surface_bytes", c_uint64),
    ]


def available() -> Availability:
    """Say whether compiled text search can be used, and why or why not.

    Examples
    --------
    >>> isinstance(available().reason, str)
    True
    """
    return availability(library, _kernels)


def chosen() -> ctypes.CDLL | None:
    """Return the library to use, or None where NumPy serves."""
    return _chosen(named_kernel(KERNEL_VARIABLE))


@cache
def _chosen(named: str | None) -> ctypes.CDLL | None:
    if named == NO_KERNEL:
        return None
    try:
        return library()
    except OSError:
        return None


def finder() -> Any:  # noqa: ANN401 - a function of a library
    """Return ``nfl_find``, or None where Python serves.

    It takes less time than giving Python's lock away and getting it back, so it keeps it.
    """
    return None if chosen() is None else _finder()


@cache
def _finder() -> Any:  # noqa: ANN401
    found = ctypes.PyDLL(str(PLACE)).nfl_find
    found.argtypes = _FIND
    found.restype = c_int64
    return found


def kernel() -> int:
    """Index of the kernel to use: the preferred usable one, or the one the environment names."""
    return _kernel(named_kernel(KERNEL_VARIABLE))


@cache
def _kernel(named: str | None) -> int:
    found = preferred(_kernels(), named)
    if found is None:
        raise OSError(f"{PLACE.name} has no kernel for this processor: install Nearfield again")
    return found.index


@cache
def _kernels() -> tuple[Kernel, ...]:
    return kernels_of(library(), "nfl")


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
    native = open_library(path, "nfl_abi_version", ABI_VERSION)
    native.nfl_search.argtypes = [
        c_char_p, c_int64, c_char_p, c_int64, c_void_p, c_int64, POINTER(Scoring), c_void_p,
        c_int64, c_int64, c_void_p, c_void_p, c_void_p, POINTER(c_int64),
    ]  # fmt: skip
    native.nfl_search.restype = c_int32
    native.nfl_read.argtypes = [c_char_p, c_char_p, c_void_p, c_void_p]
    native.nfl_read.restype = c_int32
    native.nfl_find.argtypes = _FIND
    native.nfl_find.restype = c_int64
    native.nfl_variable.argtypes = [c_void_p, c_int64, c_void_p, c_int64]
    native.nfl_variable.restype = c_int64
    native.nfl_places.argtypes = [
        c_int32, c_void_p, c_int64, c_char_p, c_int64, c_void_p, c_int64,
    ]  # fmt: skip
    native.nfl_places.restype = c_int64
    _declare_building(native)
    return native


def _declare_building(native: ctypes.CDLL) -> None:
    """The functions that make segments."""
    declared = {
        "nfl_vocabulary_new": (c_void_p, []),
        "nfl_vocabulary_free": (None, [c_void_p]),
        "nfl_vocabulary_size": (c_int64, [c_void_p]),
        "nfl_vocabulary_lines": (c_void_p, [c_void_p, c_int64, POINTER(c_int64)]),
        "nfl_vocabulary_number": (c_int32, [c_void_p, c_char_p, c_int64, c_int64, c_void_p]),
        "nfl_words": (
            c_int64,
            [
                c_void_p, c_char_p, c_int64, c_void_p, c_int64, c_char_p, c_int64, c_void_p,
                c_void_p, c_void_p,
            ],
        ),
        "nfl_split": (c_int64, [c_void_p, c_int64, c_void_p, c_void_p, c_void_p]),
        "nfl_invert": (c_void_p, [POINTER(Batch), c_void_p]),
        "nfl_merge": (
            c_int32, [c_void_p, c_int64, c_void_p, c_void_p, c_int32, POINTER(c_void_p)],
        ),
        "nfl_sections_data": (c_void_p, [c_void_p, c_int32, POINTER(c_int64)]),
        "nfl_sections_free": (None, [c_void_p]),
    }  # fmt: skip
    for name, (result, arguments) in declared.items():
        function = getattr(native, name)
        function.restype, function.argtypes = result, arguments
