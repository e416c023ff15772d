"""JSON records: good ones whatever the bad ones are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.documents.decode import clean
from nearfield.documents.readers import read
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem

One = Callable[[str, bytes | str], Document]


def rows(path: Path, limits: ReadLimits | None = None) -> list[tuple[str, str]]:
    """Record and text, or record and reason in angle brackets."""
    return [
        (item.id.removeprefix(f"{path}::"), item.text)
        if isinstance(item, Document)
        else (item.source.removeprefix(f"{path}::"), f"<{item.reason}>")
        for item in read(path, limits=limits)
    ]


def test_the_layout_of_beir(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl.gz"
    record = {"_id": "d1", "title": "Parkas", "text": "Warm.", "metadata": {"year": 2024}}
    path.write_bytes(gzip.compress(json.dumps(record).encode()))
    metadata = {"format": "jsonl", "year": 2024}
    assert list(read(path)) == [
        Document(f"{path}::d1", "Warm.", str(path), "Parkas", metadata=metadata)
    ]


def test_other_names_and_flattened_metadata(document: One) -> None:
    record = {
        "id": 7,
        "Name": "Parka",
        "Content": "Warm.",
        "price": {"amount": 120.5, "currency": "EUR"},
        "tags": ["a", "b"],
        "sizes": [{"s": 1}],
        "sold": False,
        "gone": None,
        "huge": 10**30,
        "nan": float("nan"),
    }
    found = document("a.jsonl", json.dumps(record))
    assert found.id == f"{found.source}::7"
    assert (found.text, found.title) == ("Warm.", "Parka")
    assert found.metadata == {
        "format": "jsonl",
        "Name": "Parka",
        "price.amount": 120.5,
        "price.currency": "EUR",
        "tags": ("a", "b"),
        "sizes": '[{"s": 1}]',
        "sold": False,
        "huge": "1" + "0" * 30,
    }


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"text": "one"}\n'
        b"{broken\n"
        b"\n"
        b'{"text": "caf\xe9"}\n'
        b"[1, 2]\n"
        b"12\n"
        b'{"text": ""}\n'
        b'"just a text"\r\n' + b"[" * 100_000 + b'\n{"text": "last"}'
    )
    assert rows(path) == [
        ("1", "one"),
        (
            "2",
            "<line 2: no valid JSON: Expecting property name enclosed in double quotes at "
            "character 2>",
        ),
        ("4", "<line 4: not UTF-8 at byte 14>"),
        ("5", "<line 5: expected an object with a text, found an array>"),
        ("6", "<line 6: expected an object with a text, found a number>"),
        ("7", "<no text>"),
        ("8", "just a text"),
        ("9", "<line 9: nested too deeply>"),
        ("10", "last"),
    ]


def test_a_record_that_is_all_title_or_all_fields_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "Only this", "text": ""}\n{"colour": "red", "size": 4}\n')
    assert rows(path) == [("1", "Only this"), ("2", "colour: red\nsize: 4")]


def test_repeated_ids_are_said_and_made_distinct(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    ids = ["x", "x", "x~2", "x"]
    path.write_text("".join(f'{{"_id": "{i}", "text": "{n}"}}\n' for n, i in enumerate(ids)))
    assert rows(path) == [
        ("x", "0"),
        ("x~2", "<line 2: the id 'x' occurs again; this one is called 'x~2'>"),
        ("x~2", "1"),
        ("x~2~2", "<line 3: the id 'x~2' occurs again; this one is called 'x~2~2'>"),
        ("x~2~2", "2"),
        ("x~3", "<line 4: the id 'x' occurs again; this one is called 'x~3'>"),
        ("x~3", "3"),
    ]


def test_a_huge_line_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"text": "one"}\n{"text": "')
        for _ in range(30):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n{"text": "two"}\n')
    assert rows(path, ReadLimits(record_bytes=100_000)) == [
        ("1", "one"),
        ("2", "<line 2: too long: 30 MB, the limit is 100 kB>"),
        ("3", "two"),
    ]


def test_lone_surrogates_never_arrive(document: One) -> None:
    found = document("a.jsonl", '{"_id": "\\ud800", "text": "a\\udfffb", "k\\ud800": "\\ud800"}')
    assert (found.id[-1], found.text) == ("\ufffd", "a\ufffdb")
    assert found.metadata == {"format": "jsonl", "k\ufffd": "\ufffd"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marked_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "Wärme"}\n{"text": "🧥"}\n'.encode(encoding))
    assert rows(path) == [("1", "Wärme"), ("2", "🧥")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('[{"id": "a", "text": "one"}, "two"]', [("a", "one"), ("2", "two")]),
        ('{"title": "T", "text": "alone"}', [("", "alone")]),
        ('{"scripts": {"test": "x"}}', [("", '{"scripts": {"test": "x"}}')]),
        ("[[1, 2], [3, 4]]", [("", "[[1, 2], [3, 4]]")]),
        ('{"text": "a"}\n{"text": "b"}\n', [("1", "a"), ("2", "b")]),
    ],
)
def test_json_files(tmp_path: Path, data: str, expected: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.json"
    path.write_text(data)
    assert [(r.removeprefix(str(path)), text) for r, text in rows(path)] == expected


def test_broken_json_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"text": ')
    (problem,) = read(path)
    assert problem == Problem(str(path), "no valid JSON: Expecting value at character 10")


@given(st.lists(st.text().filter(str.strip), min_size=1, max_size=8, unique=True))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_text_survives(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    assert [i.text for i in read(path) if isinstance(i, Document)] == [clean(t) for t in texts]
