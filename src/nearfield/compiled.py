"""What all optional compiled libraries have in common: found, checked, explained where missing.

A library lies beside the package that calls it. Each has functions that tell its interface's
version and its kernels, which are the same computation for different processors.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "NO_KERNEL",
    "Availability",
    "Kernel",
    "address",
    "availability",
    "check_status",
    "check_version",
    "kernels_of",
    "named_kernel",
    "open_library",
    "preferred",
]

NO_KERNEL = "none"
"""The name of a kernel that means none of the compiled ones."""

_OUT_OF_MEMORY = 2  # in every library; 0 is success


@dataclass(frozen=True, slots=True)
class Kernel:
    """One implementation of a library's inner loops.

    Attributes
    ----------
    name : str
        Such as ``plain``, ``avx2`` or ``avx512``.
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
    """Whether a compiled library can be used here.

    Attributes
    ----------
    usable : bool
    reason : str
        For people: what there is, or what is missing.
    kernels : tuple of str
        Usable kernels, the preferred ones first.
    """

    usable: bool
    reason: str
    kernels: tuple[str, ...] = ()


def open_library(path: Path, version_function: str, expected: int) -> ctypes.CDLL:
    """Open a library, whose functions are not declared yet.

    Raises
    ------
    OSError
        It is not there, cannot be loaded, or has another version of the interface.
    """
    if not path.is_file():
        raise OSError(
            f"the compiled part is not installed ({path.name} is missing): there was no C "
            "compiler when Nearfield was installed"
        )
    native = ctypes.CDLL(str(path))
    check_version(native, version_function, expected, f"{path} has interface")
    return native


def check_version(native: ctypes.CDLL, function: str, expected: int, what: str) -> None:
    """Raise OSError unless a function of the library returns the expected version."""
    version = getattr(native, function)() if hasattr(native, function) else None
    if version != expected:
        raise OSError(f"{what} version {version}, expected {expected}: install Nearfield again")


def kernels_of(native: ctypes.CDLL, prefix: str) -> tuple[Kernel, ...]:
    """All kernels of a library whose functions begin with `prefix`, the preferred ones first."""
    count, usable = native[f"{prefix}_kernel_count"], native[f"{prefix}_kernel_usable"]
    name = native[f"{prefix}_kernel_name"]
    name.restype = ctypes.c_char_p
    return tuple(Kernel(name(i).decode(), i, bool(usable(i))) for i in range(count()))


def preferred(kernels: Iterable[Kernel], named: str | None) -> Kernel | None:
    """The first usable kernel, or the usable one of that name."""
    usable = [kernel for kernel in kernels if kernel.usable]
    by_name = [kernel for kernel in usable if kernel.name == named]
    return next(iter(by_name + usable), None)


def named_kernel(variable: str) -> str | None:
    """Name of a kernel in an environment variable; None where it is empty or not set."""
    return os.environ.get(variable) or None


def availability(
    library: Callable[[], ctypes.CDLL], kernels: Callable[[], Iterable[Kernel]]
) -> Availability:
    """Say which kernels this processor runs, or why the library cannot be opened."""
    try:
        library()
    except OSError as error:
        return Availability(False, str(error))
    names = tuple([kernel.name for kernel in kernels() if kernel.usable])
    return Availability(True, f"this processor runs {', '.join(names)}", names)


def address(array: npt.NDArray[np.generic]) -> int:
    """Where an array's bytes lie; ``array.ctypes.data``, a microsecond or two sooner."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    except (TypeError, ValueError):  # read-only, empty or with gaps
        return int(array.ctypes.data)


def check_status(status: int, *, refused: str, no_memory: str) -> None:
    """Turn a status of a library into an exception.

    Raises
    ------
    MemoryError
        There is not enough of it.
    ValueError
        The library refused its arguments.
    """
    if status == 0:
        return
    if status == _OUT_OF_MEMORY:
        raise MemoryError(no_memory)
    raise ValueError(refused)
