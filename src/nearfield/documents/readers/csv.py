"""CSV and TSV: one document a row, its cells as metadata.

Column names come from the first row when it looks like names. A column called ``text`` (or
``content``, ``body`` …) is the text; otherwise the row itself is, as ``name: value`` lines.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from nearfield.documents.decode import bom_encoding, clean, decode, recode
from nearfield.documents.readers._csvrows import Row, guess_delimiter, rows
from nearfield.documents.readers._files import lines, open_stream
from nearfield.documents.readers._metadata import typed_cell
from nearfield.documents.readers._records import RecordIds
from nearfield.documents.readers._suffixes import inner_suffix, suffixes_of
from nearfield.documents.readers._tables import is_header
from nearfield.documents.readers.jsonl import CARRIED_FIELDS, ID_FIELDS, TEXT_FIELDS, TITLE_FIELDS
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Metadata, MetadataValue, Problem

__all__ = ["CsvReader"]

_BLOCK = 1 << 20
_SAMPLE_LINES = 20
# Longer cells are prose: they are in the text, and no filter compares them.
_LONGEST_CELL = 1000


class CsvReader:
    """``.csv`` with any usual delimiter, and ``.tsv``."""

    suffixes = suffixes_of("csv")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        source = str(path)
        encoding = _encoding(path)
        delimiter = "\t" if inner_suffix(path) == ".tsv" else _delimiter(path, encoding, limits)
        noted: Metadata = {"format": "csv", **({"encoding": encoding} if encoding else {})}
        ids = RecordIds(source)
        columns: list[str] | None = None
        with _open(path, encoding) as stream:
            for row in rows(lines(stream, limits.record_bytes), delimiter, limits.record_bytes):
                if row.fault:
                    reason = f"line {row.number}: {row.fault}"
                    yield Problem(f"{source}::{row.number}", reason)
                elif columns is None and is_header(row.cells):
                    columns = _names(row.cells)
                elif any(cell.strip() for cell in row.cells):
                    columns = columns or []
                    made = _document(columns, row, source, noted)
                    yield from ids.distinct(made, f"line {row.number}")


def _document(columns: Sequence[str], row: Row, source: str, noted: Metadata) -> Document:
    cells = [clean(cell).strip() for cell in row.cells]
    missing = [f"column {n}" for n in range(len(columns) + 1, len(cells) + 1)]
    fields = {n: c for n, c in zip([*columns, *missing], cells, strict=False) if c}
    identity, title, text = (_first(fields, f) for f in (ID_FIELDS, TITLE_FIELDS, TEXT_FIELDS))
    metadata: dict[str, MetadataValue] = {
        name: typed_cell(cell)
        for name, cell in fields.items()
        if name != text and name.lower() not in CARRIED_FIELDS and len(cell) <= _LONGEST_CELL
    }
    if text:
        body = fields[text]
    elif columns:
        body = "\n".join(f"{name}: {cell}" for name, cell in fields.items())
    else:
        body = " | ".join(cells)
    return Document(
        fields.get(identity) or str(row.number),
        body,
        source,
        fields.get(title, ""),
        metadata={**noted, **metadata},
    )


def _names(cells: Sequence[str]) -> list[str]:
    return [clean(cell).strip() or f"column {n}" for n, cell in enumerate(cells, 1)]


def _first(fields: dict[str, str], names: Sequence[str]) -> str:
    by_lower = {name.lower(): name for name in reversed(fields)}
    return next((by_lower[name] for name in names if name in by_lower), "")


def _open(path: Path, encoding: str) -> BinaryIO:
    stream = open_stream(path)
    return recode(stream, encoding) if encoding else stream


def _delimiter(path: Path, encoding: str, limits: ReadLimits) -> str:
    with _open(path, encoding) as stream:
        first = islice(lines(stream, limits.record_bytes), _SAMPLE_LINES)
        sample = b"".join(line.data for line in first if line.data is not None)
    return guess_delimiter(sample.decode("utf-8", "replace"))


def _encoding(path: Path) -> str:
    """The encoding when it is not UTF-8, by the first megabyte that is not; else empty.

    The whole file is looked through: a table may well be ASCII up to its last row.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_stream(path) as stream:
        block = stream.read(_BLOCK)
        if bom_encoding(block):
            return ""
        while block:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                found = decode(block[: block.rfind(b"\n") + 1] or block).encoding
                return "" if found == "utf-8" else found
            block = stream.read(_BLOCK)
    return ""
