"""What every reader promises, through the registry, on real files."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read, reader_for
from nearfield.protocols import Reader, ReadLimits
from nearfield.registry import READERS
from nearfield.types import Document, Problem, SectionKind


def _sibling(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


samples = _sibling("reader_samples")


@pytest.fixture(
    params=[(name, f) for name, files in samples.FILES.items() for f in files],
    ids=lambda param: param[1][0],
)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    reader, (name, data) = request.param
    path = tmp_path / name
    path.write_bytes(data)
    return reader, path


def documents(path: Path) -> list[Document]:
    found = [item for item in read(path) if isinstance(item, Document)]
    assert found, list(read(path))
    return found


def test_every_registered_reader_has_a_sample() -> None:
    assert set(samples.FILES) == set(READERS.names())


def test_the_ending_leads_to_the_reader(case: tuple[str, Path]) -> None:
    name, path = case
    reader = reader_for(path)
    assert type(reader) is READERS.load(name)
    assert path.suffix in reader.suffixes


def test_suffixes_are_lower_case_and_nobody_shares_one() -> None:
    readers: list[Reader] = [READERS.load(name)() for name in READERS.names()]
    suffixes = [suffix for reader in readers for suffix in reader.suffixes]
    assert all(s.startswith(".") and s == s.lower() for s in suffixes)
    assert len(suffixes) == len(set(suffixes))


def test_ids_are_distinct_and_name_the_source(case: tuple[str, Path]) -> None:
    _, path = case
    found = documents(path)
    assert {document.source for document in found} == {str(path)}
    ids = [document.id for document in found]
    assert len(set(ids)) == len(ids)
    assert ids == [str(path)] or all(i.startswith(f"{path}::") for i in ids)


def test_text_is_clean(case: tuple[str, Path]) -> None:
    for document in documents(case[1]):
        document.text.encode()  # no lone surrogates
        assert document.text.strip()
        assert "\r" not in document.text
        assert not document.text.startswith("\ufeff")


def test_sections_lie_in_order_within_the_text(case: tuple[str, Path]) -> None:
    for document in documents(case[1]):
        starts = [section.start for section in document.sections]
        assert starts == sorted(starts)
        for section in document.sections:
            assert 0 <= section.start <= section.end <= len(document.text)
            assert section.level >= 1


def test_sections_of_one_kind_nest_and_never_overlap(case: tuple[str, Path]) -> None:
    for document in documents(case[1]):
        for one in document.sections:
            for other in document.sections:
                if one.kind is other.kind and one.start < other.start < one.end:
                    assert other.end <= one.end
                    assert other.level > one.level


def test_headings_stand_where_they_say(case: tuple[str, Path]) -> None:
    for document in documents(case[1]):
        for section in document.sections:
            if section.kind in (SectionKind.HEADING, SectionKind.SHEET, SectionKind.SLIDE):
                there = " ".join(document.text[section.start :].lstrip("# ").split())
                assert there.startswith(section.title)


def test_metadata_can_be_filtered_and_stored(case: tuple[str, Path]) -> None:
    for document in documents(case[1]):
        assert document.metadata["format"]
        for name, value in document.metadata.items():
            name.encode()
            values = value if isinstance(value, tuple) else (value,)
            assert all(isinstance(v, str | int | float | bool) for v in values)


def test_reading_twice_gives_the_same(case: tuple[str, Path]) -> None:
    assert list(read(case[1])) == list(read(case[1]))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_a_file_cut_short_never_raises(case: tuple[str, Path], share: float) -> None:
    _, path = case
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    found = list(read(path))
    assert found
    assert all(isinstance(item, Document | Problem) for item in found)
    if share == 0:
        assert all(isinstance(item, Problem) and item.reason for item in found)


def test_another_format_under_this_name_never_raises(case: tuple[str, Path]) -> None:
    _, path = case
    junk = bytes(range(256)) * 40
    for data in (junk, b"\x89PNG\r\n\x1a\n" + junk, b"\0" * 5000, samples.pdf([["x"]])[:200]):
        path.write_bytes(data)
        for item in read(path):
            assert isinstance(item, Document | Problem)
    path.write_bytes(junk)
    (problem,) = read(path)
    assert isinstance(problem, Problem)
    assert problem.source == str(path)


def test_a_file_above_the_limit_is_refused(case: tuple[str, Path]) -> None:
    name, path = case
    limits = ReadLimits(file_bytes=8, record_bytes=2)
    if name in ("csv", "jsonl") and path.suffix != ".json":
        found = list(read(path, limits=limits))
        assert found
        assert all(isinstance(item, Problem) and "limit" in item.reason for item in found)
    elif path.stat().st_size > limits.file_bytes and path.suffix != ".mbox":
        (problem,) = read(path, limits=limits)
        assert isinstance(problem, Problem)
        assert "limit is 8 bytes" in problem.reason
