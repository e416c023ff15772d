"""Notebooks: cells, and headings across them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read
from nearfield.types import Document

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def test_cells_and_headings(document: One, outline: Outline, samples: ModuleType) -> None:
    found = document("a.ipynb", samples.NOTEBOOK)
    text = "# Warmth\nOf coats.\n\nprint('parka')\n\n## Gloves\n\nWool."
    assert (found.text, found.title) == (text, "Warmth")
    assert found.metadata == {"format": "ipynb", "language": "python"}
    assert outline(found) == [
        ("heading", "Warmth", 1, text),
        ("cell", "markdown 1", 2, "# Warmth\nOf coats."),
        ("cell", "code 2", 2, "print('parka')"),
        ("heading", "Gloves", 2, "## Gloves\n\nWool."),
        ("cell", "markdown 3", 3, "## Gloves\n\nWool."),
    ]


def test_the_older_format(document: One) -> None:
    sheet = {"cells": [{"cell_type": "code", "input": ["a = 1\n", "b"]}, {"cell_type": "code"}]}
    found = document("a.ipynb", json.dumps({"nbformat": 3, "worksheets": [sheet]}))
    assert found.text == "a = 1\nb"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("{", "no valid notebook: Expecting"),
        ("[]", "no valid notebook: expected an object"),
        ("{}", "no valid notebook: there is no list of cells"),
        ('{"cells": []}', "no text"),
    ],
)
def test_what_is_no_notebook(tmp_path: Path, data: str, reason: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(data)
    (problem,) = read(path)
    assert problem.reason.startswith(reason)  # type: ignore[union-attr]
