"""EPUB: chapters in reading order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from nearfield.documents.readers import read
from nearfield.types import Document, Problem

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def test_chapters_follow_the_spine(document: One, outline: Outline, samples: ModuleType) -> None:
    chapters = {
        "b%20c.xhtml": samples.chapter("<h1>One</h1><p>First.</p>"),
        "a.xhtml": samples.chapter("<script/><h2>Two</h2><p>Second.</p>"),
    }
    renamed = {"OEBPS/b c.xhtml": chapters["b%20c.xhtml"]}
    found = document("a.epub", samples.epub(chapters, extra=renamed))
    assert found.text == "One\n\nFirst.\n\nTwo\n\nSecond."
    assert found.title == "Winter"
    assert found.metadata == {"format": "epub", "author": "Ada", "lang": "en"}
    assert outline(found) == [
        ("heading", "One", 1, found.text),
        ("heading", "Two", 2, "Two\n\nSecond."),
    ]


def test_chapters_that_are_not_quite_xml(document: One, samples: ModuleType) -> None:
    chapters = {
        "1.xhtml": samples.chapter("<p>a&nbsp;b &eacute;</p>"),
        "2.xhtml": "<html><body><p>never closed<br>again",
    }
    found = document("a.epub", samples.epub(chapters))
    assert found.text == "a b é\n\nnever closed\nagain"


def test_a_missing_chapter_is_named_and_the_rest_goes_on(
    tmp_path: Path, samples: ModuleType
) -> None:
    path = tmp_path / "a.epub"
    data = samples.epub({"1.xhtml": samples.chapter("<p>one</p>"), "2.xhtml": "x"})
    path.write_bytes(data.replace(b"OEBPS/2.xhtml", b"OEBPS/3.xhtml"))
    problem, found = read(path)
    assert problem == Problem(
        f"{path}::OEBPS/2.xhtml", "OEBPS/2.xhtml: damaged: OEBPS/2.xhtml is missing"
    )
    assert isinstance(found, Document)
    assert found.text == "one"


def test_copy_protection_is_said(tmp_path: Path, samples: ModuleType) -> None:
    path = tmp_path / "a.epub"
    encryption = (
        '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:CipherData>'
        '<e:CipherReference URI="OEBPS/1.xhtml"/></e:CipherData></e:EncryptedData></encryption>'
    )
    extra = {"META-INF/encryption.xml": encryption}
    path.write_bytes(samples.epub({"1.xhtml": "secret"}, extra=extra))
    assert list(read(path)) == [
        Problem(str(path), "protected against copying (DRM); its text is encrypted")
    ]


def test_entities_are_never_expanded_from_files(tmp_path: Path, samples: ModuleType) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    attack = (
        f'<!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>before &x; after</p></body></html>'
    )
    path = tmp_path / "a.epub"
    path.write_bytes(samples.epub({"1.xhtml": attack}))
    assert "SECRET" not in repr(list(read(path)))
