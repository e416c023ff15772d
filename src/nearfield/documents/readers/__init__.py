"""Readers: one file in, documents out, and one bad file never stops a folder.

:func:`read` is what callers use. It picks the reader by the file's ending (or by looking
into it) and turns everything that goes wrong into a :class:`~nearfield.types.Problem`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from nearfield.documents.decode import binary_reason, bom_encoding
from nearfield.documents.readers._files import open_stream
from nearfield.documents.readers._suffixes import (
    COMPRESSED,
    NO_READER,
    RECORDS,
    STREAMED,
    inner_suffix,
    reader_name,
)
from nearfield.errors import NearfieldError, ReadError
from nearfield.protocols import Reader, ReadLimits
from nearfield.registry import READERS
from nearfield.types import Document, Problem

__all__ = ["holds_records", "read", "reader_for"]

_SNIFFED_BYTES = 8192


def reader_for(path: Path) -> Reader | None:
    """The reader for a file, or None for a binary file that no reader knows.

    The ending decides. Without a known one (``README``, ``Makefile``, ``app.service``) the
    file's first 8 KB do: text goes to the text reader.

    Raises
    ------
    MissingExtra
        The ending is known, but its reader needs a package that is not installed.
    ReadError
        The file is compressed and its format needs an uncompressed one.
    OSError
        The file must be looked into and cannot be opened.
    """
    name = reader_name(path)
    if name is not None:
        if path.suffix.lower() == COMPRESSED and name not in STREAMED:
            raise ReadError(f"a compressed {inner_suffix(path)} file; decompress it first")
        return _load(name)
    suffix = inner_suffix(path)
    for other in sorted(set(READERS.names()) - _builtin_names()):
        reader = _load(other)
        if suffix and suffix in reader.suffixes:
            return reader
    if suffix in NO_READER or not _looks_like_text(path):
        return None
    return _load("text")


def holds_records(path: Path) -> bool:
    """Whether the file's format holds many documents, which are read as a stream.

    Examples
    --------
    >>> holds_records(Path("rows.jsonl.gz")), holds_records(Path("notes.md"))
    (True, False)
    """
    return reader_name(path) in RECORDS


def read(path: Path, *, limits: ReadLimits | None = None) -> Iterator[Document | Problem]:
    """Stream a file's documents; whatever goes wrong becomes a Problem.

    Parameters
    ----------
    path : Path
        A file; its text form is the documents' ``source``, so pass an absolute path.
    limits : ReadLimits, optional
        What may be taken in.

    Yields
    ------
    Document or Problem
        Every document has text; one without becomes the Problem "no text", and so does a
        file without a single document. A file always yields something.
    """
    source = str(path)
    try:
        reader = reader_for(path)
        if reader is None:
            yield Problem(source, _no_reader(path))
            return
        empty = True
        for item in reader.read(path, limits or ReadLimits()):
            empty = False
            if isinstance(item, Document) and not item.text.strip():
                yield Problem(item.id, "no text")
            else:
                yield item
        if empty:
            yield Problem(source, "no text")
    except NearfieldError as error:
        yield Problem(source, str(error))
    except OSError as error:
        yield Problem(source, f"cannot be opened: {error.strerror or error}")
    # Parsers of other people's formats fail in ways that nobody has listed; a folder of
    # ten thousand files must not stop at the one that finds a new way. Nowhere else.
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        yield Problem(source, f"damaged, or not understood: {type(error).__name__}: {said}")


def _load(name: str) -> Reader:
    return cast("type[Reader]", READERS.load(name))()


def _builtin_names() -> set[str]:
    return {name for name in READERS.names() if READERS.part(name).target.startswith(__name__)}


def _looks_like_text(path: Path) -> bool:
    with open_stream(path) as stream:
        head = stream.read(_SNIFFED_BYTES)
    if bom_encoding(head):
        return True
    return b"\0" not in head and not binary_reason(head)


def _no_reader(path: Path) -> str:
    suffix = inner_suffix(path)
    if path.suffix.lower() == COMPRESSED:
        suffix += COMPRESSED
    if not suffix:
        return "binary, and its name has no ending to choose a reader by"
    kind = "not prose" if suffix in NO_READER else "binary"
    return f"{kind}, no reader for {suffix}"
