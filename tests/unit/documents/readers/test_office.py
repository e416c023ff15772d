"""Word, PowerPoint and spreadsheets, whole and broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from nearfield.documents.readers import read, spreadsheet
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def reason(path: Path, data: bytes, limits: ReadLimits | None = None) -> str:
    path.write_bytes(data)
    (problem,) = read(path, limits=limits)
    assert isinstance(problem, Problem), problem
    return problem.reason


def test_word(document: One, outline: Outline, samples: ModuleType) -> None:
    found = document("a.docx", samples.word())
    gloves = "Gloves\n\nWool."
    text = (
        "Parkas\n\nDown keeps you warm.\n\n- first\n- second\n\n"
        f"name | price\nparka | 120\n\n{gloves}"
    )
    assert found.text == text
    assert found.title == "Winter catalogue"
    assert found.metadata["author"] == "Ada"
    assert outline(found) == [("heading", "Parkas", 1, text), ("heading", "Gloves", 2, gloves)]


def test_word_reads_insertions_links_controls_and_boxes_not_deletions(document: One) -> None:
    made = docx.Document()
    namespace = nsdecls("w")
    run = "<w:r><w:t>{}</w:t></w:r>"
    body = (
        f"<w:p {namespace}>"
        + run.format("plain")
        + f"<w:ins>{run.format(' inserted')}</w:ins>"
        + "<w:del><w:r><w:delText> gone</w:delText></w:r></w:del>"
        + f"<w:hyperlink>{run.format(' linked')}</w:hyperlink>"
        + f"<w:sdt><w:sdtContent>{run.format(' controlled')}</w:sdtContent></w:sdt>"
        + "<w:r><w:tab/><w:t>tabbed</w:t><w:br/><w:t>broken</w:t></w:r></w:p>"
    )
    block = (
        f"<w:sdt {namespace}><w:sdtContent><w:p>{run.format('block')}</w:p></w:sdtContent></w:sdt>"
    )
    boxed = (
        f"<w:p {namespace}>{run.format('outside')}<w:r><w:pict><w:txbxContent><w:p>"
        f"{run.format('inside')}</w:p></w:txbxContent></w:pict></w:r></w:p>"
    )
    for xml in (body, block, boxed):
        made.element.body.insert(-1, parse_xml(xml))
    out = io.BytesIO()
    made.save(out)
    assert document("a.docx", out.getvalue()).text == (
        "plain inserted linked controlled\ttabbed\nbroken\n\nblock\n\noutside\n\ninside"
    )


def test_word_heading_styles_of_ones_own(document: One, outline: Outline) -> None:
    made = docx.Document()
    style = made.styles.add_style("Chapter", 1)
    style.base_style = made.styles["Heading 2"]
    made.add_paragraph("Mine", style="Chapter")
    made.add_paragraph("Text")
    out = io.BytesIO()
    made.save(out)
    assert outline(document("a.docx", out.getvalue())) == [("heading", "Mine", 2, "Mine\n\nText")]


def test_slides(document: One, outline: Outline, samples: ModuleType) -> None:
    found = document("a.pptx", samples.slides())
    assert outline(found) == [
        ("slide", "Layers", 1, "Layers\n\nBase\nMiddle"),
        ("slide", "Prices", 1, "Prices\n\nparka | 120\n\nSay it slowly"),
    ]


def test_sheets(document: One, outline: Outline, samples: ModuleType) -> None:
    data = samples.xlsx(
        {
            "Coats": {"A1": "name", "B1": "price", "A2": "parka", "B2": 120, "B3": 99.5},
            "Empty": {},
            "Plain": {"B2": 1, "C2": "two"},
        }
    )
    found = document("a.xlsx", data)
    assert found.metadata == {"format": "xlsx", "sheets": ("Coats", "Empty", "Plain")}
    assert outline(found) == [
        ("sheet", "Coats", 1, "Coats\n\nname | price\nname: parka; price: 120\nprice: 99.5"),
        ("sheet", "Empty", 1, "Empty"),
        ("sheet", "Plain", 1, "Plain\n\n1 | two"),
    ]


def test_a_workbook_without_cells_has_no_text(tmp_path: Path, samples: ModuleType) -> None:
    assert reason(tmp_path / "a.xlsx", samples.xlsx({"A": {}, "B": {}})) == "no text"


def test_a_sheet_with_far_corners_is_refused_before_it_eats_the_memory(
    tmp_path: Path, samples: ModuleType
) -> None:
    data = samples.xlsx({"S": {"A1": "x", "XFD1048576": "y"}})
    assert reason(tmp_path / "a.xlsx", data) == (
        "xl/worksheets/sheet1.xml spans 17,179,869,184 cells, the limit is 10,000,000; "
        "delete the far cells, or save the sheet as CSV"
    )


def test_a_panic_of_the_parser_is_one_problem(
    tmp_path: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    panic = type("PanicException", (BaseException,), {})

    def fails(*_: object) -> None:
        raise panic("index out of bounds")

    monkeypatch.setattr(spreadsheet, "_sheet", fails)
    assert reason(tmp_path / "a.xlsx", samples.xlsx({"S": {"A1": "x"}})) == (
        "damaged: the parser gave up: index out of bounds"
    )


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.ods", "a.epub"])
class TestZipBased:
    def test_damaged(self, tmp_path: Path, samples: ModuleType, name: str) -> None:
        whole = samples.word()
        path = tmp_path / name
        assert reason(path, b"") == "the file is empty"
        assert reason(path, whole[: len(whole) // 2]) == (
            "damaged, cut short, or another format: File is not a zip file"
        )
        # A sound archive of something else.
        assert "damaged" in reason(path, samples.archive({"a.txt": "x"}))

    def test_protected_or_old(self, tmp_path: Path, name: str) -> None:
        old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 999
        assert reason(tmp_path / name, old).startswith("protected by a password, or in the old")

    def test_bombs_are_refused_unopened(
        self, tmp_path: Path, samples: ModuleType, name: str
    ) -> None:
        bomb = samples.archive({"word/document.xml": b" " * 30_000_000})
        assert len(bomb) < 100_000
        limits = ReadLimits(file_bytes=20_000_000)
        assert reason(tmp_path / name, bomb, limits) == (
            "too large: 30 MB unpacked, the limit is 20 MB"
        )
