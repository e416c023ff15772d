"""HTML: what a reader of the page reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read
from nearfield.types import Document

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def test_a_page(document: One, outline: Outline, samples: ModuleType) -> None:
    found = document("a.html", samples.HTML)
    text = (
        "Parkas\n\nDown keeps you warm.\n\n- first\n- second\n\n"
        "name | price\nparka | 120\n\nGloves\n\nWool."
    )
    assert found.text == text
    assert found.title == "Winter & wool"
    assert found.metadata == {"format": "html", "lang": "en", "author": "Ada"}
    assert outline(found) == [
        ("heading", "Parkas", 1, text),
        ("heading", "Gloves", 2, "Gloves\n\nWool."),
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>a<b>b</b>c</p>", "abc"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\n\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("a &lt; b &amp;&nbsp;c &#x1F9E5; &eacute;", "a < b & c 🧥 é"),
        ("  many \n\t spaces ", "many spaces"),
        ("<pre>  kept\n    so</pre>", "  kept\n    so"),
        ("<ol start=3><li>x<li>y<ul><li>z</ul></ol>", "3. x\n4. y\n  - z"),
        ("<dl><dt>word<dd>meaning</dl>", "word\n\nmeaning"),
        ("before<!-- not this -->after", "beforeafter"),
        ("<script>x</script>tail<style>y</style>", "tail"),
        ("<p style='DISPLAY : none'>a</p><p aria-hidden=true>b</p><p>c", "c"),
        ("<table><tr><td>a<p>b</td><td></td><td>c</td></tr></table>", "a b |  | c"),
        ("<table><tr><td><h1>T</h1><p>laid out</p></td></tr></table>", "T\n\nlaid out"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt></ruby>字", "漢字"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\0b and what follows it is read too", "a\ufffdb and what follows it is read too"),
        ("<nav>menu</nav><main>text<aside>note</aside></main><aside>ad</aside>", "text\n\nnote"),
        ("<article><header>by Ada</header>text</article><footer>c</footer>", "by Ada\n\ntext"),
        ("<nav>nothing but a menu</nav>", "nothing but a menu"),
        ("<header><nav>x</nav><h1>Title</h1></header><p>text", "Title\n\ntext"),
        ("<div class='a sidebar'>x</div><div id=toc>y</div>z", "z"),
        ("<select><option>x</select><button>go</button>text", "text"),
    ],
)
def test_rendering(document: One, body: str, text: str) -> None:
    assert document("a.html", f"<!DOCTYPE html><body>{body}").text == text


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="koi8-r">', "koi8-r"),
        ('<meta http-equiv=Content-Type content="text/html; charset=windows-1251">', "cp1251"),
        ('<?xml version="1.0" encoding="euc-jp"?>', "euc_jp"),
    ],
)
def test_declared_encodings(document: One, head: str, encoding: str) -> None:
    text = "日本" if encoding == "euc_jp" else "это"
    found = document("a.html", f"{head}<p>{text}".encode(encoding))
    assert found.text == text
    assert found.metadata["encoding"] == encoding


def test_metadata_as_the_page_states_it(document: One) -> None:
    head = (
        '<html lang="de"><meta property="article:published_time" content="2024-02-29">'
        '<meta name="Keywords" content="warm, dry"><svg><title>icon</title></svg><h1>Real</h1>'
    )
    found = document("a.htm", head)
    assert found.title == "Real"
    assert found.metadata == {
        "format": "html",
        "lang": "de",
        "date": "2024-02-29",
        "keywords": ("warm", "dry"),
    }


def test_nesting_beyond_the_parser_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<div>" * 1500 + "deep")
    assert next(read(path)).text == "deep"  # type: ignore[union-attr]
    path.write_text("<div>" * 5000 + "deeper")
    (problem,) = read(path)
    assert problem.reason == "elements are nested deeper than 2,048 levels"  # type: ignore[union-attr]


@pytest.mark.parametrize("data", ["", "  ", "<!-- -->", "<html></html>", "<p hidden>x"])
def test_pages_without_text(tmp_path: Path, data: str) -> None:
    path = tmp_path / "a.html"
    path.write_text(data)
    assert [problem.reason for problem in read(path)] == ["no text"]  # type: ignore[union-attr]
