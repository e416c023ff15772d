"""Ids of the records of one file: stable, and distinct even where the file repeats them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nearfield.types import Document, Problem

__all__ = ["RecordIds"]


class RecordIds:
    """Gives the documents of one file ids of the form ``source::record``.

    Parameters
    ----------
    source : str
        The file.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._taken: set[str] = set()
        self._copies: dict[str, int] = {}

    def distinct(self, document: Document, place: str) -> Iterator[Document | Problem]:
        """Yield the document under its full id, and a Problem if that id was taken.

        Parameters
        ----------
        document : Document
            Its ``id`` is the record's own.
        place : str
            Where it stands, such as ``"line 3"``.
        """
        record = document.id
        while record in self._taken:
            copies = self._copies.get(document.id, 1) + 1
            self._copies[document.id] = copies
            record = f"{document.id}~{copies}"
        self._taken.add(record)
        full = f"{self._source}::{record}"
        if record != document.id:
            reason = f"{place}: the id {document.id!r} occurs again; this one is called {record!r}"
            yield Problem(full, reason)
        yield replace(document, id=full)
