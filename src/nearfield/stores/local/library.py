"""The compiled library that reads rows: found, checked, and given the functions that it calls.

It is optional. It opens the database by the SQLite that Python itself uses, for two copies in one
process would take each other's file locks away. Where that one cannot be reached, Python serves.
"""

from __future__ import annotations

import ctypes
import sqlite3
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_ssize_t, c_void_p, py_object
from functools import cache
from pathlib import Path
from typing import Any, cast

from nearfield.compiled import check_version
from nearfield.types import Chunk, Hit

__all__ = ["ABI_VERSION", "PLACE", "library", "python", "sqlite"]

ABI_VERSION = 2
"""Raised together with NFR_ABI_VERSION in ``csrc/nearfield_rows.h``."""

PLACE = Path(__file__).parent / "libnearfield_rows.so"

_PYTHON = (
    "PyUnicode_DecodeUTF8", "PyLong_FromLongLong", "PyFloat_FromString", "PyFloat_FromDouble",
    "PyList_New", "PyList_SetItem", "PyTuple_New", "PyTuple_SetItem", "PyDict_New",
    "PyDict_SetItem", "PyType_GenericAlloc", "PyObject_GenericSetAttr", "Py_IncRef", "Py_DecRef",
    "PyErr_Clear", "PyEval_SaveThread", "PyEval_RestoreThread",
)  # fmt: skip
_SQLITE = (
    "open_v2", "close_v2", "busy_timeout", "exec", "prepare_v2", "finalize", "step", "reset",
    "bind_int64", "column_type", "column_int64", "column_blob", "column_text", "column_bytes",
)  # fmt: skip
# A connection takes more than so many bytes of the SQLite that opens it.
_TAKEN_LEAST = 4096
_ATTEMPTS = 3


class _Python(ctypes.Structure):
    """``nfr_python``."""

    _fields_ = [
        *((name, c_void_p) for name in _PYTHON),
        *((name, py_object) for name in ("none", "yes", "no", "chunk")),
        ("chunk_names", py_object * 9),
        ("hit", py_object),
        ("hit_names", py_object * 6),
    ]


class _SQLite(ctypes.Structure):
    """``nfr_sqlite``."""

    _fields_ = [(name, c_void_p) for name in _SQLITE]


@cache
def library() -> ctypes.PyDLL | None:
    """The compiled library, or None where Python serves."""
    try:
        native = ctypes.PyDLL(str(PLACE))
        check_version(native, "nfr_abi_version", ABI_VERSION, f"{PLACE} has interface")
    except OSError:
        return None
    native.nfr_open.argtypes = [POINTER(_SQLite), c_char_p, c_char_p, c_char_p, c_char_p, c_char_p]
    native.nfr_open.restype = c_void_p
    native.nfr_close.argtypes = [c_void_p]
    native.nfr_close.restype = None
    native.nfr_fetch.argtypes = [
        POINTER(_Python), c_void_p, c_int64, c_void_p, c_void_p, c_ssize_t, c_void_p, py_object,
    ]  # fmt: skip
    native.nfr_fetch.restype = py_object
    native.nfr_digest.argtypes = [c_char_p, c_ssize_t, c_char_p]
    native.nfr_abi_version.restype = c_int32
    return native


@cache
def python() -> Any:  # noqa: ANN401 - ctypes has no type for what byref returns
    """Python's functions, as the library takes them."""
    functions = [_address(ctypes.pythonapi, name) for name in _PYTHON]
    chunk: Any = (py_object * 9)(*cast(tuple[Any, ...], Chunk.__slots__))
    hit: Any = (py_object * 6)(*cast(tuple[Any, ...], Hit.__slots__))
    return byref(_Python(*functions, None, True, False, Chunk, chunk, Hit, hit))


@cache
def sqlite() -> Any:  # noqa: ANN401 - the same
    """The functions of the SQLite that Python uses; None where they cannot be reached."""
    try:
        import _sqlite3

        found = ctypes.CDLL(_sqlite3.__file__)
        functions = [_address(found, f"sqlite3_{name}") for name in _SQLITE]
        taken = found.sqlite3_memory_used
    except (ImportError, AttributeError, OSError):  # built in, or its symbols are hidden
        return None
    taken.restype = c_int64
    if not any(_is_pythons(taken) for _ in range(_ATTEMPTS)):
        return None
    return byref(_SQLite(*functions))


def _is_pythons(taken: Any) -> bool:  # noqa: ANN401 - a function of ctypes
    """Whether this copy of SQLite is the one that opens Python's connections."""
    before = taken()
    connection = sqlite3.connect(":memory:")
    try:
        return bool(taken() - before >= _TAKEN_LEAST)
    finally:
        connection.close()


def _address(functions: ctypes.CDLL, name: str) -> int | None:
    return ctypes.cast(getattr(functions, name), c_void_p).value
