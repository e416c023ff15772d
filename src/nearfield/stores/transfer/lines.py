"""JSON lines, with the vectors in the lines or in an npy file beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nearfield.errors import InputError
from nearfield.stores.transfer.portable import Manifest, chunk_fields, chunk_from, json_line
from nearfield.types import Chunk, FloatArray

__all__ = ["read_folder", "read_lines", "write_folder", "write_lines"]

_MANIFEST, _CHUNKS, _VECTORS = "collection.json", "chunks.jsonl", "vectors.npy"
_NPY_HEADER_BYTES = 128

Row = tuple[Chunk, FloatArray]


def write_lines(path: Path, manifest: Manifest, rows: Iterable[Row]) -> None:
    """Write one file: the manifest, then a line a passage with its vector."""
    with path.open("wb") as file:
        file.write(manifest.to_json().encode() + b"\n")
        for chunk, vector in rows:
            file.write(json_line(chunk_fields(chunk) | {"vector": vector.tolist()}))


def read_lines(path: Path) -> tuple[Manifest, Iterator[Row]]:
    """Read what :func:`write_lines` wrote."""
    with path.open("rb") as file:
        manifest = Manifest.from_json(file.readline(), path)

    def rows() -> Iterator[Row]:
        with path.open("rb") as file:
            file.readline()
            for number, fields in _objects(file, path, 2):
                yield _chunk(fields, path, number), np.array(fields["vector"], dtype=np.float32)

    return manifest, rows()


def write_folder(folder: Path, manifest: Manifest, rows: Iterable[Row]) -> None:
    """Write a folder: manifest, passages, and a float32 matrix whose row i is line i's."""
    folder.mkdir()
    (folder / _MANIFEST).write_text(manifest.to_json() + "\n", encoding="ascii")
    with (folder / _CHUNKS).open("wb") as lines, (folder / _VECTORS).open("wb") as vectors:
        vectors.write(_npy_header(manifest.chunks, manifest.dimension))
        for chunk, vector in rows:
            lines.write(json_line(chunk_fields(chunk)))
            vectors.write(vector.astype("<f4", copy=False).tobytes())


def read_folder(folder: Path) -> tuple[Manifest, Iterator[Row]]:
    """Read what :func:`write_folder` wrote."""
    manifest = Manifest.from_json((folder / _MANIFEST).read_bytes(), folder / _MANIFEST)

    def rows() -> Iterator[Row]:
        vectors = np.load(folder / _VECTORS, mmap_mode="r", allow_pickle=False)
        with (folder / _CHUNKS).open("rb") as file:
            for number, fields in _objects(file, folder / _CHUNKS, 1):
                if number > len(vectors):
                    raise InputError(f"{folder / _VECTORS} has no row for line {number}")
                chunk = _chunk(fields, folder / _CHUNKS, number)
                yield chunk, np.array(vectors[number - 1], dtype=np.float32)

    return manifest, rows()


def _objects(file: BinaryIO, path: Path, first: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, start=first):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from error


def _chunk(fields: dict[str, Any], path: Path, number: int) -> Chunk:
    try:
        return chunk_from(fields)
    except (LookupError, TypeError) as error:
        raise InputError(f"{path}, line {number}: {error!r} is missing or wrong") from error


def _npy_header(rows: int, columns: int) -> bytes:
    """Header of the npy format 1.0 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""
    lead = b"\x93NUMPY\x01\x00"
    size = _NPY_HEADER_BYTES - len(lead) - 2
    fields = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    return lead + size.to_bytes(2, "little") + fields.encode().ljust(size - 1) + b"\n"
