"""What every store checks before it writes or searches, so that all of them refuse alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from nearfield.errors import (
    DimensionMismatch,
    DuplicateId,
    InputError,
    UnknownId,
    VectorRejected,
)
from nearfield.types import Chunk, FloatArray

__all__ = [
    "check_batch",
    "check_queries",
    "require_known",
    "require_usable",
    "shaped_queries",
    "shown",
]

_SCALARS = frozenset({str, int, float, bool, type(None)})


def check_batch(chunks: Sequence[Chunk], vectors: FloatArray, dimension: int) -> FloatArray:
    """Return the vectors as a C-contiguous float32 matrix, or say what is wrong.

    Parameters
    ----------
    chunks : sequence of n Chunk
    vectors : ndarray of shape (n, dimension)
    dimension : int
        The store's.

    Raises
    ------
    DimensionMismatch
        The vectors have another length than the store's.
    VectorRejected
        NaN, infinite or zero rows; the message names rows and ids.
    DuplicateId
        An id occurs twice in the batch.
    InputError
        Another number of vectors than chunks, or metadata that is not text, number, truth
        value, null or a list of these.
    """
    matrix = _matrix(vectors, dimension, "vectors", rows=len(chunks))
    if len(matrix) != len(chunks):
        raise InputError(f"{len(chunks)} chunks came with {len(matrix)} vectors: one each is due")
    ids = [chunk.id for chunk in chunks]
    _reject(matrix, ids)
    if len(set(ids)) < len(ids):
        repeated = [id_ for id_, times in Counter(ids).items() if times > 1]
        raise DuplicateId(f"the batch holds {shown(repeated)} more than once; nothing was written")
    metadata = [chunk.metadata for chunk in chunks if chunk.metadata]
    names, values = (set(map(type, chain.from_iterable(part))) for part in (
        metadata, (fields.values() for fields in metadata)
    ))  # fmt: skip
    if not (names <= {str} and values <= _SCALARS):
        for chunk in chunks:
            _check_metadata(chunk)
    return matrix


def check_queries(queries: FloatArray, k: int, dimension: int) -> FloatArray:
    """Return the queries as a C-contiguous float32 matrix (q, dimension).

    Raises
    ------
    DimensionMismatch, VectorRejected, InputError
        As for :func:`check_batch`; also when k < 1.
    """
    matrix = shaped_queries(queries, k, dimension)
    require_usable(matrix)
    return matrix


def shaped_queries(queries: FloatArray, k: int, dimension: int) -> FloatArray:
    """The same without a look at the values; :func:`require_usable` is due later."""
    if k < 1:
        raise InputError(f"k is {k}: ask for at least 1 hit")
    return _matrix(queries, dimension, "queries", rows=0)


def require_usable(queries: FloatArray) -> None:
    """Raise VectorRejected where a query is zero, or holds NaN or infinity."""
    _reject(queries, [])


def require_known(ids: Sequence[str], known: Iterable[str]) -> None:
    """Raise UnknownId unless every one of `ids` is in `known`."""
    missing = sorted(set(ids).difference(known))
    if missing:
        raise UnknownId(f"there is no chunk {shown(missing)}")


def shown(names: Sequence[object], most: int = 5) -> str:
    """The first few of many names, and how many more there are.

    Examples
    --------
    >>> shown(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    listed = ", ".join(repr(name) for name in names[:most])
    rest = len(names) - most
    return f"{listed} and {rest} more" if rest > 0 else listed


def _matrix(vectors: FloatArray, dimension: int, name: str, *, rows: int) -> FloatArray:
    array = np.asarray(vectors)
    if array.size == 0 and rows == 0 and array.ndim <= 2:
        return np.empty((0, dimension), dtype=np.float32)
    if array.ndim != 2:
        raise InputError(f"{name} have shape {array.shape}: expected (n, {dimension})")
    if array.shape[1] != dimension:
        raise DimensionMismatch(
            f"{name} have {array.shape[1]} dimensions and the store has {dimension}: encode with "
            "the model and the dimensions that the store was made with"
        )
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} are of type {array.dtype}: expected float32")
    if array.dtype == np.float32:
        return np.ascontiguousarray(array)
    # A float64 beyond float32's range becomes infinite here and is rejected as such.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def _reject(matrix: FloatArray, ids: Sequence[str]) -> None:
    squares = np.einsum("ij,ij->i", matrix, matrix)
    if bool(((squares > 0) & (squares < np.inf)).all()):
        return  # neither NaN nor infinite nor zero; what is too large or small to tell goes on
    faults = []
    finite = np.isfinite(matrix).all(axis=1)
    for what, bad in (("NaN or infinite", ~finite), ("only zeros", ~matrix.any(axis=1))):
        rows = np.flatnonzero(bad).tolist()
        if rows:
            named = f" ({shown([ids[row] for row in rows])})" if ids else ""
            faults.append(f"{what} in row {shown(rows)}{named}")
    if faults:
        raise VectorRejected(
            f"unusable vectors: {'; '.join(faults)}. Nothing was written or searched; "
            "leave these rows out or encode them again"
        )


def _check_metadata(chunk: Chunk) -> None:
    for key, value in chunk.metadata.items():
        if not isinstance(key, str):
            raise InputError(f"chunk {chunk.id!r}: metadata key {key!r} is not a text")
        if value is None or isinstance(value, str | int | float):
            continue
        if not isinstance(value, list | tuple) or not all(
            element is None or isinstance(element, str | int | float) for element in value
        ):
            raise InputError(
                f"chunk {chunk.id!r}: metadata {key!r} is {value!r} ({type(value).__name__}): "
                "expected text, number, true/false, None or a list of these; write dates as "
                "ISO texts"
            )
