"""Records of a file, read at several places by one call."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from nearfield.ann import library
from nearfield.types import IntArray

__all__ = ["read_records"]


def read_records(
    file: int, offset: int, stride: int, slots: IntArray, *, size: int | None = None
) -> npt.NDArray[np.uint8]:
    """Read records that lie `stride` bytes apart, in the order asked for.

    With the compiled library all are read by one call, so that threads which read at the same
    time change places once and not for every record.

    Parameters
    ----------
    file : int
        Descriptor, open for reading.
    offset : int
        Byte at which the record of slot 0 starts.
    stride : int
        Bytes from one record to the next.
    slots : ndarray of int64, shape (n,)
        At least 0 each.
    size : int, optional
        How many of a record's bytes are wanted; all of them when left out.

    Returns
    -------
    ndarray of uint8, shape (n, size)

    Raises
    ------
    OSError
        The file ends before a record, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     _ = file.write(b"--aabbcc")
    ...     file.flush()
    ...     found = read_records(file.fileno(), 2, 2, np.array([2, 0]))
    >>> found.tobytes()
    b'ccaa'
    """
    wanted = np.ascontiguousarray(slots, dtype=np.int64)
    size = stride if size is None else size
    if library.available().usable:
        out = np.empty((len(wanted), size), dtype=np.uint8)
        library.check(
            library.library().nfa_read(
                file, offset, stride, size, wanted.ctypes.data, len(wanted), out.ctypes.data
            )
        )
        return out
    parts = [os.pread(file, size, offset + slot * stride) for slot in wanted.tolist()]
    if any(len(part) != size for part in parts):
        raise OSError("a record could not be read: the file is shorter than expected")
    return np.frombuffer(b"".join(parts), dtype=np.uint8).reshape(len(wanted), size)
