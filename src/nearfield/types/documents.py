"""From a file to passages."""

from __future__ import annotations

from dataclasses import dataclass, field

from nearfield.types.slots import setters
from nearfield.types.values import FILE_FIELD, Metadata, MetadataValue
from nearfield.types.words import SectionKind

__all__ = ["Chunk", "Document", "Problem", "Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """A span of a document's text that belongs together.

    Attributes
    ----------
    start, end : int
        Character offsets into ``Document.text``, half open. A heading's span starts at the
        heading itself and ends where the next heading of the same or a higher rank starts.
    kind : SectionKind
        Heading, page, function …
    title : str
        Heading text, symbol name, sheet name; for a page the printed number as text.
    level : int
        1 is the highest rank; nested sections have greater levels.
    """

    start: int
    end: int
    kind: SectionKind
    title: str = ""
    level: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One readable unit: a file, a row of a JSONL file, a mail of a mailbox.

    Attributes
    ----------
    id : str
        Unique in a collection; for files ``source``, for records ``source::record``.
    text : str
        The text that every offset below counts in (Unicode code points).
    source : str
        Where it came from: an absolute path, or empty for texts that were added by hand.
    title : str
        Title as the document states it; empty when it states none.
    sections : tuple of Section
        Headings, pages, functions; in order of ``start``.
    metadata : mapping
        Values that filters can ask for.
    """

    id: str
    text: str
    source: str = ""
    title: str = ""
    sections: tuple[Section, ...] = ()
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read, with the reason; the rest goes on.

    Attributes
    ----------
    source : str
        File, or ``file::record`` where one record of many is bad.
    reason : str
        One line for a person.
    """

    source: str
    reason: str


@dataclass(frozen=True, slots=True, init=False)
class Chunk:
    """A passage: the unit that is embedded, stored and found.

    Attributes
    ----------
    id : str
        Unique in a collection and the same again when the same text is chunked the same
        way: ``{document_id}#{start}-{end}``.
    document_id : str
        The document it was cut from.
    text : str
        Exactly ``document.text[start:end]``.
    start, end : int
        Character offsets into the document's text, half open.
    source : str
        The document's source.
    headings : tuple of str
        Path of titles down to this passage, outermost first; the document's title leads.
    page : int or None
        Page or slide the passage starts on, from 1.
    metadata : mapping
        The document's metadata.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    source: str = ""
    headings: tuple[str, ...] = ()
    page: int | None = None
    metadata: Metadata = field(default_factory=dict)

    # Every hit is a chunk: a frozen dataclass's own __init__ takes twice as long.
    def __init__(
        self,
        id: str,
        document_id: str,
        text: str,
        start: int,
        end: int,
        source: str = "",
        headings: tuple[str, ...] = (),
        page: int | None = None,
        metadata: Metadata | None = None,
    ) -> None:
        _set_id(self, id)
        _set_document_id(self, document_id)
        _set_text(self, text)
        _set_start(self, start)
        _set_end(self, end)
        _set_source(self, source)
        _set_headings(self, headings)
        _set_page(self, page)
        _set_metadata(self, {} if metadata is None else metadata)

    def fields(self) -> dict[str, MetadataValue]:
        """Return what a filter sees: the built-in names, overlaid by the metadata.

        Only ``_source`` is never overlaid.

        Examples
        --------
        >>> Chunk("a#0-2", "a", "Hi", 0, 2, "a", page=3, metadata={"lang": "en"}).fields()
        {'id': 'a#0-2', 'document': 'a', 'source': 'a', 'heading': (), 'page': 3, 'lang': 'en',
         '_source': 'a'}
        """
        return {
            "id": self.id,
            "document": self.document_id,
            "source": self.source,
            "heading": self.headings,
            "page": self.page,
            **self.metadata,
            FILE_FIELD: self.source,
        }


_set_id, _set_document_id, _set_text, _set_start, _set_end = setters(Chunk, 0, 5)
_set_source, _set_headings, _set_page, _set_metadata = setters(Chunk, 5, 9)
