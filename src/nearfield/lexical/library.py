"""The compiled library: found, checked and called through its C interface.

It is optional. Whatever is missing is told by :func:`available`, and NumPy serves with the same
results.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "ABI_VERSION", "KERNEL_VARIABLE", "Availability", "Scoring", "available", "chosen", "kernel",
    "library", "load",
]  # fmt: skip

ABI_VERSION = 1
"""Raised together with NFL_ABI_VERSION in ``csrc/nearfield_lexical.h``."""

KERNEL_VARIABLE = "NEARFIELD_LEXICAL_KERNEL"
"""Environment variable that names the kernel to use, to measure or test one; ``none`` is NumPy."""

PLACE = Path(__file__).parent / "libnearfield_lexical.so"


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether compiled text search can be used here.

    Attributes
    ----------
    usable : bool
    reason : str
        For people: what there is, or what is missing.
    kernels : tuple of str
        Usable kernels, the preferred one first.
    """

    usable: bool
    reason: str
    kernels: tuple[str, ...] = ()


class Scoring(ctypes.Structure):
    """``nfl_scoring``."""

    _fields_ = [
        ("formula", c_int64),
        ("k1", c_double),
        ("b", c_double),
        ("average", c_double),
    ]


def available() -> Availability:
    """Say whether compiled text search can be used, and why or why not.

    Examples
    --------
    >>> isinstance(available().reason, str)
    True
    """
    try:
        library()
    except OSError as error:
        return Availability(False, str(error))
    names = tuple(name for name, usable in _kernels() if usable)
    return Availability(True, f"this processor runs {', '.join(names)}", names)


def chosen() -> ctypes.CDLL | None:
    """Return the library to use, or None where NumPy serves."""
    if os.environ.get(KERNEL_VARIABLE) == "none":
        return None
    return _usable()


@cache
def _usable() -> ctypes.CDLL | None:
    try:
        return library()
    except OSError:
        return None


def kernel() -> int:
    """Index of the kernel to use: the preferred usable one, or the one the environment names."""
    return _kernel(os.environ.get(KERNEL_VARIABLE))


@cache
def _kernel(named: str | None) -> int:
    usable = [index for index, (_, usable) in enumerate(_kernels()) if usable]
    by_name = [index for index in usable if _kernels()[index][0] == named]
    return (by_name + usable)[0]


@cache
def _kernels() -> tuple[tuple[str, bool], ...]:
    native = library()
    return tuple(
        (native.nfl_kernel_name(i).decode(), bool(native.nfl_kernel_usable(i)))
        for i in range(native.nfl_kernel_count())
    )


@cache
def library() -> ctypes.CDLL:
    """Open the library.

    Raises
    ------
    OSError
        It is not there, cannot be loaded, or is of another version.
    """
    if not PLACE.is_file():
        raise OSError(
            f"the compiled part is not installed ({PLACE.name} is missing): there was no C "
            "compiler when Nearfield was installed"
        )
    return load(PLACE)


def load(path: Path) -> ctypes.CDLL:
    """Load a library and declare its functions; raises OSError for another version."""
    native = ctypes.CDLL(str(path))
    version = native.nfl_abi_version() if hasattr(native, "nfl_abi_version") else None
    if version != ABI_VERSION:
        raise OSError(
            f"{path} has interface version {version}, expected {ABI_VERSION}: install Nearfield "
            "again"
        )
    native.nfl_search.argtypes = [
        c_char_p, c_int64, c_char_p, c_int64, c_void_p, c_int64, POINTER(Scoring), c_void_p,
        c_int64, c_int64, c_void_p, c_void_p, c_void_p, POINTER(c_int64),
    ]  # fmt: skip
    native.nfl_search.restype = c_int32
    native.nfl_read.argtypes = [c_char_p, c_char_p, c_void_p, c_void_p]
    native.nfl_read.restype = c_int32
    native.nfl_find.argtypes = [c_void_p, c_void_p, c_int64, c_char_p, c_int64]
    native.nfl_find.restype = c_int64
    native.nfl_variable.argtypes = [c_void_p, c_int64, c_void_p, c_int64]
    native.nfl_variable.restype = c_int64
    native.nfl_places.argtypes = [
        c_int32, c_void_p, c_int64, c_char_p, c_int64, c_void_p, c_int64,
    ]  # fmt: skip
    native.nfl_places.restype = c_int64
    native.nfl_kernel_name.restype = c_char_p
    return native
