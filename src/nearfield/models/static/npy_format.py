"""Word vectors as a NumPy matrix beside a list of words: nothing to parse, opened at once.

The matrix is mapped into memory, so opening costs the same for any size and several processes
share it. Pickled arrays are refused: reading them can run any code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.errors import DimensionMismatch, InputError, MissingExtra, UnsupportedModel
from nearfield.models.static.table import WordList
from nearfield.types import FloatArray

__all__ = ["read_npy", "save_words"]

_MATRIX = "vectors.npy"
_VOCABULARY = "vocab.txt"
_WORD_COLUMNS = ("word", "token", "index", "words", "tokens")


def read_npy(path: Path) -> WordList:
    """Read a matrix and the words beside it.

    Parameters
    ----------
    path : Path
        The ``.npy`` file, shape (words, dim). The words stand in the same folder: ``vocab.txt``
        (UTF-8, one a line), ``vocab.json`` (a list, or an object of word to row), or a
        ``.parquet`` with a column of words (extra ``parquet``).

    Raises
    ------
    UnsupportedModel
        Not a numeric matrix, no words beside it, or not as many words as rows.
    MissingExtra
        The words stand in a parquet file and its reader is not installed.
    """
    matrix = _open(path)
    source = _vocabulary_file(path)
    words = _READERS[source.suffix](source)
    if len(words) != len(matrix):
        raise UnsupportedModel(
            f"{source} lists {len(words):,} words, but {path.name} beside it has "
            f"{len(matrix):,} rows: the two files do not belong together"
        )
    return WordList(words, matrix, path)


def save_words(folder: Path, words: Sequence[str], vectors: npt.ArrayLike) -> None:
    """Write word vectors in the form that opens fastest.

    Parameters
    ----------
    folder : Path
        Made if missing; gets ``vectors.npy`` and ``vocab.txt``.
    words : sequence of str
        One word a row, none twice, none with a line feed.
    vectors : array-like of shape (words, dim)

    Raises
    ------
    DimensionMismatch
        Not as many words as rows.
    InputError
        `vectors` is not a matrix, a word occurs twice, or a word holds a line feed.
    """
    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    if matrix.ndim != 2:
        raise InputError(f"vectors have shape {matrix.shape}: expected (words, dim)")
    if len(words) != len(matrix):
        raise DimensionMismatch(f"{len(words):,} words cannot name {len(matrix):,} vectors")
    if len(set(words)) < len(words):
        raise InputError("a word occurs twice: keep one vector for each word")
    text = "\n".join(words)
    if text.count("\n") != max(0, len(words) - 1):
        raise InputError("a word holds a line feed, which divides words in vocab.txt")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _VOCABULARY).write_bytes(text.encode("utf-8") + b"\n" * bool(words))
    np.save(folder / _MATRIX, matrix, allow_pickle=False)


def _open(path: Path) -> FloatArray:
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise UnsupportedModel(f"{path} is not a NumPy matrix that can be read: {error}") from error
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or not matrix.size:
        raise UnsupportedModel(
            f"{path} holds {matrix.dtype} of shape {matrix.shape}: expected floats of shape "
            "(words, dim)"
        )
    # Column order stays as it is: transposing would read the whole file to open it.
    rows: FloatArray = np.asarray(matrix, dtype=np.float32)
    return rows


def _vocabulary_file(path: Path) -> Path:
    named = [path.with_name(name) for name in (_VOCABULARY, "vocab.json")]
    found = next((file for file in named if file.is_file()), None)
    if found:
        return found
    tables = sorted(path.parent.glob("*.parquet"))
    if len(tables) == 1:
        return tables[0]
    raise UnsupportedModel(
        f"there are no words beside {path}: expected {_VOCABULARY}, vocab.json or one .parquet"
    )


def _read_lines(path: Path) -> list[str]:
    # Only line feeds divide: splitlines would break words such as U+0085 and U+2028 apart.
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsupportedModel(f"{path} is not valid UTF-8: {error}") from error
    words = text.replace("\r\n", "\n").split("\n")
    return words[:-1] if words[-1] == "" else words


def _read_json(path: Path) -> list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnsupportedModel(f"{path} is not valid JSON: {error}") from error
    if isinstance(content, dict):
        if sorted(map(str, content.values())) != sorted(map(str, range(len(content)))):
            raise UnsupportedModel(f"{path} does not number its words 0 to {len(content) - 1}")
        content = sorted(content, key=lambda word: int(content[word]))
    if not isinstance(content, list) or not all(isinstance(word, str) for word in content):
        raise UnsupportedModel(f"{path} is neither a list of words nor an object of word to row")
    return content


def _read_parquet(path: Path) -> list[str]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra(f"reading the words in {path}", "parquet") from None
    try:
        schema = pq.read_schema(path)
        texts = [
            f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
        ]
        chosen = texts if len(texts) == 1 else [name for name in _WORD_COLUMNS if name in texts]
        if not chosen:
            raise UnsupportedModel(f"{path} has no column of words among {schema.names}")
        column = pq.read_table(path, columns=chosen[:1])[chosen[0]]
    except pa.ArrowException as error:
        raise UnsupportedModel(f"{path} is not a parquet file that can be read: {error}") from error
    if column.null_count:
        raise UnsupportedModel(f"{path} lacks a word in {column.null_count:,} of its rows")
    words: list[str] = column.to_pylist()
    return words


_READERS = {".txt": _read_lines, ".json": _read_json, ".parquet": _read_parquet}
