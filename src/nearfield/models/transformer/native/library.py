"""The compiled library: found, checked and called through its C interface.

It is optional. Whatever is missing (the file, a matching version, a processor it knows) is told
by :func:`available`, and other runtimes serve.
"""

from __future__ import annotations

import ctypes
import hashlib
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint64,
    c_void_p,
)  # fmt: skip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nearfield.compiled import NO_KERNEL, Availability, check_status, named_kernel, open_library
from nearfield.models.precision import Precision
from nearfield.models.transformer.native import selfcheck

__all__ = [
    "ABI_VERSION",
    "KERNEL_VARIABLE",
    "Availability",
    "Kernel",
    "available",
    "choose",
    "chosen_by_name",
    "kernels",
    "library",
]

ABI_VERSION = 2
"""Raised together with NF_ABI_VERSION in ``csrc/nearfield_native.h``."""

KERNEL_VARIABLE = "NEARFIELD_NATIVE_KERNEL"
"""Environment variable that names the kernel to use, to measure or test one; ``none`` uses none."""

PLACE = Path(__file__).parent / "libnearfield_native.so"

_REFERENCE = "plain"  # what the others are checked against

_PRECISIONS = (Precision.EXACT, Precision.FAST)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One implementation of the encoder.

    Attributes
    ----------
    name : str
        Such as ``avx512``.
    precision : Precision
    usable : bool
        Whether this processor and system run it.
    only_by_name : bool
        Made for tests, never chosen by itself.
    """

    name: str
    precision: Precision
    usable: bool
    only_by_name: bool


class Shape(ctypes.Structure):
    """``nf_shape``."""

    _fields_ = [
        *((name, c_int64) for name in ("layers", "hidden", "heads", "intermediate")),
        *((name, c_int64) for name in ("vocabulary", "positions", "padding_id", "activation")),
        ("relative", c_int64),
        ("norm_epsilon", c_double),
    ]


LAYER_PARTS = tuple(
    f"{part}.{kind}"
    for part in ("query", "key", "value", "attended", "attended_norm", "widen", "narrow", "norm")
    for kind in ("weight", "bias")
)
"""A layer's weights by our names, in the order of ``nf_layer_weights``."""


class LayerWeights(ctypes.Structure):
    """``nf_layer_weights``."""

    _fields_ = [(name.replace(".", "_"), c_void_p) for name in LAYER_PARTS]


class Weights(ctypes.Structure):
    """``nf_weights``."""

    _fields_ = [
        *((name, c_void_p) for name in ("token_type", "norm_weight", "norm_bias", "relative_bias")),
        ("layers", POINTER(LayerWeights)),
    ]


def available() -> Availability:
    """Say whether the native encoder can be used, and why or why not.

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
    runs = [kernel for kernel in kernels() if kernel.usable]
    faults = {kernel.name: fault(kernel) for kernel in runs}
    sound = tuple(kernel.name for kernel in runs if not faults[kernel.name])
    shown = ", ".join(
        kernel.name for kernel in runs if not kernel.only_by_name and kernel.name in sound
    )
    refused = "".join(f"; {name} is not used: {why}" for name, why in faults.items() if why)
    return Availability(bool(sound), f"this processor runs {shown or 'none'}{refused}", sound)


def chosen_by_name() -> str | None:
    """Name in the environment variable :data:`KERNEL_VARIABLE`, if it is set."""
    return named_kernel(KERNEL_VARIABLE)


def choose(precision: Precision) -> Kernel | None:
    """Return the kernel to use for a precision class, if there is one.

    It is the preferred usable one that passes its check, or, if the environment names one of
    this class, that one.
    """
    named = chosen_by_name()
    try:
        candidates = [k for k in kernels() if k.usable and k.precision is precision]
    except OSError:
        return None
    if named == NO_KERNEL:
        return None
    by_name = [kernel for kernel in candidates if kernel.name == named]
    by_rank = [kernel for kernel in candidates if not kernel.only_by_name]
    return next((kernel for kernel in by_name + by_rank if not fault(kernel)), None)


@cache
def fault(kernel: Kernel) -> str:
    """Why a usable kernel must not be trusted on this machine; empty where it may be.

    Found out by computing a small encoder with it and with plain C, once for each version of the
    library and each machine.
    """
    if kernel.only_by_name or kernel.name == _REFERENCE:
        return ""
    native = library()
    names = [native.nf_kernel_name(i).decode() for i in range(native.nf_kernel_count())]

    def check() -> str:
        message = ctypes.create_string_buffer(256)
        status = native.nf_kernel_check(names.index(kernel.name), message, 256)
        return message.value.decode(errors="replace") if status else ""

    return selfcheck.remembered(f"{build()}-{kernel.name}", check)


@cache
def kernels() -> tuple[Kernel, ...]:
    """All kernels of the library, the preferred ones of each precision first."""
    native = library()
    return tuple(
        Kernel(
            name=native.nf_kernel_name(i).decode(),
            precision=_PRECISIONS[native.nf_kernel_precision(i)],
            usable=bool(native.nf_kernel_usable(i)),
            only_by_name=bool(native.nf_kernel_only_by_name(i)),
        )
        for i in range(native.nf_kernel_count())
    )


@cache
def library() -> ctypes.CDLL:
    """Open the library.

    Raises
    ------
    OSError
        It is not there, cannot be loaded, or is of another version.
    """
    return load(PLACE)


@cache
def build() -> str:
    """Digest of the library's file: what is kept on disk belongs to one build only."""
    return hashlib.sha256(PLACE.read_bytes()).hexdigest()[:16]


def load(path: Path) -> ctypes.CDLL:
    """Open a library and declare its functions; raises like :func:`library`."""
    native = open_library(path, "nf_abi_version", ABI_VERSION)
    native.nf_kernel_name.restype = c_char_p
    native.nf_kernel_check.argtypes = [c_int32, c_char_p, c_size_t]
    native.nf_panels_bytes.argtypes = [
        POINTER(Shape), c_char_p, POINTER(c_int64), c_char_p, c_size_t,
    ]  # fmt: skip
    native.nf_panels_fill.argtypes = [
        POINTER(Shape), POINTER(Weights), c_char_p, c_int32, c_void_p, c_int64, c_char_p, c_size_t,
    ]  # fmt: skip
    native.nf_checksum.argtypes = [c_void_p, c_int64]
    native.nf_checksum.restype = c_uint64
    native.nf_model_new.argtypes = [
        POINTER(Shape), c_char_p, c_void_p, c_void_p, c_void_p, c_int64, POINTER(c_void_p),
        c_char_p, c_size_t,
    ]  # fmt: skip
    native.nf_model_free.argtypes = [c_void_p]
    native.nf_model_free.restype = None
    native.nf_encode.argtypes = [
        c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_int32, c_void_p, c_int64, c_int32,
        c_char_p, c_size_t,
    ]  # fmt: skip
    return native


def panels_bytes(shape: Shape, kernel: str) -> int:
    """Call ``nf_panels_bytes``; raises like :func:`check`."""
    found = c_int64()
    message = ctypes.create_string_buffer(256)
    check(
        library().nf_panels_bytes(byref(shape), kernel.encode(), byref(found), message, 256),
        message,
    )
    return found.value


def fill_panels(
    shape: Shape, weights: Weights, kernel: str, threads: int, panels: int, size: int
) -> None:
    """Call ``nf_panels_fill`` with the address of `size` zeroed bytes.

    Raises like :func:`check`.
    """
    message = ctypes.create_string_buffer(256)
    status = library().nf_panels_fill(
        byref(shape), byref(weights), kernel.encode(), threads, panels, size, message, 256
    )
    check(status, message)


def new_model(
    shape: Shape, kernel: str, tables: tuple[int, int], panels: int, size: int
) -> c_void_p:
    """Call ``nf_model_new`` with the addresses of words and positions, and of the panels.

    Raises like :func:`check`.
    """
    handle = c_void_p()
    message = ctypes.create_string_buffer(256)
    status = library().nf_model_new(
        byref(shape), kernel.encode(), *tables, panels, size, byref(handle), message, 256
    )
    check(status, message)
    return handle


def check(status: int, message: ctypes.Array[ctypes.c_char]) -> None:
    """Turn a status of the library into an exception.

    Raises
    ------
    MemoryError
        There is not enough of it.
    ValueError
        The library refused what it was given; the message says why.
    """
    text = message.value.decode(errors="replace") if status else ""
    check_status(status, refused=text, no_memory=text)
