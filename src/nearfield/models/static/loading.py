"""From a file or folder to a static encoder: what the files are decides how they are read."""

from __future__ import annotations

import gzip
import mmap
import warnings
import zlib
from pathlib import Path
from typing import IO, cast

from nearfield.errors import ModelNotInstalled, NearfieldWarning, UnsupportedModel
from nearfield.models.static.binary_format import looks_binary, read_binary
from nearfield.models.static.encoder import StaticEncoder
from nearfield.models.static.npy_format import read_npy
from nearfield.models.static.sentence_vectors import find_weights, read_sentence_vectors
from nearfield.models.static.table import StaticTable, WordList
from nearfield.models.static.text_format import looks_like_rows, read_text
from nearfield.tokenization import WordTokenizer

__all__ = ["load", "recognises"]

_SAMPLE_BYTES = 65_536
_TEXT = (".txt", ".vec", ".txt.gz", ".vec.gz")
_BINARY = (".bin", ".bin.gz")
_ANY_WORDS = (".npy", *_TEXT, *_BINARY)

# Files that lie beside models and end like word vectors.
_OTHERS = frozenset({"vocab.txt", "pytorch_model.bin", "training_args.bin"})


def load(path: Path, *, name: str) -> StaticEncoder:
    """Load a static model.

    Parameters
    ----------
    path : Path
        A folder with ``model.safetensors`` and ``tokenizer.json`` (model2vec, WordLlama,
        sentence-transformers' StaticEmbedding), with ``.npy`` and its words, or with one file
        of word vectors; or such a file itself: GloVe or word2vec as text (``.txt``, ``.vec``),
        word2vec binary (``.bin``), both also as ``.gz``, or ``.npy``.
    name : str
        Short name for the model's card.

    Returns
    -------
    StaticEncoder
        Word vectors give raw means, so that one known word gives exactly its row, as users of
        GloVe and word2vec expect; sentence models scale to unit length where they say so.

    Raises
    ------
    ModelNotInstalled
        There is no such file or folder.
    UnsupportedModel
        The files are damaged, contradict each other, or are no static model.

    Warns
    -----
    NearfieldWarning
        Lines could not be used; the encoder's ``problems`` say which.
    """
    path = Path(path)
    if not path.exists():
        raise ModelNotInstalled(f"there is no model at {path}")
    try:
        table = _read(path)
    except PermissionError as error:
        raise ModelNotInstalled(f"{error.filename} cannot be read: {error.strerror}") from error
    if table.problems:
        reasons = "; ".join(problem.reason for problem in table.problems)
        warnings.warn(f"{table.weights}: {reasons}", NearfieldWarning, stacklevel=2)
    return StaticEncoder(table, name=name, source=str(path))


def recognises(path: Path) -> bool:
    """Whether this file or folder looks like a static model; reads beginnings at most.

    Raises
    ------
    UnsupportedModel
        There is a ``model.safetensors`` whose header is damaged.
    """
    if path.is_dir():
        files = _word_files(path)
        return find_weights(path) is not None or (len(files) == 1 and recognises(files[0]))
    if not path.is_file() or not _is_word_file(path):
        return False
    if path.suffix == ".npy":
        return True
    try:
        with _open(path) as file:
            start = file.read(_SAMPLE_BYTES)
    except (OSError, EOFError, zlib.error):
        return False
    return looks_binary(start) or looks_like_rows(start)


def _read(path: Path) -> StaticTable:
    if path.is_dir():
        weights = find_weights(path)
        if weights:
            return read_sentence_vectors(path, weights)
        files = _word_files(path)
        if len(files) != 1:
            found = ", ".join(file.name for file in files) or "none"
            raise UnsupportedModel(
                f"{path} is no static model: it needs model.safetensors with tokenizer.json, or "
                f"exactly one file of word vectors ({', '.join(_ANY_WORDS)}); found: {found}"
            )
        path = files[0]
    listed = _read_words(path)
    return StaticTable(
        rows=listed.rows,
        vocabulary=WordTokenizer(listed.words),
        weights=listed.weights,
        normalised=False,
        problems=listed.problems,
    )


def _read_words(path: Path) -> WordList:
    if path.suffix == ".npy":
        return read_npy(path)
    try:
        with _open(path) as file:
            if not looks_binary(file.read(_SAMPLE_BYTES)):
                file.seek(0)
                return read_text(path, file)
            file.seek(0)
            if path.suffix == ".gz":
                return read_binary(path, file.read())
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return read_binary(path, mapped)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnsupportedModel(f"{path} cannot be unpacked: {error}; fetch it again") from error


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _is_word_file(path: Path) -> bool:
    return path.name.endswith(_ANY_WORDS) and path.name not in _OTHERS


def _word_files(folder: Path) -> list[Path]:
    """Candidates in a folder; a matrix wins over the text that it was made from."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and _is_word_file(file))
    matrices = [file for file in files if file.suffix == ".npy"]
    return matrices or files
