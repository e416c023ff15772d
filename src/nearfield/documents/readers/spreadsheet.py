"""Spreadsheets (xlsx, xls, ods): sheet by sheet, every row with its column names.

A row that stands alone in a passage should still say what its cells mean; so a sheet whose
first row looks like names is written as ``Name: Parka; Price: 120``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import python_calamine as calamine

from nearfield.documents.readers._builder import TextBuilder
from nearfield.documents.readers._files import human_size, open_archive, open_stream
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.documents.readers._tables import is_header
from nearfield.errors import ReadError
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem, SectionKind

__all__ = ["SpreadsheetReader"]

# The parser lays a sheet out as a full rectangle; two cells in opposite corners of a sheet
# would ask for 17 billion places and take the process down with them.
_MOST_CELLS = 10_000_000
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_BLOCK = 1 << 20
_OVERLAP = 256


class SpreadsheetReader:
    """Workbooks of Excel and OpenDocument."""

    suffixes = suffixes_of("spreadsheet")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        _check(path, limits)
        builder = TextBuilder()
        with _panics_named(), _open(path) as workbook:
            names = workbook.sheet_names
            for name in names:
                with builder.section(SectionKind.SHEET, name):
                    builder.block(name)
                    _sheet(workbook.get_sheet_by_name(name), builder, limits)
        text, sections = builder.finish()
        source = str(path)
        # The names alone are no content.
        if text == "\n\n".join(names):
            text, sections = "", ()
        metadata = stated(format=path.suffix.lower()[1:], sheets=names)
        yield Document(source, text, source, sections=sections, metadata=metadata)


@contextmanager
def _panics_named() -> Iterator[None]:
    """Turn a panic of the Rust parser, which no ``except Exception`` sees, into a reason."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ReadError(f"damaged: the parser gave up: {error}") from error


def _check(path: Path, limits: ReadLimits) -> None:
    if path.suffix.lower() == ".xls":
        with open_stream(path):
            size = path.stat().st_size
        if size > limits.file_bytes:
            allowed = human_size(limits.file_bytes)
            raise ReadError(f"too large: {human_size(size)}, the limit is {allowed}")
        return
    with open_archive(path, limits) as archive:
        for member in archive.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                with archive.open(member) as stream:
                    _check_extent(stream, member)


def _check_extent(stream: Any, member: str) -> None:  # noqa: ANN401
    columns: set[bytes] = set()
    low, high = 1 << 31, 0
    tail = b""
    while block := stream.read(_BLOCK):
        for column, row in _CELL.findall(tail + block):
            columns.add(column)
            low, high = min(low, int(row)), max(high, int(row))
        tail = block[-_OVERLAP:]
    if not columns:
        return
    numbers = [_column_number(column) for column in columns]
    cells = (max(numbers) - min(numbers) + 1) * (high - low + 1)
    if cells > _MOST_CELLS:
        raise ReadError(
            f"{member} spans {cells:,} cells, the limit is {_MOST_CELLS:,}; "
            "delete the far cells, or save the sheet as CSV"
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _open(path: Path) -> Any:  # noqa: ANN401
    try:
        return calamine.load_workbook(str(path))
    except calamine.PasswordError as error:
        raise ReadError("protected by a password; save a copy without one") from error
    except calamine.CalamineError as error:
        raise ReadError(f"damaged, or another format under this name: {error}") from error


def _sheet(sheet: Any, builder: TextBuilder, limits: ReadLimits) -> None:  # noqa: ANN401
    header: list[str] | None = None
    seen_first = False
    for row in sheet.iter_rows():
        cells = [_shown(cell) for cell in row]
        if not any(cells):
            continue
        if not seen_first:
            seen_first = True
            if is_header(cells):
                header = cells
                builder.line(" | ".join(cells))
                continue
        builder.line(_row(cells, header))
        if builder.length > limits.file_bytes:
            raise ReadError(f"too large: more than {human_size(limits.file_bytes)} of text")


def _row(cells: Sequence[str], header: Sequence[str] | None) -> str:
    if header is None:
        return " | ".join(cells).strip(" |")
    named = zip(header, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _shown(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return " ".join(str(cell).split())
