"""The sample files of the contract suite, and a way to read one document."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read
from nearfield.types import Document, Section


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    path = Path(__file__).parents[3] / "contracts" / "reader_samples.py"
    spec = importlib.util.spec_from_file_location("reader_samples", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def document(tmp_path: Path) -> Callable[[str, bytes | str], Document]:
    """Write a file and read the one document that it holds."""

    def made(name: str, data: bytes | str) -> Document:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        (found,) = read(path)
        assert isinstance(found, Document), found
        return found

    return made


@pytest.fixture
def outline() -> Callable[[Document], list[tuple[str, str, int, str]]]:
    """Kind, title, level and exact text of each section."""

    def shown(document: Document) -> list[tuple[str, str, int, str]]:
        def row(s: Section) -> tuple[str, str, int, str]:
            return str(s.kind), s.title, s.level, document.text[s.start : s.end]

        return [row(section) for section in document.sections]

    return shown
