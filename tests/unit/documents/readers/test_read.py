"""The front door: which reader, and one bad file never stops a folder."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read, reader_for
from nearfield.documents.readers import text as text_module
from nearfield.documents.readers._files import lines, open_stream
from nearfield.documents.readers.text import TextReader
from nearfield.errors import MissingExtra
from nearfield.protocols import ReadLimits
from nearfield.registry import READERS
from nearfield.types import Document, Problem

One = Callable[[str, bytes | str], Document]


def problem(path: Path, limits: ReadLimits | None = None) -> str:
    (found,) = read(path, limits=limits)
    assert isinstance(found, Problem), found
    assert found.source == str(path)
    return found.reason


@pytest.mark.parametrize("name", ["README", "Makefile", "app.service", "notes.1", "X.TXT", ".env"])
def test_text_of_any_name_is_read(document: One, name: str) -> None:
    found = document(name, "Wärme\n")
    assert (found.text, found.metadata) == ("Wärme\n", {"format": "text"})


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.bin", b"\0\1\2\3" * 99, "binary, no reader for .bin"),
        ("program", b"\x7fELF\0\0\0\0", "binary, and its name has no ending to choose a reader by"),
        ("a.tar.gz", gzip.compress(b"\0" * 999, mtime=0), "binary, no reader for .tar.gz"),
        ("a.svg", b"<svg/>", "not prose, no reader for .svg"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "binary: 3 of 10 bytes are control characters"),
        ("a.txt", b"", "no text"),
        ("a.md", b" \n\t", "no text"),
        ("a.pdf.gz", b"", "a compressed .pdf file; decompress it first"),
        ("a.txt.gz", b"text", "the compressed data is damaged or cut short: Not a gzipped"),
        (
            "a.txt.gz",
            gzip.compress(b"text" * 99, mtime=0)[:-9],
            "the compressed data is damaged or cut short",
        ),
    ],
)
def test_reasons(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert problem(path).startswith(reason)


def test_what_is_no_file_is_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.md").mkdir()
    assert problem(tmp_path / "pipe.txt") == "no regular file"
    assert problem(tmp_path / "folder.md") == "a folder"
    assert problem(tmp_path / "gone.md") == "cannot be opened: No such file or directory"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("x")
    path.chmod(0)
    assert problem(path) == "cannot be opened: Permission denied"


def test_any_text_format_may_be_compressed(document: One, samples: ModuleType) -> None:
    found = document("a.md.gz", gzip.compress(samples.MARKDOWN.encode()))
    assert found.title == "Winter catalogue"
    assert document("README.gz", gzip.compress(b"plain", mtime=0)).text == "plain"


def test_a_file_larger_than_the_limit(tmp_path: Path) -> None:
    limits = ReadLimits(file_bytes=1_000_000)
    plain, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    plain.write_bytes(b"x" * 1_500_000)
    packed.write_bytes(gzip.compress(b"x" * 1_500_000, mtime=0))
    assert problem(plain, limits) == "too large: 1.5 MB, the limit is 1 MB"
    assert problem(packed, limits) == "too large: more after decompression, the limit is 1 MB"


def test_a_decompression_bomb_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(130):
            stream.write(b" " * 1_000_000)
    found = list(read(path))
    assert len(found) == 1
    assert "a decompression bomb" in found[0].reason  # type: ignore[union-attr]


def test_lines_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n" + b"x" * 3_000_000 + b"\ntwo\n" + b"y" * 2_000_000)
    with open_stream(path) as stream:
        found = [(line.number, line.data, line.size) for line in lines(stream, 100)]
    assert found == [
        (1, b"one\n", 4),
        (2, None, 3_000_001),
        (3, b"two\n", 4),
        (4, None, 2_000_000),
    ]


def test_a_parser_that_crashes_becomes_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(data: bytes) -> None:
        raise KeyError("of somebody else's")

    monkeypatch.setattr(text_module, "decode", crash)
    path = tmp_path / "a.txt"
    path.write_text("x")
    assert problem(path) == 'damaged, or not understood: KeyError: "of somebody else\'s"'


def test_what_an_absent_package_would_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: ModuleType
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    monkeypatch.delitem(sys.modules, "nearfield.documents.readers.pdf", raising=False)
    path = tmp_path / "a.pdf"
    path.write_bytes(samples.pdf([["x"]]))
    with pytest.raises(MissingExtra):
        reader_for(path)
    assert 'pip install "nearfield[documents]"' in problem(path)


def test_choosing_a_reader_imports_only_that_reader() -> None:
    code = (
        "import sys; from pathlib import Path; from nearfield.documents.readers import reader_for;"
        "reader_for(Path('a.txt')); heavy = ('lxml', 'pypdfium2', 'docx', 'pptx',"
        "'python_calamine', 'markdown_it', 'tree_sitter', 'charset_normalizer');"
        "sys.exit([name for name in heavy if name in sys.modules] or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_reader_of_another_package_answers_for_its_endings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shouting(TextReader):
        suffixes = (".shout",)

    original = type(READERS).load
    names = (*READERS.names(), "shouting")
    monkeypatch.setattr(type(READERS), "names", lambda self: names)
    monkeypatch.setattr(
        type(READERS),
        "load",
        lambda self, name: Shouting if name == "shouting" else original(self, name),
    )
    from nearfield.registry import Part

    part = type(READERS).part
    monkeypatch.setattr(
        type(READERS),
        "part",
        lambda self, name: Part("elsewhere:Shouting") if name == "shouting" else part(self, name),
    )
    assert isinstance(reader_for(tmp_path / "a.shout"), Shouting)
