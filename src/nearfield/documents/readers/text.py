"""Plain text: the document is the file, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nearfield.documents.decode import decode
from nearfield.documents.readers._files import read_bytes
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem

__all__ = ["TextReader"]


class TextReader:
    """Any text without markup that is understood."""

    suffixes = suffixes_of("text")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        decoded = decode(read_bytes(path, limits))
        source = str(path)
        yield Document(
            source,
            decoded.text,
            source=source,
            metadata={**stated(format="text"), **decoded.metadata()},
        )
