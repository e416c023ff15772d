"""Source code: functions and classes where they stand."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from nearfield.documents.readers import _grammars
from nearfield.types import Document

One = Callable[[str, bytes | str], Document]
Outline = Callable[[Document], list[tuple[str, str, int, str]]]


def symbols(document: Document) -> list[tuple[str, int, str, str]]:
    """Name, level, first line and last line of each symbol."""
    found = []
    for section in document.sections:
        lines = document.text[section.start : section.end].split("\n")
        found.append((section.title, section.level, lines[0], lines[-1]))
    return found


def test_python(document: One, samples: ModuleType) -> None:
    found = document("a.py", samples.PYTHON)
    assert found.text == samples.PYTHON
    assert found.metadata == {"format": "code", "language": "python"}
    assert symbols(found) == [
        ("warm", 1, "@staticmethod", "    return coat"),
        ("Parka", 1, "class Parka:", "        pass"),
        ("wear", 2, "    def wear(self):", "        pass"),
    ]


def test_python_offsets_count_characters(document: One) -> None:
    found = document(
        "a.py", "# Größe 🧥\r\nx = '\x0c'\r\nasync def f():\r\n    '🧥'\r\n\r\ny = 1\r\n"
    )
    assert symbols(found) == [("f", 1, "async def f():", "    '🧥'")]


def test_python_that_does_not_parse_is_read_as_far_as_it_goes(document: One) -> None:
    found = document("a.py", "def old():\n    print 'x'\n\ndef new():\n    pass\n")
    assert [s.title for s in found.sections] == ["old", "new"]


def test_a_stated_encoding(document: One) -> None:
    found = document(
        "a.py", "#!/usr/bin/python\n# -*- coding: koi8-r -*-\nx = 'это'\n".encode("koi8-r")
    )
    assert found.text.endswith("x = 'это'\n")
    assert found.metadata["encoding"] == "koi8-r"


def test_somebody_elses_bad_escapes_are_no_warning(document: One) -> None:
    assert document("a.py", 'def f():\n    return "\\d"\n').sections[0].title == "f"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.js",
            "// ü\n\n/** Warm. */\nexport function warm(x) {\n  return x;\n}\n"
            "const f = (a) => a, g = 3;\nclass A { m() {} }\n",
            [
                ("warm", 1, "/** Warm. */", "}"),
                ("f", 1, "f = (a) => a", "f = (a) => a"),
                ("A", 1, "class A { m() {} }", "class A { m() {} }"),
                ("m", 2, "m() {}", "m() {}"),
            ],
        ),
        (
            "a.ts",
            "interface I { a: string }\nexport const f = async () => 1;\ntype T = string;\n",
            [
                ("I", 1, "interface I { a: string }", "interface I { a: string }"),
                ("f", 1, *["export const f = async () => 1;"] * 2),
                ("T", 1, "type T = string;", "type T = string;"),
            ],
        ),
        (
            "a.tsx",
            "function App() { return <p>x</p>; }\n",
            [("App", 1, *["function App() { return <p>x</p>; }"] * 2)],
        ),
        (
            "A.java",
            "class A {\n  // warm\n  int wear(int x) { return x; }\n}\n",
            [
                ("A", 1, "class A {", "}"),
                ("wear", 2, "  // warm", "  int wear(int x) { return x; }"),
            ],
        ),
        (
            "a.c",
            "int x; /* of x */\nstruct used *p;\nstatic char *name(struct s *q)\n{\n}\n"
            "struct s { int a; };\n",
            [
                ("name", 1, "static char *name(struct s *q)", "}"),
                ("s", 1, "struct s { int a; }", "struct s { int a; }"),
            ],
        ),
        (
            "a.cpp",
            "namespace n {\ntemplate <class T>\nstruct S { void m() {} };\n}\nvoid S::g() {}\n",
            [
                ("n", 1, "namespace n {", "}"),
                ("S", 2, "template <class T>", "struct S { void m() {} };"),
                ("m", 3, "void m() {}", "void m() {}"),
                ("S::g", 1, "void S::g() {}", "void S::g() {}"),
            ],
        ),
        (
            "a.go",
            "package p\n\n// F is warm.\nfunc F() {}\n\ntype T struct{}\n\nfunc (t *T) M() {}\n",
            [
                ("F", 1, "// F is warm.", "func F() {}"),
                ("T", 1, "type T struct{}", "type T struct{}"),
                ("M", 1, "func (t *T) M() {}", "func (t *T) M() {}"),
            ],
        ),
        (
            "a.rs",
            "/// 🧥\n#[derive(Debug)]\nstruct S;\n\nimpl Warm for S {\n    fn f(&self) {}\n}\n",
            [
                ("S", 1, "/// 🧥", "struct S;"),
                ("Warm for S", 1, "impl Warm for S {", "}"),
                ("f", 2, "    fn f(&self) {}", "    fn f(&self) {}"),
            ],
        ),
    ],
)
def test_other_languages(
    document: One, name: str, text: str, expected: list[tuple[str, int, str, str]]
) -> None:
    assert symbols(document(name, text)) == expected


def test_without_a_grammar_it_is_plain_text(document: One, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_grammars, "_parser", lambda grammar: None)
    found = document("a.go", "package p\nfunc F() {}\n")
    assert (found.text, found.sections) == ("package p\nfunc F() {}\n", ())
    assert document("a.lua", "print(1)").metadata == {"format": "code", "language": "lua"}
