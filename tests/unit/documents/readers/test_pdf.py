"""PDF: pages, outlines, hyphens, and files that hold no text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read
from nearfield.documents.readers.pdf import unhyphenate
from nearfield.types import Document, Problem

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def test_pages_and_outline(document: One, outline: Outline, samples: ModuleType) -> None:
    data = samples.pdf(
        [["1 Parkas", "are warm."], [], ["Gloves", "of wool."]],
        outline=[("Parkas", 0), ("Nowhere to be found", 0), ("gloves", 2)],
        info="<< /Title (Winter) /Author (Ada) /CreationDate (D:20240229123000+01'00') >>",
    )
    found = document("a.pdf", data)
    assert found.text == "1 Parkas\nare warm.\n\nGloves\nof wool."
    assert found.title == "Winter"
    assert found.metadata == {
        "format": "pdf",
        "author": "Ada",
        "date": "2024-02-29T12:30:00",
        "pages": 3,
    }
    assert outline(found) == [
        ("heading", "1 Parkas", 1, "1 Parkas\nare warm.\n\n"),
        ("page", "1", 1, "1 Parkas\nare warm."),
        ("page", "2", 1, ""),
        ("page", "3", 1, "Gloves\nof wool."),
        ("heading", "Gloves", 1, "Gloves\nof wool."),
    ]


@pytest.mark.parametrize(
    ("title", "shown"), [("Microsoft Word - a.doc", ""), ("untitled", ""), ("paper.tex", "")]
)
def test_titles_that_are_none(document: One, samples: ModuleType, title: str, shown: str) -> None:
    found = document("a.pdf", samples.pdf([["x"]], info=f"<< /Title ({title}) >>"))
    assert found.title == shown


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("exam-\nple", "example"),
        ("a well-\nknown and well-known fact", "a well-known and well-known fact"),
        ("Jean-\nPaul", "Jean-Paul"),
        ("1990-\n1995 and x -\ny", "1990-\n1995 and x -\ny"),
        ("soft\x02\nbreak, s\ufffe\noft, so\u00adft", "softbreak, soft, soft"),
        ("Wär-\nme", "Wärme"),
    ],
)
def test_hyphens_at_line_ends(text: str, joined: str) -> None:
    assert unhyphenate(text) == joined


def reasons(path: Path, data: bytes) -> list[str]:
    path.write_bytes(data)
    return [item.reason if isinstance(item, Problem) else "read" for item in read(path)]


def test_scanned_pages_are_said(tmp_path: Path, samples: ModuleType) -> None:
    path = tmp_path / "a.pdf"
    assert reasons(path, samples.pdf([None] * 12)) == [
        "no text: 12 pages, perhaps scanned images; run OCR first"
    ]
    assert reasons(path, samples.pdf([["text"], None, [], None])) == [
        "2 of 4 pages are images without text (2, 4); run OCR",
        "read",
    ]


def test_protected_damaged_and_empty_files(tmp_path: Path, samples: ModuleType) -> None:
    path = tmp_path / "a.pdf"
    assert reasons(path, samples.pdf([["x"]], encrypted=True)) == [
        "protected by a password; save a copy without one"
    ]
    assert reasons(path, b"") == ["the file is empty"]
    (reason,) = reasons(path, b"%PDF-1.4 and nothing more")
    assert reason.startswith("damaged, cut short, or no PDF: ")
