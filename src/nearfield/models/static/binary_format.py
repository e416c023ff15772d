"""word2vec's binary form: a header line, then for each word its text, a space and float32s.

The header is ``rows dimension``; numbers are little endian; a line feed may stand before each
word (https://code.google.com/archive/p/word2vec/, ``distance.c``).
"""

from __future__ import annotations

from mmap import mmap
from pathlib import Path

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.models.static.table import WordList, finite_rows
from nearfield.models.static.text_format import read_header
from nearfield.types import Problem

__all__ = ["looks_binary", "read_binary"]

# word2vec.c itself takes words of up to 100 bytes; phrases of others are longer.
_LONGEST_WORD = 10_000


def looks_binary(start: bytes) -> bool:
    """Whether a file that starts so is word2vec's binary form rather than text.

    Parameters
    ----------
    start : bytes
        The first few kilobytes.
    """
    header, _, rest = start.partition(b"\n")
    if read_header(header) is None:
        return False
    # No text holds control characters below the tabulator; the zeros and small bytes of float32s
    # make one likely in the first vector and all but certain in a few kilobytes.
    return any(byte < 9 for byte in rest)


def read_binary(path: Path, content: bytes | mmap) -> WordList:
    """Read word vectors in word2vec's binary form.

    Parameters
    ----------
    path : Path
        For messages.
    content : bytes or mmap
        The whole file, decompressed.

    Raises
    ------
    UnsupportedModel
        The file ends early, or what should be a word is not.
    """
    line, _, _ = content[:100].partition(b"\n")
    header = read_header(line)
    if header is None or min(header) < 1:
        raise UnsupportedModel(f"{path} does not start with 'rows dimension', as word2vec does")
    count, dimension = header
    width = 4 * dimension
    if count * (width + 1) > len(content):
        raise UnsupportedModel(
            f"{path} announces {count:,} words of {dimension} numbers, but its {len(content):,} "
            "bytes cannot hold them: the file is truncated or damaged; fetch it again"
        )
    index: dict[str, int] = {}
    numbers = bytearray()
    position = len(line) + 1
    broken = repeated = 0
    for row in range(count):
        space = content.find(b" ", position, position + _LONGEST_WORD)
        end = space + 1 + width
        if space < 0 or end > len(content):
            raise UnsupportedModel(f"{path} is damaged at word {row + 1:,} of {count:,}")
        raw = bytes(content[position:space]).lstrip(b"\n")
        word = raw.decode("utf-8", "replace")
        position = end
        if word in index:
            repeated += 1
            continue
        broken += raw != word.encode()
        index[word] = row
        numbers += content[space + 1 : end]
    rows = np.frombuffer(numbers, dtype="<f4").reshape(-1, dimension)
    finite = finite_rows(rows)
    words = [word for word, good in zip(index, finite, strict=True) if good]
    notes = {
        "words are not valid UTF-8; their bad bytes became U+FFFD": broken,
        "words occur again; the first one counts": repeated,
        "vectors hold a number that is not finite and were left out": int((~finite).sum()),
    }
    problems = tuple(Problem(str(path), f"{n:,} {what}") for what, n in notes.items() if n)
    return WordList(words, rows[finite] if len(words) < len(rows) else rows, path, problems)
