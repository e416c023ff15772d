"""Markdown: offsets into the file's own text."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from nearfield.documents.readers.markdown import front_matter, headings
from nearfield.types import Document

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def test_text_is_the_body_and_headings_lie_in_it(
    document: One, outline: Outline, samples: ModuleType
) -> None:
    found = document("a.md", samples.MARKDOWN)
    text = samples.MARKDOWN[samples.MARKDOWN.index("# Parkas") :]
    assert found.text == text
    assert found.title == "Winter catalogue"
    assert found.metadata == {"format": "markdown", "tags": ("warm", "dry")}
    assert outline(found) == [
        ("heading", "Parkas", 1, text[text.index("# Parkas") :]),
        ("heading", "Gloves", 2, text[text.index("Gloves\n---") :]),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n## Two\n# Three\n", [(0, 1, "One"), (6, 2, "Two"), (13, 1, "Three")]),
        ("Title\n=====\n", [(0, 1, "Title")]),
        ("Two\nlines\n---\n", [(0, 2, "Two lines")]),
        ("   ### *a* `b` [c](d) ![e](f) ###\n", [(0, 3, "a b c e")]),
        ("#not\n\n####### not\n", []),
        ("    # code\n", []),
        ("```sh\n# code\n```\n# real\n", [(17, 1, "real")]),
        ("~~~\n# code\n```\n# still code\n", []),
        ("<!--\n# comment\n-->\n", []),
        ("> # quoted\n\n- # item\n", []),
        ("#\n# \n# x", [(5, 1, "x")]),
        ("text\n\n# \ud7ff日本語 🧥", [(6, 1, "\ud7ff日本語 🧥")]),
        ("# A&amp;B \\* &copy;", [(0, 1, "A&B * ©")]),
    ],
)
def test_headings(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert [(h.start, h.level, h.title) for h in headings(text)] == expected


@pytest.mark.parametrize(
    ("text", "fields", "body"),
    [
        ("# no\n", {}, "# no\n"),
        ("---\nnever closed", {}, "---\nnever closed"),
        ('+++\ntitle = "A"\ndraft = true\n+++\nx', {"title": "A", "draft": True}, "x"),
        ("---\ntags:\n- a\n- b\n---", {"tags": ("a", "b")}, ""),
        ("---\nnested:\n  deep: 1\nok: 1.5\n---\n", {"ok": 1.5}, ""),
    ],
)
def test_front_matter(text: str, fields: dict[str, object], body: str) -> None:
    found, start = front_matter(text)
    assert (found, text[start:]) == (fields, body)


def test_offsets_hold_after_windows_line_ends_and_a_mark(document: One, outline: Outline) -> None:
    found = document("a.md", "\ufeffintro\r\n\r\n# Wärme\r\ntext\r\n".encode())
    assert found.text == "intro\n\n# Wärme\ntext\n"
    assert outline(found) == [("heading", "Wärme", 1, "# Wärme\ntext\n")]
    assert found.title == "Wärme"
