"""Markdown: the file's own text, front matter apart, with its headings as sections.

Headings are those of CommonMark (ATX and setext), never a ``#`` inside a code fence, and
only those that structure the document: one inside a quotation or a list item does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from nearfield.documents.decode import decode
from nearfield.documents.readers._builder import Heading, heading_sections, line_starts
from nearfield.documents.readers._files import read_bytes
from nearfield.documents.readers._metadata import flatten, stated, typed_cell
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.protocols import ReadLimits
from nearfield.types import Document, MetadataValue, Problem

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["MarkdownReader", "front_matter", "headings"]

_FENCE = re.compile(r"(---|\+\+\+)[ \t]*\n")
_FIELD = re.compile(r"([A-Za-z_][\w.-]*)[ \t]*[:=][ \t]*(.*)\Z")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+)\Z")


class MarkdownReader:
    """Markdown files; front matter becomes title and metadata and leaves the text."""

    suffixes = suffixes_of("markdown")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        decoded = decode(read_bytes(path, limits))
        fields, body = front_matter(decoded.text)
        text = decoded.text[body:]
        found = headings(text)
        title = fields.pop("title", "")
        if not title:
            title = next((h.title for h in found if h.level == 1), "")
        source = str(path)
        yield Document(
            source,
            text,
            source=source,
            title=str(title),
            sections=tuple(heading_sections(found, len(text))),
            metadata={**fields, **stated(format="markdown"), **decoded.metadata()},
        )


def headings(text: str) -> list[Heading]:
    r"""Headings in order; each starts at its line, markup included.

    Examples
    --------
    >>> headings("# Parkas\n\nWarm.\n\nHow *warm*?\n---\n")
    [Heading(start=0, level=1, title='Parkas'), Heading(start=17, level=2, title='How warm?')]
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    # Blocks are enough to find headings; parsing every paragraph's inline markup is slow.
    parser.core.ruler.enableOnly(["normalize", "block"])
    tokens = parser.parse(text)
    starts = line_starts(text)
    inline = MarkdownIt("commonmark")
    found = []
    for token, content in pairwise(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        title = _plain(inline, content.content)
        if title:
            found.append(Heading(starts[token.map[0]], int(token.tag[1]), title))
    return found


def front_matter(text: str) -> tuple[dict[str, MetadataValue], int]:
    r"""Fields of a leading YAML or TOML block, and where the body starts.

    Only flat fields and lists are understood; anything deeper is left out.

    Examples
    --------
    >>> front_matter("---\ntitle: Parkas\ntags: [cold, warm]\nyear: 2024\n---\nBody")
    ({'title': 'Parkas', 'tags': ('cold', 'warm'), 'year': 2024}, 52)
    """
    fence = _FENCE.match(text)
    if not fence:
        return {}, 0
    close = re.compile(rf"^{re.escape(fence[1])}[ \t]*(\n|\Z)", re.MULTILINE)
    end = close.search(text, fence.end())
    if not end:
        return {}, 0
    fields: dict[str, object] = {}
    name = ""
    for line in text[fence.end() : end.start()].split("\n"):
        if field := _FIELD.match(line):
            name = field[1]
            fields[name] = _value(field[2].strip())
        elif (item := _ITEM.match(line)) and name:
            held = fields.get(name)
            fields[name] = [*(held if isinstance(held, list) else []), _value(item[1].strip())]
    return flatten({k: v for k, v in fields.items() if v not in ("", [])}), end.end()


def _value(written: str) -> object:
    if len(written) > 1 and written[0] in "\"'" and written.endswith(written[0]):
        return written[1:-1]
    if written.startswith("[") and written.endswith("]"):
        return [_value(item.strip()) for item in written[1:-1].split(",") if item.strip()]
    return typed_cell(written)


def _plain(inline: MarkdownIt, content: str) -> str:
    parts: list[str] = []
    for token in inline.parseInline(content):
        for child in token.children or ():
            parts.append(" " if child.type in ("softbreak", "hardbreak") else child.content)
    return " ".join("".join(parts).split())
