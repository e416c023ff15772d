"""One Parquet file: a column a field, vectors as lists of fixed size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from nearfield.errors import InputError, MissingExtra
from nearfield.stores.transfer.portable import Manifest, chunk_fields, chunk_from
from nearfield.types import Chunk, FloatArray

if TYPE_CHECKING:
    import pyarrow

__all__ = ["read_parquet", "write_parquet"]

_KEY = b"nearfield"
_ROWS = 8192

Row = tuple[Chunk, FloatArray]


def write_parquet(path: Path, manifest: Manifest, rows: Iterable[Row]) -> None:
    """Write the passages, with the manifest in the schema's metadata.

    ``metadata`` is JSON. Texts that are no UTF-8 (odd file names) are written with replacement
    characters, and the passage as a whole stands in ``exact`` as JSON.
    """
    pa, pq = _pyarrow()
    schema = _schema(pa, manifest)
    waiting = iter(rows)
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=["source"]) as writer:
        while batch := list(islice(waiting, _ROWS)):
            columns = [_fields(chunk) for chunk, _ in batch]
            flat = np.concatenate([vector for _, vector in batch])
            arrays = [
                pa.array([fields[field.name] for fields in columns], type=field.type)
                for field in schema
                if field.name != "vector"
            ]
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), manifest.dimension)
            writer.write_table(pa.Table.from_arrays([*arrays, vectors], schema=schema))


def read_parquet(path: Path) -> tuple[Manifest, Iterator[Row]]:
    """Read what :func:`write_parquet` wrote."""
    pa, pq = _pyarrow()
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} is no whole Parquet file: {error}") from error
    text = (file.schema_arrow.metadata or {}).get(_KEY)
    if text is None:
        file.close()
        raise InputError(f"{path} is no export of a collection: its schema says nothing of one")

    def rows() -> Iterator[Row]:
        with file:
            for batch in file.iter_batches(batch_size=_ROWS):
                vectors = batch.column("vector")
                flat = np.asarray(vectors.flatten(), dtype=np.float32).reshape(len(batch), -1)
                for fields, vector in zip(
                    batch.drop_columns(["vector"]).to_pylist(), flat, strict=True
                ):
                    yield _chunk(fields), vector

    return Manifest.from_json(text, path), rows()


def _schema(pa: ModuleType, manifest: Manifest) -> pyarrow.Schema:
    text = pa.string()
    return pa.schema(
        [
            ("id", text),
            ("document_id", text),
            ("text", text),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("source", text),
            ("headings", pa.list_(text)),
            ("page", pa.int64()),
            ("metadata", text),
            ("exact", text),
            ("vector", pa.list_(pa.float32(), manifest.dimension)),
        ],
        metadata={_KEY: manifest.to_json().encode()},
    )


def _fields(chunk: Chunk) -> dict[str, Any]:
    fields = chunk_fields(chunk)
    exact = None
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        exact = json.dumps(fields)
        fields = chunk_fields(_readable(chunk))
    return fields | {"metadata": json.dumps(fields["metadata"]), "exact": exact}


def _readable(chunk: Chunk) -> Chunk:
    def clean(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    return Chunk(
        clean(chunk.id),
        clean(chunk.document_id),
        clean(chunk.text),
        chunk.start,
        chunk.end,
        clean(chunk.source),
        tuple(map(clean, chunk.headings)),
        chunk.page,
        chunk.metadata,
    )


def _chunk(fields: dict[str, Any]) -> Chunk:
    if fields["exact"] is not None:
        return chunk_from(json.loads(fields["exact"]))
    return chunk_from(fields | {"metadata": json.loads(fields["metadata"])})


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("Parquet", "parquet") from None
    return pa, pq
