"""Word vectors as text: a line for each word, ``word number number …``.

GloVe writes nothing else (https://nlp.stanford.edu/projects/glove/); word2vec and fastText put a
header ``rows dimension`` before it (https://code.google.com/archive/p/word2vec/). Words may hold
spaces (GloVe 840B has ``. . .``), so a line is read from its end. What cannot be used is passed
over, counted and reported: a file of two million lines is not refused for one of them.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import IO

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.models.static.table import WordList, finite_rows
from nearfield.types import FloatArray, Problem

__all__ = ["looks_like_rows", "read_header", "read_text"]

# Lines that are looked at to learn the dimension where no header states it.
_SAMPLE = 100

# Line numbers that a report names before it only counts.
_NAMED = 5


class _Fault(StrEnum):
    LENGTH = "lines hold a vector of another length"
    NUMBER = "lines hold something that is not a number"
    FINITE = "lines hold a number that is not finite"
    WORD = "lines hold no word"
    REPEATED = "lines repeat a word; the first one counts"
    ENCODING = "words are not valid UTF-8; their bad bytes became U+FFFD"


@dataclass(slots=True)
class _Ledger:
    """Counts faults and remembers where the first of each kind stand."""

    counts: Counter[_Fault] = field(default_factory=Counter)
    lines: dict[_Fault, list[int]] = field(default_factory=dict)

    def note(self, fault: _Fault, line: int) -> None:
        self.counts[fault] += 1
        named = self.lines.setdefault(fault, [])
        if len(named) < _NAMED:
            named.append(line)

    def problems(self, source: str) -> tuple[Problem, ...]:
        return tuple(
            Problem(source, f"{count:,} {fault} (line {', '.join(map(str, self.lines[fault]))}"
                            f"{', …' if count > _NAMED else ''})")
            for fault, count in self.counts.items()
        )  # fmt: skip


def read_text(path: Path, file: IO[bytes]) -> WordList:
    """Read word vectors in text form, with or without a header line.

    Parameters
    ----------
    path : Path
        For messages.
    file : binary file
        Its content, decompressed.

    Returns
    -------
    WordList
        ``problems`` counts the lines that were passed over and names the first ones.

    Raises
    ------
    UnsupportedModel
        Not one line holds a word and its vector.
    """
    first = file.readline()
    header = read_header(first)
    sample = list(islice(file, _SAMPLE))
    if header and _is_row_of_one(sample):
        header = None
    if header is None:
        sample.insert(0, first)
    dimension = header[1] if header else _dimension(sample)
    if dimension < 1:
        raise UnsupportedModel(
            f"{path} holds no word vectors: expected lines of a word and numbers"
        )
    ledger = _Ledger()
    numbered = enumerate(chain(sample, file), start=2 if header else 1)
    words, rows = _collect(numbered, dimension, ledger)
    if not words:
        raise UnsupportedModel(
            f"{path} holds no line with a word and a vector of {dimension} numbers"
        )
    problems = ledger.problems(str(path))
    if header and header[0] != len(words):
        found = f"the header announces {header[0]:,} words, {len(words):,} could be used"
        problems = (Problem(str(path), found), *problems)
    return WordList(words, rows, path, problems)


def read_header(line: bytes) -> tuple[int, int] | None:
    """The ``rows dimension`` of word2vec's first line, or None where it is something else."""
    fields = line.split()
    if len(fields) != 2 or not all(part.isdigit() for part in fields):
        return None
    return int(fields[0]), int(fields[1])


def looks_like_rows(start: bytes) -> bool:
    """Whether a file that starts so holds word vectors as text rather than prose.

    Parameters
    ----------
    start : bytes
        The first few kilobytes.
    """
    lines = [_fields(line) for line in start.split(b"\n")[:_NAMED] if line.strip()]
    if len(lines) > 1:
        lines.pop()  # perhaps cut off in its middle
    return bool(lines) and all(len(line) > 1 and _is_number(line[-1]) for line in lines)


def _collect(
    lines: Iterable[tuple[int, bytes]], dimension: int, ledger: _Ledger
) -> tuple[list[str], FloatArray]:
    index: dict[str, int] = {}
    places: list[int] = []
    numbers = array("f")
    for place, raw, fields in _rows(lines, dimension, ledger):
        before = len(numbers)
        try:
            numbers.extend(map(float, fields))
        except ValueError:
            del numbers[before:]
            ledger.note(_Fault.NUMBER, place)
            continue
        word = raw.decode("utf-8", "replace")
        if word in index:
            del numbers[before:]
            ledger.note(_Fault.REPEATED, place)
            continue
        if "\ufffd" in word and raw != word.encode():
            ledger.note(_Fault.ENCODING, place)
        index[word] = len(places)
        places.append(place)
    rows = np.frombuffer(numbers, dtype=np.float32).reshape(-1, dimension)
    finite = finite_rows(rows)
    if finite.all():
        return list(index), rows
    for row in np.flatnonzero(~finite):
        ledger.note(_Fault.FINITE, places[row])
    return [word for word, good in zip(index, finite, strict=True) if good], rows[finite]


def _rows(
    lines: Iterable[tuple[int, bytes]], dimension: int, ledger: _Ledger
) -> Iterator[tuple[int, bytes, list[bytes]]]:
    """Divide each line into its word and its numbers, as bytes."""
    for place, line in lines:
        fields = _fields(line)
        if len(fields) != dimension + 1:
            fields = [part for part in fields if part]
            if not fields:
                continue
            # Fields too many belong to a word with spaces, unless they are numbers as well.
            if len(fields) <= dimension or any(map(_is_number, fields[1:-dimension])):
                ledger.note(_Fault.LENGTH, place)
                continue
        word = b" ".join(fields[:-dimension])
        if word:
            yield place, word, fields[-dimension:]
        else:
            ledger.note(_Fault.WORD, place)


def _fields(line: bytes) -> list[bytes]:
    # Only ASCII blanks divide: a no-break space or U+0085 may be a word, or stand in one.
    return line.rstrip(b" \t\r\n").replace(b"\t", b" ").split(b" ")


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dimension(sample: list[bytes]) -> int:
    lengths = Counter(sum(map(bool, _fields(line))) - 1 for line in sample if line.strip())
    return lengths.most_common(1)[0][0] if lengths else 0


def _is_row_of_one(sample: list[bytes]) -> bool:
    """Whether what looked like a header is the first row of one-dimensional vectors."""
    return bool(sample) and len(_fields(sample[0])) == 2 and _dimension(sample) == 1
