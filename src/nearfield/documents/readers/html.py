"""HTML pages: what a reader of the page reads, with headings as sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nearfield.documents.decode import decode
from nearfield.documents.readers._files import read_bytes
from nearfield.documents.readers._markup import Tree, local_name, parse_html, text_of
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.protocols import ReadLimits
from nearfield.types import Document, MetadataValue, Problem

__all__ = ["HtmlReader", "declared_encoding"]

# Where the HTML standard's "prescan" looks, and a little further as pages do not keep to it.
_PRESCAN_BYTES = 4096
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"<\?xml[^>]+encoding\s*=\s*[\"']([\w.-]+)")
_META_FIELDS = {
    "author": "author",
    "article:author": "author",
    "dc.creator": "author",
    "description": "description",
    "date": "date",
    "dc.date": "date",
    "article:published_time": "date",
    "keywords": "keywords",
}


class HtmlReader:
    """HTML and XHTML pages."""

    suffixes = suffixes_of("html")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        data = read_bytes(path, limits)
        decoded = decode(data, declared=declared_encoding(data))
        source = str(path)
        tree = parse_html(decoded.text)
        if tree is None:
            yield Problem(source, "no text")
            return
        text, sections = text_of(tree)
        title = _title(tree) or next((s.title for s in sections if s.level == 1), "")
        metadata = {**_metadata(tree), **decoded.metadata()}
        yield Document(source, text, source, title, sections, metadata)


def declared_encoding(data: bytes) -> str:
    """The encoding that a page names, or an empty string.

    Examples
    --------
    >>> declared_encoding(b'<html><meta charset="koi8-r">')
    'koi8-r'
    """
    head = data[:_PRESCAN_BYTES]
    found = _CHARSET.search(head) or _XML_ENCODING.search(head)
    return found[1].decode("ascii") if found else ""


def _title(tree: Tree) -> str:
    for element in tree.iter("{*}title"):
        # Drawings inside the page have titles of their own.
        if not any(local_name(a) == "svg" for a in element.iterancestors()):
            return " ".join("".join(element.itertext()).split())
    return ""


def _metadata(tree: Tree) -> dict[str, MetadataValue]:
    fields: dict[str, object] = {"format": "html", "lang": tree.get("lang") or ""}
    for element in tree.iter("{*}meta"):
        name = (element.get("name") or element.get("property") or "").lower()
        content = (element.get("content") or "").strip()
        field = _META_FIELDS.get(name)
        if field and content:
            words = [word.strip() for word in content.split(",") if word.strip()]
            fields.setdefault(field, words if field == "keywords" else content)
    return stated(**fields)
