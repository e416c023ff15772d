"""Rows of CSV and TSV with the lines they stand on, whatever is wrong with some of them."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from nearfield.documents.readers._files import Line, human_size

__all__ = ["Row", "guess_delimiter", "rows"]

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes
    ----------
    number : int
        Line on which it starts, from 1.
    cells : list of str
        Empty for a bad row.
    fault : str
        Why it is bad; empty for a good row.
    """

    number: int
    cells: list[str]
    fault: str = ""


def rows(lines: Iterator[Line], delimiter: str, limit: int) -> Iterator[Row]:
    """Parse rows; a bad one is passed over and the rest goes on.

    Parameters
    ----------
    lines : iterator of Line
    delimiter : str
        A tab means that quotation marks are text unless they clearly quote a cell: few
        programs quote such files, and one stray mark would merge hundreds of rows.
    limit : int
        Longest row in bytes. A quote that is never closed would otherwise swallow the file;
        the lines after it are read as rows of their own.
    """
    # A setting of the whole process; only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), limit))
    parser = _Parser(lines, delimiter, limit)
    if delimiter == "\t":
        yield from _tabbed(parser)
        return
    while (row := parser.quoted()) is not None:
        yield row


def guess_delimiter(sample: str) -> str:
    r"""The delimiter that cuts the sample's lines into equally many cells, most of all.

    Examples
    --------
    >>> guess_delimiter("name;price\nparka, long;120,5\n")
    ';'
    """
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(sample.splitlines(), delimiter=delimiter) if row]
        if not widths or widths[0] < 2:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _tabbed(parser: _Parser) -> Iterator[Row]:
    width = 0
    while (line := parser.peek()) is not None:
        if line.data is not None and _opens_quote(line.data):
            row = parser.quoted()
            if row and _is_quoted(row, len(parser.taken), width):
                yield row
                continue
            parser.give_back(0)
        row = parser.plain()
        width = width or len(row.cells)
        yield row


def _opens_quote(data: bytes) -> bool:
    cells = data.rstrip(b"\r\n").split(b"\t")
    return any(cell.startswith(b'"') and cell.count(b'"') % 2 for cell in cells)


def _is_quoted(row: Row, lines: int, width: int) -> bool:
    """Whether the quotation marks of a row quote: else it has swallowed its neighbours."""
    if row.fault or lines == 1:
        return not row.fault
    return len(row.cells) == width and not any("\t" in c and "\n" in c for c in row.cells)


def _unquoted(cell: str) -> str:
    inner = cell[1:-1].replace('""', "\0")
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner:
        return inner.replace("\0", '"')
    return cell


class _TooLongError(Exception):
    """A row is longer than the limit."""


class _Parser:
    """The csv module over lines that can be given back.

    Attributes
    ----------
    taken : list of Line
        The lines of the current row.
    """

    def __init__(self, lines: Iterator[Line], delimiter: str, limit: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._limit = limit
        self._again: deque[Line] = deque()
        self._begin()

    def peek(self) -> Line | None:
        """The next line, left where it is; None at the end."""
        if not self._again and (line := next(self._lines, None)) is not None:
            self._again.append(line)
        return self._again[0] if self._again else None

    def give_back(self, kept: int) -> None:
        """Read the lines of this row but the first `kept` once more."""
        self._again.extendleft(reversed(self.taken[kept:]))
        del self.taken[kept:]

    def plain(self) -> Row:
        """The next line as a row, its quotation marks taken as text unless they enclose."""
        self._begin()
        try:
            text = next(self).rstrip("\r\n")
        except _TooLongError as error:
            return Row(self.taken[0].number, [], str(error))
        cells = [] if self._fault else [_unquoted(c) for c in text.split(self._delimiter)]
        return Row(self.taken[0].number, cells, self._fault)

    def quoted(self) -> Row | None:
        """The next row by the rules of CSV (RFC 4180), over as many lines as it takes."""
        cells: list[str] = []
        fault = ""
        while not cells and not fault:
            self._begin()
            try:
                cells = next(csv.reader(self, delimiter=self._delimiter))
            except StopIteration:
                return None
            except (_TooLongError, csv.Error) as error:
                fault = str(error)
                self.give_back(1)
            if self._ended_inside:
                fault = "a quote is opened and never closed"
                self.give_back(1)
            fault = fault or self._fault
        return Row(self.taken[0].number, [] if fault else cells, fault)

    def _begin(self) -> None:
        self.taken: list[Line] = []
        self._ended_inside = False
        self._fault = ""
        self._size = 0

    def __iter__(self) -> _Parser:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            self._ended_inside = bool(self.taken)
            raise StopIteration
        self.taken.append(line)
        self._size += line.size
        if line.data is None or self._size > self._limit:
            reason = f"too long: {human_size(self._size)}, the limit is {human_size(self._limit)}"
            if len(self.taken) > 1:
                reason += "; perhaps a quote is opened and never closed"
            raise _TooLongError(reason)
        try:
            return line.data.decode("utf-8")
        except UnicodeDecodeError as error:
            # The row's end must still be found, so the damage is only noted here.
            self._fault = f"not UTF-8 at byte {error.start + 1}"
            return line.data.decode("utf-8", "replace")
