"""What commands print: JSON, aligned tables, sizes and paths that people can read."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path

import click
import numpy as np

__all__ = ["bytes_text", "counted", "dump", "duration", "path_text", "safe", "table", "width"]


def dump(value: object) -> None:
    """Print one JSON document; dataclasses become objects and arrays lists."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def width() -> int:
    """Columns to fill: the terminal's, at most 100."""
    return min(shutil.get_terminal_size((100, 24)).columns, 100)


def safe(text: str) -> str:
    """Make text from a file safe for a terminal: control characters become visible or go.

    A document could otherwise move the cursor or recolour the screen with escape sequences.
    """
    return "".join(
        c
        if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cf") or c == "\u200d"
        else ""
        if unicodedata.category(c) == "Cf" or c == "\r"
        else "\N{SYMBOL FOR ESCAPE}"
        if c == "\x1b"
        else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def path_text(path: str | Path) -> str:
    """A path from here when that is shorter, with the home folder as ``~``."""
    full = str(path)
    try:
        near = os.path.relpath(full)
    except ValueError:  # another drive
        near = full
    home = str(Path.home())
    from_home = "~" + full[len(home) :] if full.startswith(home + os.sep) else full
    return safe(min(near, from_home, full, key=len))


def bytes_text(size: int | float) -> str:
    """A size in decimal units.

    Examples
    --------
    >>> bytes_text(512), bytes_text(90_868_376)
    ('512 B', '90.9 MB')
    """
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "file"), counted(2400, "file")
    ('1 file', '2,400 files')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """A duration with the precision that matters.

    Examples
    --------
    >>> duration(0.0421), duration(3.2), duration(75), duration(7300)
    ('42 ms', '3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def table(rows: Sequence[Sequence[str]], *, head: Sequence[str], right: Sequence[int] = ()) -> None:
    """Print rows under a dimmed head; columns named in `right` are right-aligned."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(_columns(row[i]) for row in cells) for i in range(len(head))]
    for number, row in enumerate(cells):
        line = "  ".join(
            _pad(cell, widths[i], right=i in right) for i, cell in enumerate(row)
        ).rstrip()
        click.echo(click.style(line, dim=True) if number == 0 else line)


def _pad(cell: str, columns: int, *, right: bool) -> str:
    space = " " * (columns - _columns(cell))
    return space + cell if right else cell + space


def _columns(text: str) -> int:
    """Terminal columns of a text: wide East Asian characters take two, marks none."""
    plain = click.unstyle(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in plain
    )
