"""Records of task files, line by line: JSONL, TSV and CSV, packed or not.

Whatever is wrong is an error that names the file and the line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from nearfield.errors import ReadError

__all__ = ["Record", "existing", "lines_of", "records_of", "stem_of", "suffix_of", "table_of"]

_LONGEST_FIELD = 10_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record and where it stands.

    Attributes
    ----------
    path : Path
    line : int
        From 1.
    fields : dict
        As the file states them.
    """

    path: Path
    line: int
    fields: dict[str, Any]

    def error(self, reason: str) -> ReadError:
        """An error that names file and line."""
        return ReadError(f"{self.path}, line {self.line}: {reason}")

    def text(self, *names: str, default: str | None = None) -> str:
        """The first of the named fields that is there, as text.

        Raises
        ------
        ReadError
            None is, and there is no default; or it is an object or a list.
        """
        for name in names:
            value = self.fields.get(name)
            if value is None:
                continue
            if isinstance(value, dict | list | bool):
                raise self.error(f"{name!r} is {json.dumps(value)[:60]}: expected a text")
            return str(value)
        if default is None:
            told = " or ".join(map(repr, names))
            raise self.error(f"has no {told}; it has {', '.join(map(repr, self.fields))}")
        return default

    def number(self, name: str) -> float:
        """A field as a number."""
        text = self.text(name).strip()
        try:
            value = float(text)
        except ValueError:
            raise self.error(f"{name!r} is {text!r}: expected a number") from None
        if not math.isfinite(value):
            raise self.error(f"{name!r} is {text!r}: expected a finite number")
        return value

    def texts(self, name: str) -> list[str]:
        """A field that is a list of texts; a single text is a list of one."""
        value = self.fields.get(name)
        found = value if isinstance(value, list) else [self.text(name)]
        if not all(isinstance(each, str) for each in found):
            raise self.error(f"{name!r} holds something that is no text")
        return found


def records_of(path: Path) -> Iterator[Record]:
    """Records of a JSONL file, or rows of a table with a header."""
    if suffix_of(path) in (".jsonl", ".json", ".ndjson"):
        return _json_lines(path)
    return table_of(path)


def table_of(path: Path) -> Iterator[Record]:
    """Rows of a TSV or CSV file by the names in its first line.

    Tabs separate the fields of ``.tsv`` and quotes mean nothing there; CSV is quoted as usual.
    """
    with _opened(path) as lines:
        tabs = suffix_of(path) in (".tsv", ".tab", ".txt")
        rows = _rows(lines, path, tabs=tabs)
        _, head = next(rows, (0, []))
        names = [name.strip() for name in head]
        if not names or len(set(names)) < len(names):
            raise ReadError(f"{path}, line 1: expected the names of the columns, found {head}")
        for line, row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise ReadError(
                    f"{path}, line {line}: has {len(row)} fields, the first line has {len(names)}"
                )
            yield Record(path, line, dict(zip(names, row, strict=True)))


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without line ends; blank ones are left out."""
    with _opened(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line.rstrip("\r\n")


def existing(folder: Path, name: str) -> Path | None:
    """A file of the folder, packed or not."""
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    return None


def suffix_of(path: Path) -> str:
    """Ending in lower case, without that of the packing."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def stem_of(path: Path) -> str:
    """Name without its endings."""
    return Path(path.name.removesuffix(".gz")).stem


def _json_lines(path: Path) -> Iterator[Record]:
    for number, line in lines_of(path):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ReadError(f"{path}, line {number}: no valid JSON: {error}") from None
        if not isinstance(value, dict):
            raise ReadError(f"{path}, line {number}: expected an object, found {line[:60]!r}")
        yield Record(path, number, value)


def _rows(lines: TextIO, path: Path, *, tabs: bool) -> Iterator[tuple[int, list[str]]]:
    if tabs:
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\r\n")
            yield number, text.split("\t") if text else []
        return
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ReadError(f"{path}, line {reader.line_num}: no valid CSV: {error}") from None


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
            # "\n" alone ends a line: texts may hold other separators of Unicode.
            yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="\n")
    except UnicodeDecodeError as error:
        raise ReadError(f"{path} is not UTF-8 at byte {error.start + 1} of a block") from None
    except (gzip.BadGzipFile, EOFError) as error:
        raise ReadError(f"{path} is damaged: {error}") from None
    except OSError as error:
        raise ReadError(f"{path}: {error.strerror or error}") from None
