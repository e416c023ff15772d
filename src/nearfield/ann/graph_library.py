"""The graph's part of the compiled library, declared and called."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_float, c_int32, c_int64, c_uint32, c_void_p
from functools import cache

import numpy as np
import numpy.typing as npt

from nearfield.ann import library
from nearfield.ann.damage import DamagedIndex
from nearfield.compiled import check_version
from nearfield.errors import InputError, VectorRejected
from nearfield.types import FloatArray, IntArray

__all__ = ["VERSION", "View", "chosen_kernel", "encode", "insert", "search"]

VERSION = 1
"""Raised together with NF_GRAPH_VERSION in ``csrc/graph.h``."""

Bytes = npt.NDArray[np.uint8]


class View(ctypes.Structure):
    """``nf_graph``: addresses of arrays that whoever makes a view keeps alive."""

    _fields_ = [
        ("rows", c_void_p), ("stride", c_int64), ("terms", c_void_p), ("dimension", c_int64),
        ("metric", c_int32), ("format", c_int32), ("count", c_int64), ("upper_count", c_int64),
        ("m", c_int32), ("top", c_int32), ("entry", c_uint32), ("kernel", c_int32),
        ("levels", c_void_p), ("base", c_void_p), ("upper_at", c_void_p), ("upper", c_void_p),
    ]  # fmt: skip


def chosen_kernel() -> int | None:
    """Number of the graph's kernel to use, or None where NumPy serves.

    It follows :func:`nearfield.ann.library.choose`; where the graph needs more of a processor
    than that kernel of the scan, the best one that runs is taken.
    """
    chosen = library.choose()
    return None if chosen is None else _kernel_like(chosen.name)


@cache
def _kernel_like(name: str) -> int | None:
    try:
        functions = _functions()
    except OSError:
        return None
    usable = [i for i in range(functions.nf_graph_kernels()) if functions.nf_graph_kernel_usable(i)]
    same = [i for i in usable if functions.nf_graph_kernel_name(i).decode() == name]
    return next(iter(same + usable), None)


def encode(
    vectors: FloatArray,
    metric: int,
    centre: FloatArray | None,
    radius: float,
    rows: Bytes,
) -> None:
    """Quantise strided float32 vectors (n, dimension) into int8 rows (n, stride).

    Raises
    ------
    VectorRejected
        A vector holds NaN or infinity.
    """
    status = _functions().nf_graph_encode(
        vectors.ctypes.data, vectors.strides[0], len(vectors), vectors.shape[1], metric,
        None if centre is None else centre.ctypes.data, radius, rows.ctypes.data, rows.strides[0],
    )  # fmt: skip
    _check(status)


def insert(view: View, first: int, ef: int, *, keep_pruned: bool, threads: int) -> None:
    """Insert the slots [first, view.count); updates ``view.entry`` and ``view.top``."""
    _check(_functions().nf_graph_insert(byref(view), first, ef, int(keep_pruned), threads))


def search(
    view: View, queries: Bytes | FloatArray, k: int, ef: int, allowed: Bytes | None, effort: int
) -> tuple[IntArray, FloatArray, IntArray, npt.NDArray[np.bool_]]:
    """Return slots (q, k), distances (q, k), distances computed (q,) and exhausted (q,)."""
    count = len(queries)
    slots = np.empty((count, k), dtype=np.int64)
    distances = np.empty((count, k), dtype=np.float32)
    computed = np.empty(count, dtype=np.int64)
    exhausted = np.empty(count, dtype=np.bool_)
    status = _functions().nf_graph_search(
        byref(view), queries.ctypes.data, queries.strides[0], count, k, ef,
        None if allowed is None else allowed.ctypes.data, effort, slots.ctypes.data,
        distances.ctypes.data, computed.ctypes.data, exhausted.ctypes.data,
    )  # fmt: skip
    _check(status)
    return slots, distances, computed, exhausted


def _check(status: int) -> None:
    match status:
        case 0:
            return
        case 2:
            raise MemoryError("there is not enough memory for the graph search")
        case 3:
            raise DamagedIndex("the graph's links lead to lists that are not there: build it again")
        case 4:
            raise VectorRejected("a vector holds NaN or infinity: no graph can place it")
        case _:
            raise InputError("the compiled library refused the graph's sizes or parameters")


@cache
def _functions() -> ctypes.CDLL:
    """The library with the graph's functions declared; raises OSError where there is none."""
    return declared(library.library())


def declared(native: ctypes.CDLL) -> ctypes.CDLL:
    """Declare the graph's functions; raises OSError for another version of them."""
    check_version(native, "nf_graph_version", VERSION, "the compiled library has graph")
    native.nf_graph_kernel_name.restype = ctypes.c_char_p
    native.nf_graph_encode.argtypes = [
        c_void_p, c_int64, c_int64, c_int64, c_int32, c_void_p, c_float, c_void_p, c_int64,
    ]  # fmt: skip
    native.nf_graph_insert.argtypes = [POINTER(View), c_int64, c_int32, c_int32, c_int32]
    native.nf_graph_search.argtypes = [
        POINTER(View), c_void_p, c_int64, c_int64, c_int32, c_int32, c_void_p, c_int64, c_void_p,
        c_void_p, c_void_p, c_void_p,
    ]  # fmt: skip
    return native
