"""The compiled library: found, checked and called through its C interface.

It is optional. Whatever is missing (the file, a matching version, a processor it knows) is told
by :func:`available`, and NumPy serves with the same results.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "ABI_VERSION",
    "KERNEL_VARIABLE",
    "Availability",
    "Kernel",
    "Space",
    "available",
    "check",
    "choose",
    "kernels",
    "library",
    "load",
]

ABI_VERSION = 2
"""Raised together with NFA_ABI_VERSION in ``csrc/nearfield_ann.h``."""

KERNEL_VARIABLE = "NEARFIELD_ANN_KERNEL"
"""Environment variable that names the kernel to use, to measure or test one; ``none`` is NumPy."""

PLACE = Path(__file__).parent / "libnearfield_ann.so"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One implementation of the inner loops.

    Attributes
    ----------
    name : str
        ``plain``, ``avx2`` or ``avx512``.
    index : int
        Its number in the library's functions.
    usable : bool
        Whether this processor runs it.
    """

    name: str
    index: int
    usable: bool


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether compiled vector search can be used here.

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


class Space(ctypes.Structure):
    """``nfa_space``."""

    _fields_ = [
        *((name, c_int64) for name in ("dimension", "width", "metric", "rounds")),
        ("centre", c_void_p),
        ("signs", c_void_p),
        ("scale", c_double),
    ]


def available() -> Availability:
    """Say whether compiled vector search can be used, and why or why not.

    Examples
    --------
    >>> found = available()
    >>> found.usable == bool(found.kernels)
    True
    """
    try:
        library()
    except OSError as error:
        return Availability(False, str(error))
    names = tuple(kernel.name for kernel in kernels() if kernel.usable)
    return Availability(True, f"this processor runs {', '.join(names)}", names)


def choose() -> Kernel | None:
    """Return the kernel to use, or None where NumPy serves.

    It is the preferred usable one, or the one that :data:`KERNEL_VARIABLE` names if this
    processor runs it.
    """
    named = os.environ.get(KERNEL_VARIABLE) or None
    if named == "none":
        return None
    return _chosen(named)


@cache
def _chosen(named: str | None) -> Kernel | None:
    try:
        usable = [kernel for kernel in kernels() if kernel.usable]
    except OSError:
        return None
    by_name = [kernel for kernel in usable if kernel.name == named]
    return next(iter(by_name + usable), None)


@cache
def kernels() -> tuple[Kernel, ...]:
    """All kernels of the library, the preferred ones first."""
    native = library()
    return tuple(
        Kernel(native.nfa_kernel_name(i).decode(), i, bool(native.nfa_kernel_usable(i)))
        for i in range(native.nfa_kernel_count())
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
    """Load a library and check its version; raises OSError for another one."""
    native = ctypes.CDLL(str(path))
    version = native.nfa_abi_version() if hasattr(native, "nfa_abi_version") else None
    if version != ABI_VERSION:
        raise OSError(
            f"{path} has interface version {version}, expected {ABI_VERSION}: install Nearfield "
            "again"
        )
    native.nfa_kernel_name.restype = c_char_p
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
        c_int32, POINTER(Space), c_void_p, c_int64, *queries, c_int64, c_int64, c_void_p,
        c_void_p, c_void_p,
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
    match status:
        case 0:
            return
        case 2:
            raise MemoryError("compiled vector search ran out of memory")
        case 3:
            raise OSError("a vector record could not be read: the file is shorter than expected")
        case _:
            raise ValueError("compiled vector search refused its arguments")
