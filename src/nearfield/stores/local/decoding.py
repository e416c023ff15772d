"""Chunks from rows that SQLite gathered to one JSON text: compiled, or with Python's equal results.

The compiled library is optional. It is called with Python's lock held, takes a tenth of the time
that the lock is held without it, and leaves to Python whatever is not plain: huge numbers, nested
metadata, rows that are not as they were written.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_int32, c_ssize_t, c_void_p, py_object
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from nearfield.compiled import address, check_version
from nearfield.stores.local.failures import damaged
from nearfield.stores.local.rows import chunk_of
from nearfield.types import Chunk, IntArray

__all__ = ["ABI_VERSION", "PLACE", "chunks_of", "library"]

ABI_VERSION = 1
"""Raised together with NFR_ABI_VERSION in ``csrc/nearfield_rows.h``."""

PLACE = Path(__file__).parent / "libnearfield_rows.so"

_COLUMNS = 12
_parsed = json.JSONDecoder().raw_decode
_FUNCTIONS = (
    "PyUnicode_DecodeUTF8", "PyLong_FromLongLong", "PyFloat_FromString", "PyList_New",
    "PyList_SetItem", "PyTuple_New", "PyTuple_SetItem", "PyDict_New", "PyDict_SetItem",
    "PyType_GenericAlloc", "PyObject_GenericSetAttr", "Py_IncRef", "Py_DecRef", "PyErr_Clear",
)  # fmt: skip


class _Python(ctypes.Structure):
    """``nfr_python``."""

    _fields_ = [
        *((name, c_void_p) for name in _FUNCTIONS),
        *((name, py_object) for name in ("none", "yes", "no", "type")),
        ("names", py_object * 9),
    ]


def chunks_of(gathered: bytes, rows: IntArray, slots: IntArray, path: Path) -> list[Chunk]:
    """The chunks of rows whose vectors stand at these slots, in their order.

    Parameters
    ----------
    gathered : bytes
        JSON, ``[[row, slot, id, document or null, text, start, stop, source or null, headings,
        page or null, metadata, digest], …]``; headings and metadata are JSON again.
    rows, slots : ndarray of int64, shape (n,)
    path : Path
        The database, for messages.

    Raises
    ------
    StoreCorrupt
        A row is missing or not as it was written, or its vector stands elsewhere.
    """
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    slots = np.ascontiguousarray(slots, dtype=np.int64)
    native = library()
    if native is not None:
        found: list[Chunk] | None = native.nfr_chunks(
            _table(), gathered, len(gathered), address(rows), address(slots), len(rows)
        )
        if found is not None:
            return found
    # Not plain, or damaged.
    return _with_python(gathered, rows.tolist(), slots.tolist(), path)


@cache
def library() -> ctypes.PyDLL | None:
    """The compiled library, or None where Python serves."""
    try:
        return _declared(ctypes.PyDLL(str(PLACE)))
    except OSError:
        return None


def _declared(native: ctypes.PyDLL) -> ctypes.PyDLL:
    check_version(native, "nfr_abi_version", ABI_VERSION, f"{PLACE} has interface")
    native.nfr_chunks.argtypes = [
        POINTER(_Python), c_char_p, c_ssize_t, c_void_p, c_void_p, c_ssize_t,
    ]  # fmt: skip
    native.nfr_chunks.restype = py_object
    native.nfr_digest.argtypes = [c_char_p, c_ssize_t, c_char_p]
    native.nfr_abi_version.restype = c_int32
    return native


@cache
def _table() -> Any:  # noqa: ANN401 - ctypes has no type for what byref returns
    functions = [
        ctypes.cast(getattr(ctypes.pythonapi, name), c_void_p).value for name in _FUNCTIONS
    ]
    names: Any = (py_object * 9)(*cast(tuple[Any, ...], Chunk.__slots__))
    return byref(_Python(*functions, None, True, False, Chunk, names))


def _with_python(
    gathered: bytes, rows: Sequence[int], slots: Sequence[int], path: Path
) -> list[Chunk]:
    try:
        parsed = _parsed(str(gathered, "utf-8", "surrogatepass"), 0)[0]
        found = {columns[0]: tuple(columns) for columns in parsed if len(columns) == _COLUMNS}
    except (ValueError, TypeError, LookupError) as error:
        raise damaged(path, f"its rows cannot be read: {error}") from error
    chunks = []
    for row, slot in zip(rows, slots, strict=True):
        columns = found.get(row)
        if columns is None or columns[1] != slot:
            place = columns and columns[1]
            raise damaged(path, f"slot {slot} has the vector of row {row}, which is at {place}")
        chunks.append(_chunk(columns, path))
    return chunks


def _chunk(columns: Sequence[Any], path: Path) -> Chunk:
    _, _, id_, document, text, start, stop, source, headings, page, metadata, digest = columns
    try:
        due = bytes.fromhex(digest)
    except (ValueError, TypeError):
        due = b""  # no checksum is equal to it
    document = id_ if document is None else document  # the chunk is its whole document
    row = (
        id_,
        document,
        text,
        start,
        stop,
        source or "",
        headings,
        page,
        metadata,
        due,
        None,
        None,
    )
    return chunk_of(row, path)
