"""PowerPoint presentations: slide by slide, with tables, groups and speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pptx

from nearfield.documents.readers._builder import TextBuilder
from nearfield.documents.readers._files import open_archive
from nearfield.documents.readers._office import core_metadata, open_package
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem, SectionKind

__all__ = ["PptxReader"]


class PptxReader:
    """``.pptx`` and its relatives."""

    suffixes = suffixes_of("pptx")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        open_archive(path, limits).close()
        presentation = open_package(pptx.Presentation, path)
        builder = TextBuilder()
        for number, slide in enumerate(presentation.slides, 1):
            title = _title(slide)
            with builder.section(SectionKind.SLIDE, title or f"Slide {number}"):
                _slide(slide, title, builder)
        text, sections = builder.finish()
        source = str(path)
        title, metadata = core_metadata(presentation.core_properties, "pptx")
        yield Document(source, text, source, title, sections, metadata)


def _slide(slide: Any, title: str, builder: TextBuilder) -> None:  # noqa: ANN401
    # Titles come first on screen, whatever their place in the file.
    builder.block(title)
    for shape in slide.shapes:
        if shape != slide.shapes.title:
            _shape(shape, builder)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        builder.block(slide.notes_slide.notes_text_frame.text.replace("\v", "\n"))


def _shape(shape: Any, builder: TextBuilder) -> None:  # noqa: ANN401
    if hasattr(shape, "shapes"):
        for inner in shape.shapes:
            _shape(inner, builder)
    elif getattr(shape, "has_table", False) and shape.has_table:
        builder.gap()
        for row in shape.table.rows:
            builder.line(" | ".join(" ".join(cell.text.split()) for cell in row.cells))
        builder.gap()
    elif shape.has_text_frame:
        builder.gap()
        for paragraph in shape.text_frame.paragraphs:
            builder.line(paragraph.text.replace("\v", "\n").strip())
        builder.gap()


def _title(slide: Any) -> str:  # noqa: ANN401
    shape = slide.shapes.title
    return " ".join(shape.text_frame.text.split()) if shape is not None else ""
