"""Jupyter notebooks: each cell a section, Markdown headings across cells.

Outputs are left out: they are results of the cells, often tables of numbers or images.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from nearfield.documents.decode import clean, decode
from nearfield.documents.readers._builder import Heading, heading_sections
from nearfield.documents.readers._files import read_bytes
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.documents.readers.markdown import headings
from nearfield.errors import ReadError
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem, Section, SectionKind

__all__ = ["NotebookReader"]

_GAP = "\n\n"


class NotebookReader:
    """``.ipynb`` of nbformat 3 and 4."""

    suffixes = suffixes_of("notebook")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        source = str(path)
        try:
            notebook = json.loads(decode(read_bytes(path, limits)).text)
        except (ValueError, RecursionError) as error:
            raise ReadError(f"no valid notebook: {error}") from error
        if not isinstance(notebook, dict):
            raise ReadError("no valid notebook: expected an object")
        text, sections = _cells(list(_texts(notebook)))
        facts = notebook.get("metadata")
        facts = facts if isinstance(facts, Mapping) else {}
        title = facts.get("title") or next(
            (s.title for s in sections if s.kind is SectionKind.HEADING and s.level == 1), ""
        )
        metadata = stated(format="ipynb", language=_language(facts))
        yield Document(source, text, source, clean(str(title)), sections, metadata)


def _texts(notebook: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Kind and text of every cell that holds anything."""
    sheets = notebook.get("worksheets")
    holders = sheets if isinstance(sheets, list) else [notebook]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, Mapping) else None
        if not isinstance(cells, list):
            raise ReadError("no valid notebook: there is no list of cells")
        for cell in cells:
            if not isinstance(cell, Mapping):
                continue
            lines = cell.get("source", cell.get("input", ""))
            joined = "".join(map(str, lines)) if isinstance(lines, list) else str(lines)
            text = clean(joined).strip("\n")
            if text.strip():
                yield str(cell.get("cell_type", "raw")), text


def _cells(cells: list[tuple[str, str]]) -> tuple[str, tuple[Section, ...]]:
    found: list[Heading] = []
    spans: list[Section] = []
    position = 0
    for number, (kind, text) in enumerate(cells, 1):
        level = found[-1].level + 1 if found else 1
        if kind == "markdown":
            inside = headings(text)
            found += [Heading(h.start + position, h.level, h.title) for h in inside]
            if inside and not inside[0].start:
                level = inside[0].level + 1
        end = position + len(text)
        spans.append(Section(position, end, SectionKind.CELL, f"{kind} {number}", level))
        position = end + len(_GAP)
    text = _GAP.join(text for _, text in cells)
    sections = [*spans, *heading_sections(found, len(text))]
    return text, tuple(sorted(sections, key=lambda s: (s.start, -s.end, s.level)))


def _language(facts: Mapping[str, object]) -> object:
    for holder, field in (("language_info", "name"), ("kernelspec", "language")):
        inner = facts.get(holder)
        if isinstance(inner, Mapping) and inner.get(field):
            return inner[field]
    return None
