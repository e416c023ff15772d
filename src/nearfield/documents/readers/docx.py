"""Word documents: paragraphs, lists and tables in order, headings by style.

The body is walked as XML because python-docx's paragraphs leave out what stands in content
controls, tracked insertions and text boxes. Deleted text that is still tracked is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.oxml.ns import qn

from nearfield.documents.readers._builder import TextBuilder
from nearfield.documents.readers._files import open_archive
from nearfield.documents.readers._office import core_metadata, open_package
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem

__all__ = ["DocxReader"]

_HEADING_STYLE = re.compile(r"heading ([1-9])\Z", re.IGNORECASE)
_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT, _TAB, _BREAK, _RETURN = qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")
_HYPHEN, _BOX = qn("w:noBreakHyphen"), qn("w:txbxContent")
_GONE = frozenset(
    {qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), qn("w:pPr"), qn("w:rPr")}
    # Word repeats a drawing for older versions of itself.
    | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)


class DocxReader:
    """``.docx`` and its relatives with macros or as templates."""

    suffixes = suffixes_of("docx")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        open_archive(path, limits).close()
        document = open_package(docx.Document, path)
        source = str(path)
        writer = _Writer(document)
        writer.walk(document.element.body)
        text, sections = writer.builder.finish()
        title, metadata = core_metadata(document.core_properties, "docx")
        yield Document(source, text, source, title or writer.title, sections, metadata)


class _Writer:
    def __init__(self, document: Any) -> None:  # noqa: ANN401 (python-docx has no types)
        self.builder = TextBuilder()
        self.title = ""
        # Style id → (name, outline level from 1 or None).
        self._styles = {s.style_id: (s.name or "", _outline_level(s)) for s in document.styles}

    def walk(self, parent: Any) -> None:  # noqa: ANN401
        for element in parent:
            if element.tag == _PARAGRAPH:
                self._paragraph(element)
            elif element.tag == _TABLE:
                self._table(element)
            elif element.tag not in _GONE and isinstance(element.tag, str):
                self.walk(element)

    def _paragraph(self, paragraph: Any) -> None:  # noqa: ANN401
        text = "".join(_pieces(paragraph)).strip()
        style, level = self._style(paragraph)
        if style.lower() == "title" and text:
            self.title = self.title or " ".join(text.split())
            self.builder.heading(text, 1)
        elif level is not None:
            self.builder.heading(text, level)
        elif text and _is_item(paragraph, style):
            self.builder.line(f"- {text}")
        elif text:
            self.builder.block(text)
        for box in _boxes(paragraph):
            self.walk(box)

    def _style(self, paragraph: Any) -> tuple[str, int | None]:  # noqa: ANN401
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return "", None
        style = properties.find(qn("w:pStyle"))
        name, level = self._styles.get(
            style.get(qn("w:val")) if style is not None else "", ("", None)
        )
        own = _level_in(properties)
        return name, own if own is not None else level

    def _table(self, table: Any) -> None:  # noqa: ANN401
        self.builder.gap()
        for row in table.iter(_ROW):
            if next(row.iterancestors(_TABLE)) is not table:
                continue
            cells = [c for c in row.iter(_CELL) if next(c.iterancestors(_ROW)) is row]
            shown = [" ".join(" ".join(_pieces(cell, deep=True)).split()) for cell in cells]
            if any(shown):
                self.builder.line(" | ".join(shown))
        self.builder.gap()


def _pieces(element: Any, *, deep: bool = False) -> Iterator[str]:  # noqa: ANN401
    """Text of a paragraph, or with `deep` of a cell with all that it holds."""
    for child in element:
        tag = child.tag
        if tag == _TEXT:
            yield child.text or ""
        elif tag == _TAB:
            yield "\t"
        elif tag in (_BREAK, _RETURN):
            yield "\n"
        elif tag == _HYPHEN:
            yield "-"
        elif tag in _GONE or not isinstance(tag, str) or (tag == _BOX and not deep):
            continue
        else:
            yield from ["".join(_pieces(child, deep=deep))] if deep else _pieces(child)


def _boxes(paragraph: Any) -> Iterator[Any]:  # noqa: ANN401
    for box in paragraph.iter(_BOX):
        if not any(a.tag in _GONE for a in box.iterancestors()) and (
            next(box.iterancestors(_PARAGRAPH)) is paragraph
        ):
            yield box


def _is_item(paragraph: Any, style: str) -> bool:  # noqa: ANN401
    numbered = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None
    return numbered or style.lower().startswith("list ")


def _outline_level(style: Any) -> int | None:  # noqa: ANN401
    """Rank of a paragraph style, its own or inherited; None for body text."""
    seen = 0
    # A damaged file may inherit in a circle.
    while style is not None and seen < 20:
        if match := _HEADING_STYLE.match(style.name or ""):
            return int(match[1])
        properties = style.element.find(qn("w:pPr"))
        if properties is not None and (level := _level_in(properties)) is not None:
            return level
        style, seen = getattr(style, "base_style", None), seen + 1
    return None


def _level_in(properties: Any) -> int | None:  # noqa: ANN401
    outline = properties.find(qn("w:outlineLvl"))
    value = outline.get(qn("w:val")) if outline is not None else None
    # 9 means body text (ECMA-376, 17.3.1.20).
    return int(value) + 1 if value and value.isdigit() and int(value) < 9 else None
